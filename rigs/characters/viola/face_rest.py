# SPDX-License-Identifier: GPL-3.0-or-later
"""The face at rest with what the shape keys must know of each vertex: which lid, which lip, how firmly it is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rigs.characters.viola import lids, lips
from rigs.characters.viola.fields import soft_step
from rigs.characters.viola.head_grid import HeadGrid
from rigs.characters.viola.proportions import VIOLA, FloatArray, IntArray
from rigs.characters.viola.solids import Solid

_UPPER_SPAN_RAD, _LOWER_SPAN_RAD = np.deg2rad(24.0), np.deg2rad(20.0)


@dataclass(frozen=True)
class FaceRest:
    """Per-vertex tables of the whole face mesh (head, ears, brows, lashes); all arrays have N rows.

    points (N, 3) cm; `lid` 1 upper, -1 lower, 0 none; `lid_side` 1 left, -1 right; `lid_weight` 1 on the margin to 0
    where the lid meets the face; `lip` 1 upper, -1 lower, 0 on the line through the corners; `lip_across` 0 in the
    middle to 1 at the corners and beyond; `lip_ring` number of the mouth ring or -1; `mirror` the partner's number.
    """

    points: FloatArray
    lid: IntArray
    lid_side: IntArray
    lid_weight: FloatArray
    lip: FloatArray
    lip_across: FloatArray
    lip_ring: IntArray
    mirror: IntArray


def _lid_tables(grid: HeadGrid, points: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    lid, lid_side = np.zeros(len(points), dtype=np.int64), np.zeros(len(points), dtype=np.int64)
    weight = np.zeros(len(points))
    for side, rings in grid.eye_rings.items():
        half = rings.shape[1] // 2
        lid_side[rings] = side
        lid[rings[:, 1:half]], lid[rings[:, half + 1 :]] = 1, -1
        alpha, beta, radius = lids.to_eye_angles(points[rings], side)
        above = (beta - lids.upper_margin_rad(alpha)) / _UPPER_SPAN_RAD
        below = (lids.lower_margin_rad(alpha) - beta) / _LOWER_SPAN_RAD
        away = np.where(lid[rings] > 0, above, below)
        beyond = soft_step(np.abs(alpha), VIOLA.lid_half_width_rad, VIOLA.lid_half_width_rad + 0.25)
        off_eye = soft_step(radius, VIOLA.lid_radius + 0.1, VIOLA.lid_radius + 0.7)
        weight[rings] = soft_step(1.0 - away, 0.0, 1.0) * (1.0 - beyond) * (1.0 - off_eye)
        weight[rings[lids.LID_MARGIN_RING :]] = 1.0
        weight[rings[0]] = 0.0
    return lid, lid_side, weight


def _lip_tables(grid: HeadGrid, points: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    drop = lips.lip_line_z(points[:, 0]) - points[:, 2]
    lip = -np.sign(drop)
    across = np.clip(np.abs(points[:, 0]) / VIOLA.mouth_half_width, 0.0, 1.0)
    ring_of = np.full(len(points), -1)
    rings = grid.mouth_rings
    ring_share, ring_lip = lips.ring_across(rings.shape[1])
    for number, ring in enumerate(rings):
        ring_of[ring] = number
        if number >= lips.BORDER_RING:
            lip[ring], across[ring] = ring_lip, np.abs(ring_share)
    return lip, across, ring_of


def face_rest(grid: HeadGrid, head: FloatArray, extras: list[Solid]) -> FaceRest:
    """The tables for the head followed by the extra solids, in their order; extras come as mirror-symmetric pairs."""
    points = np.concatenate([head, *(solid.points for solid in extras)])
    lid, lid_side, lid_weight = _lid_tables(grid, points)
    lip, across, ring_of = _lip_tables(grid, points)
    mirror = np.arange(len(points))
    mirror[: len(head)] = grid.mirror
    first = len(head)
    for solid in extras:
        own = np.arange(first, first + len(solid.points))
        half = len(own) // 2
        mirror[own] = np.concatenate([own[half:], own[:half]])
        lid[own], lid_side[own] = solid.lid, np.where(points[own, 0] > 0, 1, -1) * abs(solid.lid)
        lid_weight[own] = abs(solid.lid)
        first += len(own)
    return FaceRest(points, lid, lid_side, lid_weight, lip, across, ring_of, mirror)
