# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets: synthetic faces side by side, with their labels drawn on them where wished."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.training.augment import over
from fomm_engine.training.backgrounds import sample_background
from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, LANDMARKS

Picture = NDArray[np.uint8]
_CLOSED = ("eye_right", "eye_left", "lips_outer", "lips_inner")
_OPEN = ("jaw", "brow_right", "brow_left", "nose_bridge", "nose_base")
_ENLARGED = 3
_LABEL_COLORS = {"lips_inner": (255, 80, 80), "lips_outer": (255, 200, 0), "eye_right": (80, 255, 80)}
_USUAL_COLOR = (80, 200, 255)


def contact_sheet(pictures: Sequence[Picture], columns: int) -> Picture:
    """Pictures (S, S, 3) of one size in rows of `columns`; missing ones at the end are black."""
    empty = np.zeros_like(pictures[0])
    filled = [*pictures, *[empty] * (-len(pictures) % columns)]
    return np.vstack([np.hstack(filled[start : start + columns]) for start in range(0, len(filled), columns)])


def on_background(rgba: Picture, rng: Generator) -> Picture:
    """A stored face (S, S, 4) over a random background."""
    return over(rgba, sample_background(rng, rgba.shape[0]))


def with_labels(picture: Picture, points_px: NDArray[np.floating]) -> Picture:
    """The picture three times as large with the 70 points drawn as lines, the irises as crosses."""
    side = picture.shape[0] * _ENLARGED
    drawn = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    for name in (*_CLOSED, *_OPEN):
        color = _LABEL_COLORS.get(name, _LABEL_COLORS["eye_right"] if name == "eye_left" else _USUAL_COLOR)
        line = _fixed(points_px[list(LANDMARKS[name])])
        cv2.polylines(drawn, [line], name in _CLOSED, color, 1, cv2.LINE_AA, 4)
    for x, y in points_px[[IRIS_RIGHT, IRIS_LEFT]] * _ENLARGED:
        cv2.drawMarker(drawn, (round(x - 0.5), round(y - 0.5)), (255, 0, 255), cv2.MARKER_CROSS, 9, 1)
    return drawn.astype(np.uint8, copy=False)


def _fixed(points_px: NDArray[np.floating]) -> NDArray[np.int32]:
    """Points of the enlarged picture in sixteenths of a pixel, from pixel centres as OpenCV counts."""
    return np.rint((points_px * _ENLARGED - 0.5) * 16).astype(np.int32)
