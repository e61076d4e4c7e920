# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of a video file, one at a time, with their true times."""

import queue
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fomm_engine.video.ffmpeg import Process, StreamTimes, input_arguments, start, stop
from fomm_engine.video.probe import VideoInfo, probe
from fomm_engine.wire.errors import UserError

__all__ = ["Frame", "VideoInfo", "VideoReader", "probe"]

_DAMAGE = re.compile(
    r"^\[.*(partial file|truncat|corrupt|nvalid data|error while decoding|Error (during|submitting)|missing picture)"
)
_TIME_WAIT_S = 20.0  # ffmpeg prints a frame's time before it hands the frame over; only a hung disk comes near this


@dataclass(frozen=True)
class Frame:
    """One picture: image (H,W,3) uint8 RGB, time_s after the first picture, index from 0."""

    image: NDArray[np.uint8]
    time_s: float
    index: int


class VideoReader:
    """The frames of one video, streaming: memory does not grow with the length.

    Every coded frame comes once, turned upright, with square pixels and its own time stamp (no frame is doubled or
    dropped to fit a constant rate). `max_side` scales so that the larger side has at most so many pixels. Leaving the
    `with` block, or `close()`, stops ffmpeg at once. `notes` says in sentences what was wrong with the file.

    Raises UserError on creation as `probe` does, and "video-unreadable" while iterating where not one frame decodes.
    """

    def __init__(self, path: Path | str, max_side: int | None = None) -> None:
        self.path = Path(path)
        self.info = probe(self.path)
        self.size = _fitted((self.info.width, self.info.height), max_side)
        self.notes: tuple[str, ...] = ()
        self._process: Process | None = None
        self._times: queue.SimpleQueue[Fraction | None] = queue.SimpleQueue()
        self._listener: threading.Thread | None = None
        self._damaged = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing; ffmpeg is gone, at once, however much of the video is left. May be called twice."""
        if self._process is None:
            return
        stop(self._process)
        if self._listener is not None:
            self._listener.join()
        self._process = None

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(self, first: int = 0, on_skip: Callable[[int], None] = lambda _: None) -> Iterator[Frame]:
        """The frames from number `first` on, the same as without it; those before are decoded and dropped.

        on_skip: called with how many of them are behind.
        """
        self.close()
        self._times, self._damaged = queue.SimpleQueue(), False
        self._process = start(self._arguments(first))
        self._listener = threading.Thread(target=self._listen, args=(self._process, self._times), daemon=True)
        self._listener.start()
        try:
            yield from self._frames(self._process, first, on_skip)
        finally:
            self.close()

    def _frames(self, process: Process, first: int, on_skip: Callable[[int], None]) -> Iterator[Frame]:
        first_s: float | None = None
        index = 0
        while index < first and (process.poll() is None or not self._times.empty()):
            stamp = self._next_time()
            first_s = (stamp or 0.0) if first_s is None else first_s
            index += 1
            on_skip(index)
        while (image := self._next_image(process)) is not None:
            stamp = self._next_time()
            time_s = self._even_time(index, first_s) if stamp is None else stamp
            first_s = time_s if first_s is None else first_s
            yield Frame(image, time_s - first_s, index)
            index += 1
        process.wait()
        if self._listener is not None:
            self._listener.join()
        if index == 0:
            raise UserError(
                "video-unreadable", f"No frame of {self.path.name} can be decoded.", "The file may be damaged."
            )
        if self._damaged:
            self.notes = (f"{self.path.name} is damaged or cut short: {index} frames could be read.",)

    def _even_time(self, index: int, first_s: float | None) -> float:
        """Where frame `index` would stand at a constant rate: for streams without time stamps."""
        return (first_s or 0.0) + index * self.info.frame_rate[1] / self.info.frame_rate[0]

    def _arguments(self, first: int) -> list[str]:
        width, height = self.size
        begin = f"select=gte(n\\,{first})," if first else ""
        scale = f"scale={width}:{height}:flags=bicubic+accurate_rnd+full_chroma_int"
        chain = f"showinfo=checksum=0,{begin}{scale},format=rgb24"
        decode = [
            "-map",
            "0:v:0",
            "-an",
            "-sn",
            "-dn",
            "-vf",
            chain,
            "-fps_mode",
            "passthrough",
            "-max_error_rate",
            "1",
        ]
        return ["-copyts", *input_arguments(self.path), *decode, "-f", "rawvideo", "pipe:1"]

    def _next_image(self, process: Process) -> NDArray[np.uint8] | None:
        assert process.stdout is not None
        image = np.empty((self.size[1], self.size[0], 3), np.uint8)
        try:
            count = process.stdout.readinto(memoryview(image).cast("B"))  # type: ignore[attr-defined]
        except ValueError:  # closed from another thread: the caller no longer wants frames
            return None
        return image if count == image.nbytes else None

    def _next_time(self) -> float | None:
        try:
            stamp = self._times.get(timeout=_TIME_WAIT_S)
        except queue.Empty:
            return None
        return None if stamp is None else float(stamp)

    def _listen(self, process: Process, times: "queue.SimpleQueue[Fraction | None]") -> None:
        assert process.stderr is not None
        stream = StreamTimes()
        with process.stderr as pipe:
            for raw in pipe:  # ends when ffmpeg does
                line = raw.decode("utf-8", "replace")
                for time in stream.times_in(line):
                    times.put(time)
                if _DAMAGE.match(line):
                    self._damaged = True
        times.put(None)


def _fitted(size: tuple[int, int], max_side: int | None) -> tuple[int, int]:
    """`size` scaled down, never up, so that its larger side is at most `max_side`."""
    if max_side is None or max(size) <= max_side:
        return size
    scale = max_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
