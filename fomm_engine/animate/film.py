# SPDX-License-Identifier: GPL-3.0-or-later
"""Making one film: frames are read, painted and written at the same time, and kept in parts while it lasts."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fomm_engine import __version__
from fomm_engine.animate.driving import CHUNK, DrivingFrame, in_groups
from fomm_engine.animate.framing import FollowingSquare
from fomm_engine.animate.options import AnimateOptions
from fomm_engine.animate.outputs import FilmPaths, Outputs, Timing
from fomm_engine.animate.painter import Painted
from fomm_engine.animate.parts import Parts, StoredChunk
from fomm_engine.animate.stage import Stage
from fomm_engine.animate.streams import Behind, ahead
from fomm_engine.stdio import Reporter
from fomm_engine.video.probe import evenly_timed
from fomm_engine.video.sound import Sound
from fomm_engine.wire.motion_tracks import write_motion

_DEPTH = 8  # frames that wait between reading, painting and writing


def make_film(stage: Stage, paths: FilmPaths, parts: Parts, options: AnimateOptions, reporter: Reporter) -> None:
    """Nothing; what the options ask for stands at `paths`. What `parts` holds of an earlier run is not painted again.

    Raises as the reader, the writer and the painter do; Cancelled from the reporter.
    """
    stored = _Stored(parts, parts.painted_count() if stage.painter.kept else 0)
    if stored.count:
        reporter.log(f"Going on after {stored.count} frames that were painted before.")
        if isinstance(stage.look.square, FollowingSquare):
            stage.look.square.resume(*stored.last)
    keeps = stage.painter.kept or options.tracks
    outputs = Outputs(paths, parts.folder, stage.canvas, options, _timing(stage, options))

    def write(item: tuple[DrivingFrame, Painted]) -> None:
        frame, painted = item
        if keeps and frame.index >= stored.count:
            parts.add(frame, painted)
        outputs.write(frame, painted)

    frames = stage.driving.frames(stage.look, stored.count)
    pace = _Pace(stage.driving.frames_estimate, stored.count)
    with outputs, ahead(frames, _DEPTH) as coming, Behind(write, _DEPTH) as writing:
        for group in in_groups(coming, stage.painter.batch):
            painted = stored.of(group) if group[0].index < stored.count else stage.painter.paint(group)
            for item in zip(group, painted, strict=True):
                writing.put(item)
            pace.tell(group[-1].index + 1, reporter)
        reporter.check_cancelled()
    parts.flush()
    if options.tracks:
        _write_motion(stage, paths.motion, parts, options)
    for note in stage.driving.notes:
        reporter.warn("video-damaged", note)


class _Stored:
    """The frames that an earlier run has painted."""

    def __init__(self, parts: Parts, count: int) -> None:
        self._parts, self.count = parts, count
        self._number, self._painted = -1, list[Painted]()

    @property
    def last(self) -> tuple[float, tuple[float, float, float]]:
        """Time and square of the last one."""
        return self._chunk((self.count - 1) // CHUNK).last

    def of(self, group: list[DrivingFrame]) -> list[Painted]:
        """The pictures of `group`, all of one chunk."""
        number = group[0].index // CHUNK
        if number != self._number:
            self._number, self._painted = number, self._chunk(number).painted()
        return [self._painted[frame.index % CHUNK] for frame in group]

    def _chunk(self, number: int) -> StoredChunk:
        return self._parts.chunk(number)


class _Pace:
    """Tells how far the film is, how fast it goes and how long it will take."""

    def __init__(self, total: int, stored: int) -> None:
        self._total, self._stored = total, stored
        self._began: float | None = None

    def tell(self, done: int, reporter: Reporter) -> None:
        """Report that `done` frames are made."""
        now = time.monotonic()
        total = max(self._total, done)
        message = ""
        if done > self._stored and self._began is None:
            self._began, self._stored = now, done
        elif self._began is not None and now > self._began:
            rate = (done - self._stored) / (now - self._began)
            message = f"{rate:.1f} frames/s, {_in_words((total - done) / rate)} left" if rate > 0 else ""
        reporter.progress("animate", done, total, message)


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _timing(stage: Stage, options: AnimateOptions) -> Timing:
    path, info = stage.driving.path, stage.driving.info
    rate = info.frame_rate if evenly_timed(path, info) else None
    sound = Sound(path, info.audio_offset_s, encoded=False) if options.sound and info.has_audio else None
    return Timing(rate, sound, stage.sound_end_s)


def _write_motion(stage: Stage, path: Path, parts: Parts, options: AnimateOptions) -> None:
    info, source = stage.driving.info, stage.painter.source
    header: dict[str, Any] = {
        "created_by": f"fomm_engine {__version__}",
        "driving": {"file": str(stage.driving.path), "size": [info.width, info.height]},
        "frame_rate": list(info.frame_rate),
        "conventions": {"keypoints": stage.painter.convention, "time_s": "after the driving video's first picture"},
        "relative": options.relative,
        "adapt_scale": options.adapt_scale,
        "matching": parts.recall("initial"),
    }
    square = np.array(stage.square)
    models = {"source_value": source.value, "source_jacobian": source.jacobian, "source_square": square}

    def chunks() -> Iterable[dict[str, np.ndarray]]:
        return (chunk.arrays for chunk in parts.chunks())

    write_motion(path, header, models, chunks)
