# SPDX-License-Identifier: GPL-3.0-or-later
"""The hair: a combed-back cap on the skull and a bun."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import palette
from rigs.characters.viola.head_form import skull_distance
from rigs.characters.viola.proportions import FloatArray
from rigs.characters.viola.solids import Face, Solid, grid_faces, joined, solid

_CENTER = np.array([0.0, 7.6, 3.0])
_HAIRLINE_DEG = (
    (0.0, 25.0), (25.0, 23.0), (45.0, 15.0), (60.0, 3.0), (74.0, -14.0), (84.0, -30.0), (96.0, -26.0), (110.0, -30.0),
    (130.0, -42.0), (160.0, -52.0), (180.0, -54.0),
)  # fmt: skip


def on_scalp(azimuth_rad: FloatArray, elevation_rad: FloatArray, height_cm: FloatArray) -> FloatArray:
    """Points (N, 3) over the skull in given directions from its middle, at a height above the scalp."""
    direction = np.stack(
        [
            np.sin(azimuth_rad) * np.cos(elevation_rad),
            -np.cos(azimuth_rad) * np.cos(elevation_rad),
            np.sin(elevation_rad),
        ],
        axis=-1,
    )
    reach = np.full(len(direction), 14.0)
    for _ in range(60):
        reach -= 0.8 * (skull_distance(_CENTER + reach[:, None] * direction) - height_cm)
    return _CENTER + reach[:, None] * direction


def hairline_rad(azimuth_rad: FloatArray) -> FloatArray:
    """The elevation (N,) at which the hair begins, over the azimuth from the face's middle."""
    table = np.deg2rad(np.array(_HAIRLINE_DEG))
    return np.interp(np.abs(azimuth_rad), table[:, 0], table[:, 1])


def _cap() -> Solid:
    rows, columns = 22, 84
    azimuth = np.linspace(-np.pi, np.pi, columns, endpoint=False)
    edge = hairline_rad(azimuth)
    way = np.linspace(0.03, 1.0, rows)[:, None]
    elevation = np.pi / 2 - way * (np.pi / 2 - edge[None])
    rim = np.clip((1.0 - way) / 0.16, 0.0, 1.0) ** 0.5
    height = -0.25 + (0.95 + 0.06 * np.cos(azimuth * 21.0)) * rim
    points = on_scalp(np.tile(azimuth, rows), elevation.ravel(), np.broadcast_to(height, elevation.shape).ravel())
    pole = on_scalp(np.zeros(1), np.full(1, np.pi / 2), np.full(1, 0.7))
    faces: list[Face] = [(rows * columns, i, (i + 1) % columns) for i in range(columns)]
    faces += grid_faces(rows, columns, wrap=True)
    return solid(np.concatenate([points, pole]), faces, "hair", palette.HAIR)


def _bun() -> Solid:
    rows, columns = 16, 28
    v = np.linspace(0.08, np.pi - 0.08, rows)[:, None]
    u = np.linspace(0.0, 2.0 * np.pi, columns, endpoint=False)[None]
    twist = 1.0 + 0.05 * np.cos(7.0 * u + 5.0 * v)
    ball = np.stack([np.sin(v) * np.cos(u) * twist, np.sin(v) * np.sin(u) * twist, np.cos(v) * np.ones_like(u)], -1)
    points = ball.reshape(-1, 3) * np.array([3.3, 2.7, 3.2]) + np.array([0.0, 18.0, 6.4])
    faces: list[Face] = grid_faces(rows, columns, wrap=True)
    return solid(points, faces, "hair", palette.HAIR)


def hair() -> Solid:
    """All of the hair, cm, on the head at rest."""
    return joined([_cap(), _bun()])
