# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's points as they are drawn: read once, beside Blender's own thread, and kept while one looks at it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.capture import Capture, read_capture
from fomm_engine.wire.errors import UserError

from ....core.array_types import BoolArray, FloatArray
from ....core.take_confidence import point_confidence

NEAR = 0.75  # of a picture's time: one that is farther from every frame of the take is not in it


@dataclass(frozen=True)
class TakePoints:
    """time_s: (T,) in the video's own time. valid: (T,). points: (T, 70, 2) as shares of the picture, from its top left
    corner; sure: (T, 70), 0..1."""

    time_s: FloatArray
    valid: BoolArray
    points: npt.NDArray[np.float32]
    sure: npt.NDArray[np.float32]

    def at(self, seconds: float, step_s: float) -> tuple[FloatArray, FloatArray] | None:
        """(points (70, 2), sure (70,)) of the picture at a time of the video, pictures being `step_s` apart; None where
        the take has none there or saw no face."""
        after = int(np.searchsorted(self.time_s, seconds))
        around = [index for index in (after - 1, after) if 0 <= index < len(self.time_s)]
        nearest = min(around, key=lambda index: abs(float(self.time_s[index]) - seconds))
        if abs(float(self.time_s[nearest]) - seconds) > NEAR * step_s or not self.valid[nearest]:
            return None
        return self.points[nearest].astype(np.float64), self.sure[nearest].astype(np.float64)


def points_of(capture: Capture) -> TakePoints | None:
    """What of a capture is drawn; None where it does not say how large its pictures are, or was made without any."""
    source = capture.header.get("source")
    size = [source.get(name) if isinstance(source, dict) else None for name in ("width", "height")]
    if not all(isinstance(pixels, int | float) and pixels > 0 for pixels in size):
        return None
    tracks = capture.tracks
    points = np.concatenate([tracks["landmarks_px"], tracks["irises_px"]], axis=1)
    sigma = np.concatenate([tracks["landmarks_sigma_px"], tracks["irises_sigma_px"]], axis=1)
    sure = point_confidence(sigma, points, capture.valid)
    return TakePoints(
        capture.time_s, capture.valid, (points / np.array(size, float)).astype(np.float32), sure.astype(np.float32)
    )


class Reader:
    """Holds one take's points; another one is read in a thread while nothing is drawn."""

    def __init__(self) -> None:
        self._key = ""
        self._found: TakePoints | None = None
        self._thread: threading.Thread | None = None
        self.has_news = False  # whether something was read, or is being read, that nobody has drawn yet

    @property
    def busy(self) -> bool:
        """Whether a file is being read."""
        return self._thread is not None and self._thread.is_alive()

    def ask(self, key: str, place: Callable[[], Path]) -> TakePoints | None:
        """The points under this key, None while they are read or where there are none; `place` gives the file."""
        if key != self._key:
            self._key, self._found, self.has_news = key, None, True
            self._thread = threading.Thread(target=self._read, args=(key, place()), daemon=True, name="understudy-take")
            self._thread.start()
        return self._found

    def wait(self) -> None:
        """Nothing; what is being read is there."""
        if self._thread is not None:
            self._thread.join()

    def forget(self) -> None:
        """Nothing; the next question reads again."""
        self._key, self._found = "", None

    def _read(self, key: str, path: Path) -> None:
        try:
            found = points_of(read_capture(path))
        except UserError:
            return  # the list of takes says that it is gone
        if key == self._key:
            self._found = found
