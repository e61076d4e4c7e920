# SPDX-License-Identifier: GPL-3.0-or-later
"""Square crops of a picture, turned upright, and the way back from crop to picture."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ROUND_UP = 0.4  # 1.6 pixels to one and more are first averaged in blocks: linear sampling alone would skip some


@dataclass(frozen=True)
class SquareCrop:
    """A square of a picture: centre (x, y) px, side px, and the face's roll (radians, counter-clockwise as seen)."""

    center_px: tuple[float, float]
    side_px: float
    roll_rad: float = 0.0

    def to_picture(self, points: Array) -> Array:
        """(..., 2) picture px of `points` (..., 2) in [-1, 1] of the crop (x right, y down, -1 and 1 its edges)."""
        return points @ (self._turn.T * (self.side_px / 2)) + self._center

    def from_picture(self, points_px: Array) -> Array:
        """(..., 2) crop coordinates in [-1, 1] of picture points; the inverse of `to_picture`."""
        return (points_px - self._center) @ (self._turn / (self.side_px / 2))

    def rotation_to_picture(self, rotation: Array) -> Array:
        """(3, 3) rotation camera-from-head in the picture, of one that was seen in the upright crop."""
        c, s = math.cos(self.roll_rad), math.sin(self.roll_rad)
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ rotation

    def cut(self, image: Array, size: int, border: int = cv2.BORDER_CONSTANT) -> Array:
        """(size, size, 3) uint8: the crop of `image` (H, W, 3); black outside, or as `border` says. Grey ones too."""
        image, shrunk = self._shrunk(image, size)
        return cv2.warpAffine(image, shrunk.matrix(size), (size, size), flags=cv2.INTER_LINEAR, borderMode=border)

    @cached_property
    def _turn(self) -> Array:
        """Crop axes in the picture; y points down in both, so counter-clockwise as seen is a negative angle."""
        c, s = math.cos(self.roll_rad), math.sin(self.roll_rad)
        return np.array([[c, s], [-s, c]])

    @cached_property
    def _center(self) -> Array:
        return np.asarray(self.center_px)

    def matrix(self, size: int) -> Array:
        """(2, 3) from picture pixel indices to crop pixel indices (pixel centres lie at index + 0.5)."""
        scale = size / self.side_px
        c, s = math.cos(self.roll_rad) * scale, math.sin(self.roll_rad) * scale
        x, y = 0.5 - self.center_px[0], 0.5 - self.center_px[1]
        middle = size / 2 - 0.5
        return np.array([[c, -s, middle + c * x - s * y], [s, c, middle + s * x + c * y]])

    def _shrunk(self, image: Array, size: int) -> tuple[Array, "SquareCrop"]:
        """The part of `image` around the square, averaged over whole blocks of pixels, and the square in it."""
        block = int(self.side_px / size + ROUND_UP)
        if block < 2:
            return image, self
        left, top, right, bottom = self.surroundings(image, 2 * block)  # sampling looks one block beyond the square
        columns, rows = (right - left) // block, (bottom - top) // block
        if columns < 2 or rows < 2:
            return image, self
        part = image[top : top + rows * block, left : left + columns * block]
        region = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
        center = (self.center_px[0] - left) / block, (self.center_px[1] - top) / block
        return region, SquareCrop(center, self.side_px / block, self.roll_rad)

    def surroundings(self, image: Array, margin_px: float) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) px of the part of `image` (H, W, ...) that holds the square with a margin."""
        turn = abs(math.cos(self.roll_rad)) + abs(math.sin(self.roll_rad))
        reach = self.side_px / 2 * turn + margin_px
        height, width = image.shape[:2]
        x, y = self.center_px
        left, right = (int(min(max(x + d, 0), width)) for d in (-reach, reach))
        top, bottom = (int(min(max(y + d, 0), height)) for d in (-reach, reach))
        return left, top, right, bottom


def letterboxed(image: Array, size: int) -> tuple[Array, SquareCrop]:
    """((size, size, 3), crop): the whole picture inside a square, black where the picture ends."""
    height, width = image.shape[:2]
    crop = SquareCrop((width / 2, height / 2), float(max(width, height)))
    return crop.cut(image, size), crop


def bounding_square(points_px: Array) -> tuple[tuple[float, float], float]:
    """(centre, side) of the upright square around points (N, 2): their bounding box's centre and larger extent."""
    (left, top), (right, bottom) = points_px.min(0).tolist(), points_px.max(0).tolist()
    return ((left + right) / 2, (top + bottom) / 2), max(right - left, bottom - top)
