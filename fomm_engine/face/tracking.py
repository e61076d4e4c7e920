# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking a whole video: frame by frame, with checkpoints behind it, from where an earlier run stood."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

from fomm_engine.face.checkpoints import Checkpoints
from fomm_engine.face.look import FrameFace
from fomm_engine.face.recording import Recording
from fomm_engine.stdio import Reporter
from fomm_engine.video.reader import Frame, VideoInfo, VideoReader
from fomm_engine.wire.errors import UserError


class Tracker(Protocol):
    """What the capture needs of a landmark backend."""

    def track(self, image: npt.NDArray[Any]) -> FrameFace | None:
        """The followed face in the next frame."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything it remembers from frame to frame, but for the last picture."""
        ...

    def resume(self, state: dict[str, Any], image: npt.NDArray[Any]) -> None:
        """It goes on as it would have after the frame `image`, when it told its `state`."""
        ...


@dataclass(frozen=True)
class Part:
    """Which part of a video is meant, seconds after its first picture; end_s None: to its end."""

    start_s: float = 0.0
    end_s: float | None = None

    def expected_frames(self, info: VideoInfo) -> int:
        """About how many frames that will be."""
        if info.duration_s <= 0:
            return info.frames_estimate
        length_s = min(self.end_s if self.end_s is not None else info.duration_s, info.duration_s) - self.start_s
        return max(1, round(info.frames_estimate * length_s / info.duration_s))


class Tracking:
    """The tracking of a part of a video. on_kept: told (frames, of about how many) after each checkpoint."""

    def __init__(
        self, reader: VideoReader, part: Part, checkpoints: Checkpoints, on_kept: Callable[[int, int], None]
    ) -> None:
        self._reader, self._part, self._checkpoints, self._on_kept = reader, part, checkpoints, on_kept
        self._recorder = checkpoints.recorder
        self._total = part.expected_frames(reader.info)

    def recording(self, tracker: Tracker, reporter: Reporter) -> Recording:
        """Every frame of the part as the tracker saw it, in this run or in one before.

        Raises UserError("empty-range") where there is none, Cancelled from the reporter, OSError from the disk.
        """
        last = None
        for frame in self._frames(tracker, reporter):
            if self._part.end_s is not None and frame.time_s > self._part.end_s:
                break
            if frame.time_s < self._part.start_s:
                reporter.check_cancelled()
                continue
            last = frame.index
            self._checkpoints.add(frame.time_s, tracker.track(frame.image))
            if self._checkpoints.due():
                self._keep(last, tracker)
            reporter.progress("track", self._recorder.count, max(self._total, self._recorder.count))
        if self._recorder.count == 0:
            hint = "Choose another start or end."
            raise UserError("empty-range", "The chosen part of the video holds no frame.", hint)
        if last is not None:
            self._keep(last, tracker)
        return self._recorder.recording()

    def _frames(self, tracker: Tracker, reporter: Reporter) -> Iterator[Frame]:
        """The frames that are still to be tracked, after the tracker was told of the last one that is."""
        stand = self._checkpoints.resumed
        if stand is None:
            yield from self._reader
            return
        reporter.log(f"Resuming at frame {stand.count} of {max(self._total, stand.count)}.")

        def on_skip(behind: int) -> None:
            reporter.progress("resume", behind, stand.index, str(stand.count))

        frames = self._reader.frames(stand.index, on_skip)
        last = next(frames, None)
        if last is not None:
            tracker.resume(stand.memory, last.image)
        yield from frames

    def _keep(self, last: int, tracker: Tracker) -> None:
        self._checkpoints.keep(last, tracker)
        self._on_kept(self._recorder.count, max(self._total, self._recorder.count))
