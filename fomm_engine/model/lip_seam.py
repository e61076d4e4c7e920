# SPDX-License-Identifier: GPL-3.0-or-later
"""The line along which a portrait's lips part, and what shows between them in a preview."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Image = NDArray[np.uint8]
_COLUMNS, _ROWS = 48, 32
_BAND = (0.25, 0.72)  # of the way from the upper lip's upper edge to the lower lip's lower edge
_USUAL = 0.45  # where the seam is when the picture does not say
_STRAY = 60.0  # how much darker (levels) a pixel must be to draw the seam from the usual place to the band's edge
_BEND = 40.0  # levels per row of bending
_THROAT = np.array([38.0, 14.0, 14.0])
_TEETH = np.array([214.0, 203.0, 190.0])


@dataclass(frozen=True)
class LipSeam:
    """Where a portrait's lips meet.

    middle (2,), across (2,): the point between the mouth's corners and the vector from there to the left corner, in
    [-1,1] of the portrait. below (C,): how far the seam lies below the line between the corners, in lengths of
    `across`, at C evenly spaced places from the right corner to the left.
    """

    middle: Array
    across: Array
    below: Array

    def coordinates(self, points: Array) -> tuple[Array, Array]:
        """(along, depth) of `points` (...,2): along -1 and +1 at the corners; depth below the seam, in half mouths."""
        length = float(self.across @ self.across)
        offset = points - self.middle
        along = offset @ self.across / length
        down = offset @ np.array([-self.across[1], self.across[0]]) / length
        places = np.linspace(-1, 1, len(self.below))
        return along, down - np.interp(along, places, self.below)


def find_seam(portrait: Image, corners: Array, lips: Array) -> LipSeam:
    """The darkest smooth line from corner to corner between the lips.

    corners (2,2): the mouth's right and left; lips (2,2): the upper lip's upper edge and the lower lip's lower edge, in
    the middle; all in [-1,1] of the portrait.
    """
    middle, across = corners.mean(0), (corners[1] - corners[0]) / 2
    length = max(float(across @ across), 1e-8)
    down = np.array([-across[1], across[0]])
    top, bottom = ((lips - middle) @ down / length)[:2]
    bottom = max(bottom, top + 0.1)
    along = np.linspace(-1, 1, _COLUMNS)
    arch = np.clip(1 - along**2, 0, 1)  # both lips end in the corners
    share = np.linspace(*_BAND, _ROWS)[:, None]
    depths = (top + (bottom - top) * share) * arch
    points = middle + along[None, :, None] * across + depths[..., None] * down
    return LipSeam(middle, across, _smoothed(_chosen(depths, _darkest(_brightness(portrait, points)))))


def parted(upper: Image, lower: Image, above: Array, below: Array) -> Image:
    """The picture of parted lips: `upper` where it is above the seam, `lower` where below, the mouth's inside between.

    above, below (H,W): how far (in pixels of the result) a pixel of `upper` lies above its seam, and of `lower` below.
    A gap of less than a pixel is not shown.
    """
    cover_upper = np.clip(above + 0.5, 0, 1)[..., None]
    cover_lower = np.clip(below + 1.5, 0, 1)[..., None]
    inside = _inside(-above, -below)
    behind = lower * cover_lower + inside * (1 - cover_lower)
    return np.clip(np.rint(upper * cover_upper + behind * (1 - cover_upper)), 0, 255).astype(np.uint8)


def _inside(from_upper: Array, from_lower: Array) -> Array:
    """(H,W,3) what is seen between the lips: dark, lighter teeth under the upper lip once the gap is wide enough."""
    gap = np.maximum(from_upper, 0) + np.maximum(from_lower, 0)
    height = np.maximum(gap, 1e-3)
    share = np.clip(np.maximum(from_upper, 0) / height, 0, 1)
    wide = np.clip((gap - 3) / 8, 0, 1)
    teeth = wide * np.clip((0.34 - share) / 0.06, 0, 1) * np.clip(share / 0.1, 0.25, 1)
    return _THROAT * (1 - teeth[..., None]) + _TEETH * 0.8 * teeth[..., None]


def _brightness(portrait: Image, points: Array) -> Array:
    height, width = portrait.shape[:2]
    grey = cv2.GaussianBlur(cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY), (0, 0), max(width / 256, 0.5))
    columns, rows = (points[..., 0] + 1) / 2 * width - 0.5, (points[..., 1] + 1) / 2 * height - 0.5
    return cv2.remap(
        grey, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _darkest(brightness: Array) -> Array:
    """(columns,) row indices of the cheapest path: dark, near the usual place, not bending much."""
    rows = np.arange(_ROWS)
    usual = (_USUAL - _BAND[0]) / (_BAND[1] - _BAND[0]) * (_ROWS - 1)
    cost = brightness.astype(np.float64) + _STRAY * ((rows - usual) / (_ROWS / 2))[:, None] ** 2
    bend = _BEND * np.abs(rows[:, None] - rows[None, :]).clip(max=4) / 4 + np.where(
        np.abs(rows[:, None] - rows[None, :]) > 3, 1e6, 0
    )
    best, came = cost[:, 0], np.zeros((_ROWS, _COLUMNS), np.int64)
    for column in range(1, _COLUMNS):
        total = best[None, :] + bend
        came[:, column] = total.argmin(1)
        best = total.min(1) + cost[:, column]
    path = [int(best.argmin())]
    for column in range(_COLUMNS - 1, 0, -1):
        path.append(int(came[path[-1], column]))
    return np.array(path[::-1])


def _chosen(depths: Array, path: Array) -> Array:
    return depths[path, np.arange(depths.shape[1])]


def _smoothed(values: Array) -> Array:
    kernel = np.hanning(9)[1:-1]
    padded = np.pad(values, 3, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")
