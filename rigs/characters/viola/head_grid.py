# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh of the head as a net of quads: a wrapped grid with ring-shaped holes for the eyes and the mouth.

Rows run from the crown to the chest, columns around the head with column 0 at the face's middle. A rectangle of cells
around each eye and around the mouth is replaced by concentric rings, so real loops run along lids and lips.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from rigs.characters.viola.proportions import FloatArray, IntArray

COLUMNS_PER_SIDE = 40
EYE_COLUMNS = (3, 19)
MOUTH_COLUMNS = (-12, 12)
EYE_RINGS = 13
MOUTH_RINGS = 15

# Rows: how many follow this station, then front (y, z), side (x, y, z) and back (y, z) of a rough loft, cm.
_STATIONS: tuple[tuple[int, tuple[float, ...], tuple[float, ...], tuple[float, ...]], ...] = (
    (2, (5.5, 12.3), (2.0, 7.3, 12.4), (9.5, 12.3)),
    (4, (1.2, 10.8), (4.9, 7.5, 10.8), (13.5, 10.6)),
    (5, (-1.2, 7.6), (6.9, 7.6, 7.4), (16.2, 7.2)),
    (5, (-1.9, 4.4), (7.5, 7.6, 4.2), (17.1, 3.6)),
    (14, (-2.1, 2.5), (7.5, 7.6, 2.3), (17.0, 1.2)),
    (6, (-2.9, -2.1), (7.0, 7.4, -2.1), (15.6, -3.6)),
    (6, (-3.9, -3.9), (6.8, 7.2, -3.4), (14.4, -5.6)),
    (12, (-2.4, -5.4), (6.5, 6.9, -4.8), (13.5, -7.2)),
    (5, (-1.95, -8.8), (5.5, 6.3, -7.6), (12.7, -10.0)),
    (4, (-1.9, -10.1), (5.0, 6.2, -8.8), (12.6, -11.3)),
    (4, (-0.5, -11.0), (4.7, 6.3, -9.9), (12.7, -12.4)),
    (3, (1.6, -11.6), (4.5, 6.5, -11.0), (12.9, -13.4)),
    (4, (2.9, -13.0), (4.5, 7.0, -12.6), (13.2, -14.8)),
    (4, (3.3, -15.0), (4.7, 7.6, -14.3), (13.8, -15.8)),
    (5, (3.5, -17.0), (5.6, 8.2, -16.0), (14.6, -17.2)),
    (5, (3.2, -19.5), (9.0, 8.8, -18.2), (15.8, -19.2)),
    (4, (2.3, -22.5), (13.5, 9.2, -20.6), (16.6, -22.2)),
    (3, (1.4, -27.0), (15.8, 9.4, -25.0), (16.8, -26.8)),
    (0, (1.0, -32.0), (16.2, 9.4, -32.0), (16.9, -32.0)),
)


def _row_of_station(index: int) -> int:
    return sum(station[0] for station in _STATIONS[:index])


EYE_ROWS = (_row_of_station(4), _row_of_station(5))
MOUTH_ROWS = (_row_of_station(7), _row_of_station(8))


@dataclass(frozen=True)
class HeadGrid:
    """The net: `rough` first positions (N, 3) cm, `quads` (M, 4), `triangles` (K, 3), rings of vertex numbers.

    `eye_rings[side]` and `mouth_rings` are (rings, ring length); entry 0 is the nasal corner (mouth: the subject's
    right corner), the first half runs over the upper lid or lip. `cells[row, column + COLUMNS_PER_SIDE]` holds the
    grid's vertices (-1 in holes) and `mirror` (N,) each vertex's partner across the face's middle.
    """

    rough: FloatArray
    quads: IntArray
    triangles: IntArray
    cells: IntArray
    eye_rings: dict[int, IntArray]
    mouth_rings: IntArray
    mirror: IntArray


@dataclass
class _Net:
    """Vertices and faces while the net is being tied."""

    count: int = 0
    quads: list[tuple[int, int, int, int]] = field(default_factory=list)

    def allocate(self, amount: int) -> IntArray:
        first, self.count = self.count, self.count + amount
        return np.arange(first, self.count)


def column_angles_rad() -> FloatArray:
    """Azimuths of the columns (2 n,), from -n to n - 1: 0 is the face's middle, positive to the subject's left."""
    steps = np.concatenate([np.full(20, 2.5), np.full(9, 40.0 / 9.0), np.full(11, 90.0 / 11.0)])
    positive = np.concatenate([[0.0], np.cumsum(steps)])
    return np.deg2rad(np.concatenate([-positive[:0:-1], positive[:-1]]))


def _spline(knots: FloatArray, per_interval: list[int]) -> FloatArray:
    """Catmull-Rom points through `knots` (K, D) with the given number of steps in each interval."""
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    parts = []
    for index, steps in enumerate(per_interval):
        a, b, c, d = padded[index : index + 4]
        s = (np.arange(steps) / steps)[:, None]
        parts.append(0.5 * (2 * b + (c - a) * s + (2 * a - 5 * b + 4 * c - d) * s**2 + (3 * b - a - 3 * c + d) * s**3))
    return np.concatenate([*parts, knots[-1:]])


