# SPDX-License-Identifier: GPL-3.0-or-later
"""A film (mp4, mov, mkv) from pictures, at an exact frame rate or with times, and another file's sound."""

import os
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fomm_engine.video import matroska
from fomm_engine.video.ffmpeg import Process, start, stop
from fomm_engine.video.sound import FORMATS, Sound, sound_arguments
from fomm_engine.wire.errors import UserError

_QUALITY = "18"  # x264's crf: visually lossless
_TICKS = "1000000"  # a second, in films whose frames have times of their own
_COLOURS = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]


class VideoWriter:
    """Writes frames of one size to a film (H.264, 4:2:0) of the kind its suffix says: use as a context manager.

    size: (width, height) of the frames; odd sides are widened by repeating the last row or column, as 4:2:0 asks.
    frame_rate: exact fraction (num, den), or None where every frame comes with a time of its own. sound: what goes
    along, copied where the container can hold it. The file appears under its name when the block ends well, and not at
    all otherwise. Any suffix but .mov and .mkv makes an mp4; in an mkv, times are rounded to milliseconds.

    Raises UserError "output-unwritable" where the path cannot be written, "video-write-failed" where ffmpeg gives up.
    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        *,
        frame_rate: tuple[int, int] | None,
        sound: Sound | None = None,
    ) -> None:
        self.path = Path(path)
        self.size = size
        self.frame_rate = frame_rate
        self.frames = 0
        self._suffix = self.path.suffix.lower() if self.path.suffix.lower() in FORMATS else ".mp4"
        self._sound = sound_arguments(sound, self._suffix)
        self._part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        self._first_s: float | None = None
        self._process: Process | None = None
        self._said: deque[str] = deque(maxlen=20)
        self._listener: threading.Thread | None = None

    def __enter__(self) -> Self:
        try:
            self._part.open("wb").close()
        except OSError as error:
            hint = "Choose a folder that exists and may be written to."
            raise UserError("output-unwritable", f"{self.path} cannot be written: {error.strerror}.", hint) from error
        self._process = start(self._arguments(), feed=True)
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._abandon()

    def write(self, image: NDArray[np.uint8], time_s: float | None = None) -> None:
        """Nothing; the picture (H,W,3) uint8 RGB is handed to the encoder.

        time_s: when it is shown; needed, and increasing, where the writer has no frame rate, ignored where it has one.
        The first picture's time counts as 0.
        """
        width, height = self.size
        if image.shape != (height, width, 3) or image.dtype != np.uint8:
            raise ValueError(f"expected ({height}, {width}, 3) uint8, got {image.shape} {image.dtype}")
        if width % 2 or height % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._process is None or self._process.stdin is None:
            raise ValueError("the writer is not open")
        try:
            self._process.stdin.write(self._head(image.nbytes, time_s))
            self._process.stdin.write(np.ascontiguousarray(image).data)
        except OSError as error:
            raise self._failure() from error
        self.frames += 1

    def _head(self, size_bytes: int, time_s: float | None) -> bytes:
        """What the pipe needs before a picture: nothing at an even rate, else its time."""
        if self.frame_rate is not None:
            return b""
        if time_s is None:
            raise ValueError("a writer without a frame rate needs each picture's time")
        self._first_s = time_s if self._first_s is None else self._first_s
        start = matroska.stream_head(*_even(self.size)) if self.frames == 0 else b""
        return start + matroska.picture_head(size_bytes, time_s - self._first_s)

    def _picture_arguments(self) -> tuple[list[str], list[str]]:
        """ffmpeg's arguments (for the input, for the output) about the pictures on the pipe and their times."""
        if self.frame_rate is None:
            times = ["-fps_mode", "passthrough", "-enc_time_base", f"1:{_TICKS}"]
            if self._suffix != ".mkv":
                times += ["-video_track_timescale", _TICKS]
            return ["-f", "matroska", "-i", "pipe:0"], times
        width, height = _even(self.size)
        rate = f"{self.frame_rate[0]}/{self.frame_rate[1]}"
        shape = ["-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-framerate", rate]
        return ["-f", "rawvideo", *shape, "-i", "pipe:0"], []

    def _arguments(self) -> list[str]:
        pictures, times = self._picture_arguments()
        convert = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p"
        encode = [
            "-map",
            "0:v:0",
            "-c:v",
            "libx264",
            "-crf",
            _QUALITY,
            "-preset",
            "medium",
            "-vf",
            convert,
            *_COLOURS,
            *times,
        ]
        sound_in, sound_out = self._sound
        index_first = ["-movflags", "+faststart"] if self._suffix != ".mkv" else []
        container = [*index_first, "-f", FORMATS[self._suffix], f"file:{self._part.absolute()}"]
        return ["-y", *pictures, *sound_in, *encode, *sound_out, *container]

    def _finish(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        if self.frames == 0:
            raise UserError("video-empty", f"Nothing was written to {self.path.name}: there were no pictures.")
        try:
            self._process.stdin.close()
        except OSError as error:
            raise self._failure() from error
        if self._process.wait() != 0:
            raise self._failure()
        os.replace(self._part, self.path)

    def _abandon(self) -> None:
        if self._process is not None:
            _stop_encoder(self._process)
            self._process = None
        if self._listener is not None:
            self._listener.join()
        self._part.unlink(missing_ok=True)

    def _failure(self) -> UserError:
        if self._process is not None:
            _stop_encoder(self._process)
        if self._listener is not None:
            self._listener.join()
        said = next((line for line in self._said if "rror" in line or "space" in line), "")
        return UserError(
            "video-write-failed", f"{self.path} could not be written.", f"ffmpeg says: {said}" if said else ""
        )

    def _listen(self, process: Process) -> None:
        assert process.stderr is not None
        with process.stderr as pipe:
            for raw in pipe:
                self._said.append(raw.decode("utf-8", "replace").strip())


def _even(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] + size[0] % 2, size[1] + size[1] % 2


def _stop_encoder(process: Process) -> None:
    try:
        stop(process)
    except OSError:  # bytes still buffered for a pipe that nobody reads: they are not wanted either
        process.wait()
