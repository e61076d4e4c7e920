# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's net laid onto the solid form: projected, evened out, and exactly symmetric."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import lids, lips
from rigs.characters.viola.head_form import head_distance
from rigs.characters.viola.head_grid import HeadGrid
from rigs.characters.viola.proportions import FloatArray, IntArray
from rigs.characters.viola.sdf import project

_EVENING_ROUNDS = 12


def _edges(quads: IntArray) -> IntArray:
    pairs = np.concatenate([quads[:, [0, 1]], quads[:, [1, 2]], quads[:, [2, 3]], quads[:, [3, 0]]])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _neighbour_mean(positions: FloatArray, edges: IntArray) -> FloatArray:
    total, degree = np.zeros_like(positions), np.zeros(len(positions))
    for a, b in ((edges[:, 0], edges[:, 1]), (edges[:, 1], edges[:, 0])):
        np.add.at(total, a, positions[b])
        np.add.at(degree, a, 1.0)
    return total / np.maximum(degree, 1.0)[:, None]


def symmetric(positions: FloatArray, mirror: IntArray) -> FloatArray:
    """The positions averaged with their mirror images, so left and right agree to the last bit."""
    flip = np.array([-1.0, 1.0, 1.0])
    return 0.5 * (positions + positions[mirror] * flip)


def _held(grid: HeadGrid) -> IntArray:
    """Vertices that evening must not move: lid margins, lips, pocket, and the lower rim."""
    eyes = [rings[lids.LID_MARGIN_RING :].ravel() for rings in grid.eye_rings.values()]
    return np.concatenate([*eyes, grid.mouth_rings[lips.BORDER_RING :].ravel(), grid.cells[-1]])


def shape_head(grid: HeadGrid) -> FloatArray:
    """Positions (N, 3) in cm of every vertex of the grid on Viola's face at rest."""
    positions = grid.rough.copy()
    on_grid = grid.cells[grid.cells >= 0]
    positions[on_grid] = project(head_distance, positions[on_grid], steps=6)
    lids.place_eye_rings(positions, grid)
    lips.place_mouth_rings(positions, grid)
    free = np.setdiff1d(np.arange(len(positions)), _held(grid))
    edges = _edges(np.concatenate([grid.quads, grid.triangles[:, [0, 1, 2, 0]]]))
    for _ in range(_EVENING_ROUNDS):
        positions[free] += 0.5 * (_neighbour_mean(positions, edges) - positions)[free]
        positions[free] = project(head_distance, positions[free], steps=1)
    positions[free] = project(head_distance, positions[free], steps=2)
    return symmetric(positions, grid.mirror)
