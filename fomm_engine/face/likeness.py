# SPDX-License-Identifier: GPL-3.0-or-later
"""How a face looks, coarsely: enough to tell two people of one video apart, at a tenth of a millisecond."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fomm_engine.face.look import FrameFace
from fomm_engine.wire.names import LANDMARKS

Array = npt.NDArray[Any]
SIZE = 16
PLACES = np.array([[4.5, 5.0], [11.5, 5.0], [8.0, 11.5]])  # of the eyes and the mouth in the portrait, px
FINE = 4  # sampled so much finer first, so that few pixels stand for what lies between them
FORGETTING = 0.15


class Likeness:
    """A slowly renewed portrait of one person: the face laid upright over eyes and mouth, 16 px, in colour."""

    def __init__(self) -> None:
        self._portrait: Array | None = None

    def state(self) -> Array | None:
        """What `resume` needs."""
        return self._portrait

    def resume(self, state: Array | None) -> None:
        """Nothing; it looks as it did when `state` was taken."""
        self._portrait = state

    def renew(self, image: Array, face: FrameFace) -> None:
        """Mix in how the person looks in `image` (H, W, 3)."""
        now = portrait(image, face)
        self._portrait = now if self._portrait is None else (1 - FORGETTING) * self._portrait + FORGETTING * now

    def distance(self, image: Array, face: FrameFace) -> float:
        """Root mean square difference of colours, of 255, between `face` and the portrait; 0 where there is none."""
        if self._portrait is None:
            return 0.0
        return float(np.sqrt(np.mean((portrait(image, face) - self._portrait) ** 2)))


def portrait(image: Array, face: FrameFace) -> Array:
    """(16, 16, 3) float32: the face in `image` with its eyes and its mouth in their places."""
    eyes = (face.points_px[list(LANDMARKS[name])].mean(0) for name in ("eye_right", "eye_left"))
    seen = np.array([*eyes, face.points_px[list(LANDMARKS["lips_outer"])].mean(0)])
    matrix = _affine(seen, PLACES * FINE)
    side = SIZE * FINE
    fine = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(fine, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)


def _affine(source: Array, target: Array) -> Array:
    """(2, 3) the affine map that takes three points to three points (the nearest one for points on a line)."""
    solved: Array = np.linalg.lstsq(np.column_stack([source, np.ones(3)]), target, rcond=None)[0]
    return solved.T
