# SPDX-License-Identifier: GPL-3.0-or-later
"""How near made pictures come to the real ones: L1, SSIM, and the distance of facial landmarks (AKD)."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fomm_engine.face.default_tracker import default_tracker
from fomm_engine.wire.names import LANDMARK_COUNT

Image = NDArray[np.uint8]
Array = NDArray[Any]
_LUMA = np.array([0.299, 0.587, 0.114])
AKD_SIDE_PX = 256.0  # AKD is stated in pixels of a picture of this side, whatever the picture's own


def l1(made: Image, real: Image) -> float:
    """Mean absolute difference of pictures (H,W,3), levels from 0 to 1: the paper's reconstruction loss."""
    return float(np.abs(made.astype(np.float64) - real).mean() / 255)


def ssim(made: Image, real: Image) -> float:
    """Structural similarity of the pictures' brightness (Wang et al. 2004): Gaussian window, sigma 1.5, 11 wide."""
    x, y = (image.astype(np.float64) @ _LUMA / 255 for image in (made, real))
    mean_x, mean_y = _blurred(x), _blurred(y)
    var_x, var_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    both = _blurred(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    map_ = ((2 * mean_x * mean_y + c1) * (2 * both + c2)) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return float(map_[5:-5, 5:-5].mean())


class FaceMeasure:
    """The average keypoint distance of the paper (AKD), with the default weights' landmarks."""

    def __init__(self) -> None:
        self._tracker = default_tracker()

    def points(self, image: Image) -> Array | None:
        """(68,2) px of the largest face of `image`, or None where none is seen."""
        faces = self._tracker.faces(image)
        return faces[0].points_px[:LANDMARK_COUNT] if faces else None

    @staticmethod
    def distance(made: Array, real: Array, side_px: int) -> float:
        """Mean distance of two faces' points (68,2) of pictures of `side_px`, in pixels of a picture of 256."""
        return float(np.linalg.norm(made - real, axis=1).mean() * AKD_SIDE_PX / side_px)


def _blurred(image: Array) -> Array:
    return cv2.GaussianBlur(image, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT)
