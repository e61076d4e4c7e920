# SPDX-License-Identifier: GPL-3.0-or-later
"""Square crops of a picture, turned upright, and the way back from crop to picture."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SHRINK_FIRST = 0.6  # below this scale linear sampling would skip pixels, so the picture is averaged down first


@dataclass(frozen=True)
class SquareCrop:
    """A square of a picture: centre (x, y) px, side px, and the face's roll (radians, counter-clockwise as seen)."""

    center_px: tuple[float, float]
    side_px: float
    roll_rad: float = 0.0

    def to_picture(self, points: Array) -> Array:
        """(..., 2) picture px of `points` (..., 2) in [-1, 1] of the crop (x right, y down, -1 and 1 its edges)."""
        return points * (self.side_px / 2) @ self._turn().T + np.asarray(self.center_px)

    def from_picture(self, points_px: Array) -> Array:
        """(..., 2) crop coordinates in [-1, 1] of picture points; the inverse of `to_picture`."""
        return (points_px - np.asarray(self.center_px)) @ self._turn() / (self.side_px / 2)

    def rotation_to_picture(self, rotation: Array) -> Array:
        """(3, 3) rotation camera-from-head in the picture, of one that was seen in the upright crop."""
        c, s = np.cos(self.roll_rad), np.sin(self.roll_rad)
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ rotation

    def cut(self, image: Array, size: int, border: int = cv2.BORDER_CONSTANT) -> Array:
        """(size, size, 3) uint8: the crop of `image` (H, W, 3); black outside, or as `border` says."""
        image, shrunk = self._shrunk(image, size)
        return cv2.warpAffine(image, shrunk.matrix(size), (size, size), flags=cv2.INTER_LINEAR, borderMode=border)

    def _turn(self) -> Array:
        """Crop axes in the picture; y points down in both, so counter-clockwise as seen is a negative angle."""
        c, s = np.cos(self.roll_rad), np.sin(self.roll_rad)
        return np.array([[c, s], [-s, c]])

    def matrix(self, size: int) -> Array:
        """(2, 3) from picture pixel indices to crop pixel indices (pixel centres lie at index + 0.5)."""
        linear = self._turn().T * (size / self.side_px)
        offset = size / 2 - 0.5 + linear @ (0.5 - np.asarray(self.center_px))
        return np.column_stack([linear, offset])

    def _shrunk(self, image: Array, size: int) -> tuple[Array, "SquareCrop"]:
        scale = size / self.side_px
        if scale >= SHRINK_FIRST:
            return image, self
        reach = self.side_px * 0.75  # covers the square at any roll
        height, width = image.shape[:2]
        left, right = (int(np.clip(self.center_px[0] + d, 0, width)) for d in (-reach, reach))
        top, bottom = (int(np.clip(self.center_px[1] + d, 0, height)) for d in (-reach, reach))
        if right - left < 2 or bottom - top < 2:
            return image, self
        new = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
        region = cv2.resize(image[top:bottom, left:right], new, interpolation=cv2.INTER_AREA)
        factor = np.array([new[0] / (right - left), new[1] / (bottom - top)])
        center = (np.asarray(self.center_px) - [left, top]) * factor
        return region, SquareCrop(
            (float(center[0]), float(center[1])), self.side_px * float(factor.mean()), self.roll_rad
        )


def letterboxed(image: Array, size: int) -> tuple[Array, SquareCrop]:
    """((size, size, 3), crop): the whole picture inside a square, black where the picture ends."""
    height, width = image.shape[:2]
    crop = SquareCrop((width / 2, height / 2), float(max(width, height)))
    return crop.cut(image, size), crop


def bounding_square(points_px: Array) -> tuple[tuple[float, float], float]:
    """(centre, side) of the upright square around points (N, 2): their bounding box's centre and larger extent."""
    low, high = points_px.min(0), points_px.max(0)
    center = (low + high) / 2
    return (float(center[0]), float(center[1])), float((high - low).max())
