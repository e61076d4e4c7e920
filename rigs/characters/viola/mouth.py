# SPDX-License-Identifier: GPL-3.0-or-later
"""What is inside the mouth: two rows of teeth in their gums, and a tongue that can come out."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import palette
from rigs.characters.viola.fields import soft_step
from rigs.characters.viola.locks import smooth_path
from rigs.characters.viola.proportions import VIOLA, FloatArray
from rigs.characters.viola.solids import Solid, capped_tube_faces, joined, solid, swept

_WIDTHS = (0.56, 0.46, 0.46, 0.48, 0.5, 0.56)
_TONGUE_ROWS, _TONGUE_SIDES = 16, 16
# The tongue's line (y, z) in cm, root to tip, when it is out: over the lower teeth and lip, then down.
_STUCK_OUT = ((4.6, -8.2), (2.2, -7.3), (0.0, -6.75), (-1.6, -6.65), (-2.9, -6.95), (-3.9, -7.6), (-4.4, -8.5))


def _arch_y(x: FloatArray, front: float) -> FloatArray:
    return front + 0.17 * x**2 + 0.035 * x**4


def _tooth(center: FloatArray, yaw_rad: float, half: tuple[float, float, float]) -> Solid:
    """A rounded box (superellipsoid) of half sizes (across, deep, high) turned by `yaw_rad` about z."""
    rows, columns = 7, 10
    v = np.linspace(0.05, np.pi - 0.05, rows)[:, None]
    u = np.linspace(0.0, 2.0 * np.pi, columns, endpoint=False)[None]

    def rounded(value: FloatArray) -> FloatArray:
        return np.sign(value) * np.abs(value) ** 0.55

    across = half[0] * rounded(np.sin(v)) * rounded(np.cos(u))
    deep = half[1] * rounded(np.sin(v)) * rounded(np.sin(u))
    high = half[2] * rounded(np.cos(v)) * np.ones_like(u)
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    local = np.stack([cosine * across - sine * deep, sine * across + cosine * deep, high], axis=-1).reshape(-1, 3)
    return solid(local + center, capped_tube_faces(rows, columns), "teeth", palette.TEETH)


def _row_of_teeth(front: float, middle_z: float, half_height: float) -> list[Solid]:
    teeth: list[Solid] = []
    for side in (1, -1):
        x = 0.0
        for index, width in enumerate(_WIDTHS):
            slope = 0.34 * x + 0.14 * x**3
            step = width / np.sqrt(1.0 + slope**2)
            middle = x + step / 2
            lean = np.arctan(0.34 * middle + 0.14 * middle**3)
            height = half_height * (1.0 if index in (0, 2) else 0.93)
            center = np.array([side * middle, _arch_y(np.array(middle), front), middle_z + half_height - height])
            teeth.append(_tooth(center, side * lean, (width * 0.5, 0.2, height)))
            x += step
    return teeth


def _gums(front: float, z: float) -> Solid:
    x = np.linspace(-2.15, 2.15, 15)
    path = np.stack([x, _arch_y(x, front) + 0.06, np.full_like(x, z)], axis=1)
    up = np.tile(np.array([0.0, 0.0, 1.0]), (len(x), 1))
    size = np.tile(np.array([0.24, 0.42]), (len(x), 1))
    return solid(swept(path, up, size, 10), capped_tube_faces(len(x), 10), "gums", palette.GUMS)


def upper_teeth() -> Solid:
    """Upper teeth and gums, cm, in the head."""
    edge = VIOLA.mouth_height - 0.16
    return joined([*_row_of_teeth(-1.42, edge + 0.48, 0.48), _gums(-1.42, edge + 1.1)])


def lower_teeth() -> Solid:
    """Lower teeth and gums, cm, in the head with the jaw closed."""
    edge = VIOLA.mouth_height - 0.14
    return joined([*_row_of_teeth(-1.24, edge - 0.42, -0.42), _gums(-1.24, edge - 0.95)])


def tongue() -> tuple[Solid, FloatArray]:
    """The tongue at rest, and its displacement (N, 3) in cm when it is stuck out."""
    way = np.linspace(0.0, 1.0, _TONGUE_ROWS)
    y, z = 4.6 - 5.6 * way, -8.05 + 0.85 * np.sin(np.pi * (0.1 + 0.75 * way)) - 0.12 * way**3
    path = np.stack([np.zeros_like(way), y, z], axis=1)
    round_tip = np.sqrt(np.clip(1.0 - ((way - 0.72) / 0.29).clip(0.0) ** 2, 0.02, 1.0))
    size = np.stack([1.25 * round_tip, 0.5 * round_tip * (1.0 - 0.35 * way)], axis=1)
    up = np.tile(np.array([0.0, 0.0, 1.0]), (len(way), 1))
    points = swept(path, up, size, _TONGUE_SIDES)
    groove = np.exp(-((points[:, 0] / 0.3) ** 2)) * np.repeat(soft_step(way, 0.1, 0.7), _TONGUE_SIDES)
    points[:, 2] -= 0.12 * groove * (points[:, 2] > np.repeat(z, _TONGUE_SIDES))
    aim = smooth_path(np.array(_STUCK_OUT), _TONGUE_ROWS)
    out = np.zeros_like(points)
    out[:, 1:] = np.repeat(aim - path[:, 1:], _TONGUE_SIDES, axis=0)
    return solid(points, capped_tube_faces(_TONGUE_ROWS, _TONGUE_SIDES), "tongue", palette.TONGUE), out
