# SPDX-License-Identifier: GPL-3.0-or-later
"""Viola's hair: combed up into a high bun, with a parted fringe that frames the face."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import palette
from rigs.characters.viola.locks import SCALP_CENTER, Cut, direction, lock, over_scalp, smooth_path
from rigs.characters.viola.proportions import FloatArray
from rigs.characters.viola.solids import Face, Solid, grid_faces, joined, solid

_SEED = 11
# Azimuth from the face's middle and elevation at which the hair begins, degrees.
_HAIRLINE_DEG = (
    (0.0, 35.0), (12.0, 31.0), (24.0, 26.0), (38.0, 21.0), (52.0, 11.0), (62.0, -3.0), (72.0, -17.0), (80.0, -30.0),
    (88.0, -28.0), (100.0, -24.0), (114.0, -31.0), (135.0, -43.0), (160.0, -51.0), (180.0, -52.0),
)  # fmt: skip
_BUN_CENTER = np.array([0.0, 12.6, 14.3])
_BUN_RADII = np.array([3.0, 2.8, 2.5])
# Fringe locks of the subject's left: (azimuth, elevation) in degrees and height in cm from the parting to the tip.
_FRINGE = (
    ((0, 58, 0.2), (9, 46, 1.0), (28, 29, 1.5), (47, 15, 1.35), (60, -3, 1.1), (66, -19, 1.15), (67, -31, 1.5)),
    ((0, 55, 0.2), (8, 41, 1.1), (24, 27, 1.6), (42, 16, 1.5), (55, 1, 1.2), (61, -12, 1.15), (63, -22, 1.35)),
    ((0, 51, 0.2), (7, 37, 1.1), (21, 26, 1.55), (37, 17, 1.5), (49, 6, 1.2), (56, -4, 1.1), (59, -12, 1.2)),
    ((1, 62, 0.2), (12, 50, 0.9), (33, 33, 1.35), (53, 18, 1.25), (66, 0, 1.1), (73, -18, 1.1), (75, -34, 1.4)),
    ((0, 47, 0.2), (6, 33, 0.95), (17, 26, 1.35), (30, 20, 1.4), (41, 12, 1.2), (48, 5, 1.05), (51, 0, 1.1)),
)
_STRANDS = (
    ((70, 2, 0.7), (73, -14, 1.0), (74, -30, 1.15), (72, -44, 1.6), (69, -54, 2.1), (71, -61, 2.2)),
    ((76, -6, 0.7), (78, -20, 0.95), (79, -36, 1.25), (77, -50, 1.9), (80, -58, 2.4)),
)


def hairline_rad(azimuth_rad: FloatArray) -> FloatArray:
    """The elevation (N,) at which the hair begins, over the azimuth from the face's middle."""
    table = np.deg2rad(np.array(_HAIRLINE_DEG))
    return np.interp(np.abs(azimuth_rad), table[:, 0], table[:, 1])


def _cap() -> Solid:
    """A thin close layer under the locks, so no scalp shows between them."""
    rows, columns = 14, 56
    azimuth = np.linspace(-np.pi, np.pi, columns, endpoint=False)
    way = np.linspace(0.05, 1.0, rows)[:, None]
    elevation = np.pi / 2 - way * (np.pi / 2 - hairline_rad(azimuth)[None] - 0.03)
    height = np.broadcast_to(-0.1 + 0.45 * np.clip((1.0 - way) / 0.12, 0.0, 1.0) ** 0.6, elevation.shape)
    points = over_scalp(direction(np.tile(azimuth, rows), elevation.ravel()), height.ravel())
    pole = over_scalp(direction(np.zeros(1), np.full(1, np.pi / 2)), np.full(1, 0.35))
    faces: list[Face] = [(rows * columns, i, (i + 1) % columns) for i in range(columns)]
    faces += grid_faces(rows, columns, wrap=True)
    dark = tuple(0.62 * channel for channel in palette.HAIR)
    return solid(np.concatenate([points, pole]), faces, "hair", dark)


def _great_circle(start: FloatArray, end: FloatArray, count: int) -> FloatArray:
    angle = np.arccos(np.clip(start @ end, -1.0, 1.0))
    way = np.linspace(0.0, 1.0, count)[:, None]
    return (np.sin((1 - way) * angle) * start + np.sin(way * angle) * end) / np.sin(angle)