def _loft() -> FloatArray:
    """Rough positions (rows, columns, 3): stations splined down the body and swept as half ellipses around it."""
    knots = np.array([[*front, *side, *back] for _, front, side, back in _STATIONS])
    rows = _spline(knots, [station[0] for station in _STATIONS[:-1]])
    front_y, front_z, side_x, side_y, side_z, back_y, back_z = (column[:, None] for column in rows.T)
    cosine, sine = np.cos(column_angles_rad())[None], np.sin(column_angles_rad())[None]
    ahead = cosine > 0
    end_y, end_z = np.where(ahead, front_y, back_y), np.where(ahead, front_z, back_z)
    y = side_y + (end_y - side_y) * np.abs(cosine)
    z = side_z + (end_z - side_z) * cosine**2
    return np.stack([side_x * sine, y, z], axis=-1)


def _perimeter(cells: IntArray, rows: tuple[int, int], columns: tuple[int, int], side: int) -> IntArray:
    """The vertices around a rectangle of cells, from the middle of its first column over the top and back."""
    (top, bottom), (first, last) = rows, columns
    middle = (top + bottom) // 2
    path = [(row, first) for row in range(middle, top, -1)] + [(top, column) for column in range(first, last)]
    path += [(row, last) for row in range(top, bottom)] + [(bottom, column) for column in range(last, first, -1)]
    path += [(row, first) for row in range(bottom, middle, -1)]
    return np.array([cells[row, side * column + COLUMNS_PER_SIDE] for row, column in path])


def _tie_rings(net: _Net, rings: IntArray, outward: bool) -> None:
    for outer, inner in pairwise(rings):
        for i in range(len(outer)):
            j = (i + 1) % len(outer)
            quad = (int(outer[i]), int(inner[i]), int(inner[j]), int(outer[j]))
            net.quads.append(quad if outward else quad[::-1])


def _close_mouth(net: _Net, ring: IntArray) -> None:
    """Joins the upper to the lower half of the deepest mouth ring."""
    half = len(ring) // 2
    for i in range(half):
        upper, lower = (int(ring[i]), int(ring[i + 1])), (int(ring[-i % len(ring)]), int(ring[-(i + 1)]))
        net.quads.append((upper[0], lower[0], lower[1], upper[1]))


def _in_hole(row: int, column: int, border: int) -> bool:
    """Whether a vertex (border 1) or the cell to its lower right (border 0) lies inside an eye or the mouth."""

    def inside(value: int, limits: tuple[int, int]) -> bool:
        return limits[0] + border <= value < limits[1]

    def across(limits: tuple[int, int]) -> bool:
        return inside(column, limits) or inside(column, (-limits[1], -limits[0]))

    return (inside(row, EYE_ROWS) and across(EYE_COLUMNS)) or (
        inside(row, MOUTH_ROWS) and inside(column, MOUTH_COLUMNS)
    )


def _tie_grid(net: _Net, row_count: int) -> IntArray:
    """Allocates the grid's vertices and ties its quads; gives the table of vertex numbers."""
    n = COLUMNS_PER_SIDE
    cells = np.full((row_count, 2 * n), -1)
    for row in range(row_count):
        for column in range(-n, n):
            if not _in_hole(row, column, border=1):
                cells[row, column + n] = net.allocate(1)[0]
    for row in range(row_count - 1):
        for column in range(-n, n):
            if not _in_hole(row, column, border=0):
                left, right = column + n, (column + 1 + n) % (2 * n)
                a, b = cells[row, left], cells[row + 1, left]
                net.quads.append((int(a), int(b), int(cells[row + 1, right]), int(cells[row, right])))
    return cells


def _mirror_map(count: int, cells: IntArray, eye_rings: dict[int, IntArray], mouth_rings: IntArray) -> IntArray:
    mirror = np.arange(count)
    n = COLUMNS_PER_SIDE
    for column in range(-n, n):
        known = cells[:, column + n] >= 0
        mirror[cells[known, column + n]] = cells[known, (-column + n) % (2 * n)]
    mirror[eye_rings[1]], mirror[eye_rings[-1]] = eye_rings[-1], eye_rings[1]
    length = mouth_rings.shape[1]
    mirror[mouth_rings] = mouth_rings[:, (length // 2 - np.arange(length)) % length]
    return mirror


def build_grid() -> HeadGrid:
    """The whole net with its rough positions; rings start as copies of their outermost ring's positions."""
    loft = _loft()
    net = _Net()
    cells = _tie_grid(net, len(loft))
    eye_rings: dict[int, IntArray] = {}
    for side in (1, -1):
        edge = _perimeter(cells, EYE_ROWS, EYE_COLUMNS, side)
        inner = net.allocate((EYE_RINGS - 1) * len(edge)).reshape(EYE_RINGS - 1, -1)
        eye_rings[side] = np.concatenate([edge[None], inner])
        _tie_rings(net, eye_rings[side], outward=side > 0)
    edge = _perimeter(cells, MOUTH_ROWS, MOUTH_COLUMNS, 1)
    inner = net.allocate((MOUTH_RINGS - 1) * len(edge)).reshape(MOUTH_RINGS - 1, -1)
    mouth_rings = np.concatenate([edge[None], inner])
    _tie_rings(net, mouth_rings, outward=True)
    _close_mouth(net, mouth_rings[-1])
    pole = int(net.allocate(1)[0])
    top = [int(v) for v in cells[0]]
    triangles = [(pole, top[i], top[(i + 1) % len(top)]) for i in range(len(top))]
    rough = np.zeros((net.count, 3))
    rough[cells[cells >= 0]] = loft[cells >= 0]
    for rings in (*eye_rings.values(), mouth_rings):
        rough[rings[1:]] = rough[rings[0]]
    rough[pole] = (0.0, 7.4, 12.6)
    mirror = _mirror_map(net.count, cells, eye_rings, mouth_rings)
    return HeadGrid(rough, np.array(net.quads), np.array(triangles), cells, eye_rings, mouth_rings, mirror)
