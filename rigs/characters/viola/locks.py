# SPDX-License-Identifier: GPL-3.0-or-later
"""Single locks of hair: tapered, slightly ridged strands swept along paths over the scalp or through the air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rigs.characters.viola import palette
from rigs.characters.viola.head_form import skull_distance
from rigs.characters.viola.proportions import FloatArray
from rigs.characters.viola.solids import Solid, capped_tube_faces, frames_along

SCALP_CENTER = np.array([0.0, 7.6, 3.0])


@dataclass(frozen=True)
class Cut:
    """How thick a lock is: half sizes in cm at its fullest, and its share at the root, the tip, and where it swells."""

    width: float
    thickness: float
    root: float = 0.35
    tip: float = 0.08
    swell: float = 0.3
    rows: int = 13
    sides: int = 8


def direction(azimuth_rad: FloatArray, elevation_rad: FloatArray) -> FloatArray:
    """Unit vectors (N, 3) from the scalp's middle: azimuth 0 is the face's middle, positive to the subject's left."""
    level = np.cos(elevation_rad)
    return np.stack([np.sin(azimuth_rad) * level, -np.cos(azimuth_rad) * level, np.sin(elevation_rad)], axis=-1)


def over_scalp(directions: FloatArray, height_cm: FloatArray) -> FloatArray:
    """Points (N, 3) at a height over the skull, in the given directions from its middle."""
    reach = np.full(len(directions), 13.0)
    for _ in range(24):
        reach -= 0.9 * (skull_distance(SCALP_CENTER + reach[:, None] * directions) - height_cm)
    return SCALP_CENTER + reach[:, None] * directions


def smooth_path(knots: FloatArray, count: int) -> FloatArray:
    """`count` points (count, D) on a Catmull-Rom curve through the knots (K, D)."""
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    place = np.linspace(0.0, len(knots) - 1 - 1e-9, count)
    index, s = place.astype(int), (place % 1.0)[:, None]
    a, b, c, d = (padded[index + k] for k in range(4))
    return 0.5 * (2 * b + (c - a) * s + (2 * a - 5 * b + 4 * c - d) * s**2 + (3 * b - a - 3 * c + d) * s**3)


def _fullness(cut: Cut) -> FloatArray:
    way = np.linspace(0.0, 1.0, cut.rows)
    rising = cut.root + (1.0 - cut.root) * np.sin(0.5 * np.pi * np.clip(way / cut.swell, 0.0, 1.0))
    falling = np.clip((way - cut.swell) / (1.0 - cut.swell), 0.0, 1.0)
    return rising * (1.0 - (1.0 - cut.tip) * falling**1.7)


def lock(path: FloatArray, outward: FloatArray, cut: Cut, shade: float) -> Solid:
    """A lock along `path` (cut.rows, 3), its broad side facing `outward` (cut.rows, 3); `shade` scales its colour."""
    side, normal = frames_along(path, outward)
    turn = np.linspace(0.0, 2.0 * np.pi, cut.sides, endpoint=False)
    full = _fullness(cut)[:, None, None]
    ridge = 1.0 + 0.13 * np.cos(3.0 * turn + 0.6)
    across = cut.width * full * (np.cos(turn) * ridge)[None, :, None] * side[:, None]
    high = cut.thickness * full**0.7 * (np.sin(turn) * ridge)[None, :, None] * normal[:, None]
    points = (path[:, None] + across + high).reshape(-1, 3)
    along = np.repeat(np.linspace(0.0, 1.0, cut.rows), cut.sides)
    light = shade * (0.72 + 0.5 * np.sin(np.pi * np.clip(along * 0.9 + 0.08, 0.0, 1.0)))
    streak = 1.0 + 0.22 * np.tile(np.cos(np.arange(cut.sides) * 2.4 + 9.0 * shade), cut.rows)
    tint = (light * streak)[:, None] * np.array(palette.HAIR)
    faces = capped_tube_faces(cut.rows, cut.sides)
    return Solid(points, faces, ["hair"] * len(faces), tint)