def _combed(azimuth_rad: float, lift_cm: float, inset_rad: float, rng: np.random.Generator) -> Solid:
    """A lock from the hairline up to the bun."""
    cut = Cut(width=0.95, thickness=0.36, root=0.3, tip=0.45, swell=0.22, rows=12)
    azimuth = np.array([azimuth_rad])
    start = direction(azimuth, hairline_rad(azimuth) + inset_rad)[0]
    bun = _BUN_CENTER - SCALP_CENTER
    ways = _great_circle(start, bun / np.linalg.norm(bun), cut.rows)
    way = np.linspace(0.0, 1.0, cut.rows)
    height = -0.12 + (0.5 + lift_cm) * np.clip(way / 0.16, 0.0, 1.0) ** 0.7 + 0.55 * way**3
    return lock(over_scalp(ways, height), ways, cut, float(rng.uniform(0.82, 1.2)))


def _combed_layers(rng: np.random.Generator) -> list[Solid]:
    made: list[Solid] = []
    for count, lift, inset in ((34, 0.0, 0.0), (26, 0.2, 0.13)):
        turns = np.linspace(-np.pi, np.pi, count, endpoint=False) + rng.uniform(-0.05, 0.05, count)
        made += [_combed(float(a), lift + rng.uniform(0.0, 0.16), inset + rng.uniform(0.0, 0.05), rng) for a in turns]
    return made


def _hanging(knots: tuple[tuple[float, float, float], ...], side: int, cut: Cut, shade: float) -> Solid:
    """A loose lock given by azimuth, elevation (degrees) and height (cm) of its knots, on one side of the head."""
    table = smooth_path(np.array(knots, dtype=np.float64), cut.rows)
    ways = direction(side * np.deg2rad(table[:, 0]), np.deg2rad(table[:, 1]))
    return lock(over_scalp(ways, table[:, 2]), ways, cut, shade)


def _fringe(rng: np.random.Generator) -> list[Solid]:
    made: list[Solid] = []
    for side in (1, -1):
        for knots in _FRINGE:
            cut = Cut(width=0.78, thickness=0.3, root=0.3, tip=0.05, swell=0.4, rows=16)
            made.append(_hanging(knots, side, cut, float(rng.uniform(0.9, 1.3))))
        for knots in _STRANDS:
            cut = Cut(width=0.36, thickness=0.17, root=0.4, tip=0.05, swell=0.35, rows=14, sides=7)
            made.append(_hanging(knots, side, cut, float(rng.uniform(0.9, 1.25))))
    return made


def _bun(rng: np.random.Generator) -> list[Solid]:
    """Locks wound round a ball, each at its own slant."""
    made: list[Solid] = []
    for index in range(11):
        slant, start = rng.uniform(-0.7, 0.7), rng.uniform(0.0, 2.0 * np.pi)
        tilt = np.array([np.sin(slant) * np.cos(start), np.sin(slant) * np.sin(start), np.cos(slant)])
        first = np.cross(tilt, [0.3, 1.0, 0.2])
        first /= np.linalg.norm(first)
        second = np.cross(tilt, first)
        turn = np.linspace(0.0, rng.uniform(3.6, 4.9), 15) + start
        level = (index / 10.0 - 0.5) * 1.5
        ring = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
        ways = ring * np.cos(level) + tilt * np.sin(level)
        cut = Cut(width=0.95, thickness=0.55, root=0.3, tip=0.25, swell=0.4, rows=15)
        path = _BUN_CENTER + ways * _BUN_RADII * rng.uniform(0.84, 0.98)
        made.append(lock(path, ways, cut, float(rng.uniform(0.85, 1.25))))
    return made


def _bun_core() -> Solid:
    rows, columns = 8, 14
    v = np.linspace(0.1, np.pi - 0.1, rows)[:, None]
    u = np.linspace(0.0, 2.0 * np.pi, columns, endpoint=False)[None]
    ball = np.stack([np.sin(v) * np.cos(u), np.sin(v) * np.sin(u), np.cos(v) * np.ones_like(u)], axis=-1)
    points = ball.reshape(-1, 3) * _BUN_RADII * 0.92 + _BUN_CENTER
    return solid(points, grid_faces(rows, columns, wrap=True), "hair", tuple(0.6 * c for c in palette.HAIR))


def hair() -> Solid:
    """All of the hair, cm, on the head at rest; the same every time."""
    rng = np.random.default_rng(_SEED)
    return joined([_cap(), _bun_core(), *_combed_layers(rng), *_bun(rng), *_fringe(rng)])
