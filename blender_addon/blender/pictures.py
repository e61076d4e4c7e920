# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures for lists and panels: a video's own, a take's confidence over time, a face's outline."""

from __future__ import annotations

import json
from typing import Any

import bpy
import bpy.utils.previews
import numpy as np

from ..core.array_types import FloatArray
from ..core.face_lines import landmark_lines
from ..core.take_confidence import values_of_strip

SIZE = 32  # pixels of an icon
PARTS = 3  # icons side by side that a confidence strip is made of
LARGE = 128
TRACK, INK = (0.0, 0.0, 0.0, 0.35), (0.8, 0.8, 0.8, 1.0)  # behind a strip's bars; a face's lines
_SURE, _UNSURE, _LOST = (0.25, 0.78, 0.40), (0.95, 0.66, 0.15), (0.86, 0.22, 0.20)
_HALF = 0.5


class Pictures:
    """The icons that were made so far; Blender keeps them until they are removed."""

    def __init__(self) -> None:
        self._icons: Any = None

    def of_video(self, path: str) -> int:
        """The icon of the video at `path` (absolute); Blender reads it in the background, with its own reader."""
        known = self._collection()
        key = f"video|{path}"
        icon = known[key] if key in known else known.load(key, path, "MOVIE")
        return icon.icon_id

    def of_strip(self, strip: str) -> list[int]:
        """The icons that, side by side, show a take's confidence over time; none for a take that does not know it."""
        return (
            [self._made(f"strip|{part}|{strip}", strip_picture, strip, part) for part in range(PARTS)] if strip else []
        )

    def of_outline(self, outline: str) -> int:
        """The icon of a face's outline, 0 where there is none."""
        return self._made(f"outline|{outline}", outline_picture, outline) if outline else 0

    def clear(self) -> None:
        """Nothing; all icons are gone."""
        if self._icons is not None:
            bpy.utils.previews.remove(self._icons)
            self._icons = None

    def _made(self, key: str, make: Any, *values: Any) -> int:
        known = self._collection()
        if key in known:
            return known[key].icon_id
        icon, pixels = known.new(key), make(*values)
        icon.icon_size = icon.image_size = (pixels.shape[1], pixels.shape[0])
        flat = np.ascontiguousarray(pixels[::-1], np.float32).ravel()  # Blender's rows go upwards
        icon.icon_pixels_float.foreach_set(flat)
        icon.image_pixels_float.foreach_set(flat)
        return icon.icon_id

    def _collection(self) -> Any:
        if self._icons is None:
            self._icons = bpy.utils.previews.new()
        return self._icons


PICTURES = Pictures()


def stop() -> None:
    """Nothing; all icons are gone."""
    PICTURES.clear()


def strip_picture(strip: str, part: int) -> FloatArray:
    """(SIZE, SIZE, 4) one of PARTS stretches of a confidence strip, rows from the top: bars as high as it is sure."""
    values = values_of_strip(strip)
    columns = (np.arange(SIZE) + part * SIZE + 0.5) / (PARTS * SIZE)
    shown = values[np.minimum((columns * len(values)).astype(int), len(values) - 1)]
    height = np.maximum(np.rint(shown * (SIZE - 8)), 3)
    above = SIZE - 4 - np.arange(SIZE)  # rows over the strip's foot
    is_bar = (above[:, None] > 0) & (above[:, None] <= height[None, :])
    picture = np.zeros((SIZE, SIZE, 4))
    picture[(above > 0) & (above <= SIZE - 8)] = TRACK
    colours = np.concatenate([confidence_colours(shown), np.ones((SIZE, 1))], axis=1)
    return np.where(is_bar[..., None], colours[None], picture)


def confidence_colours(values: FloatArray) -> FloatArray:
    """(N, 3) the colours of confidences (N,): red for a guess, amber in between, green for sure."""
    low = np.clip(values / _HALF, 0.0, 1.0)[:, None]
    high = np.clip((values - _HALF) / (1 - _HALF), 0.0, 1.0)[:, None]
    lost, unsure, sure = (np.array(colour) for colour in (_LOST, _UNSURE, _SURE))
    return (lost + low * (unsure - lost)) * (values[:, None] <= _HALF) + (unsure + high * (sure - unsure)) * (
        values[:, None] > _HALF
    )


def outline_picture(outline: str) -> FloatArray:
    """(LARGE, LARGE, 4) the lines of a face whose 68 points are given as JSON, x y x y ..., 0 to 100; rows from the
    top."""
    points = np.array(json.loads(outline), float).reshape(-1, 2) * (LARGE - 20) / 100 + 10
    picture = np.zeros((LARGE, LARGE, 4))
    steps = np.linspace(0.0, 1.0, 48)[:, None]
    for first, last in landmark_lines():
        spots = np.rint(points[first] * (1 - steps) + points[last] * steps).astype(int)
        for x, y in ((0, 0), (1, 0), (0, 1), (1, 1)):
            picture[np.clip(spots[:, 1] + y, 0, LARGE - 1), np.clip(spots[:, 0] + x, 0, LARGE - 1)] = INK
    return picture
