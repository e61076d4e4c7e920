# SPDX-License-Identifier: GPL-3.0-or-later
"""The solid form of Viola's head, neck and shoulders: soft solids blended into one distance field."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola.proportions import VIOLA, FloatArray
from rigs.characters.viola.sdf import ellipsoid, round_cone, smooth_cut, smooth_union

# Farther than any fillet reaches.
_FAR = 50.0
_SOCKET_CENTER, _SOCKET_RADII = (3.3, -0.7, 0.4), (1.95, 0.75, 1.1)


def skull(half: FloatArray) -> FloatArray:
    """Distances to cranium, face, jaw and chin; `half` holds points with x made positive."""
    form = ellipsoid(half, (0.0, 7.6, 3.9), (7.5, 9.6, 8.8))
    form = smooth_union(form, ellipsoid(half, (0.0, 5.0, -2.2), (6.65, 6.5, 6.6)), 2.2)
    form = smooth_union(form, ellipsoid(half, (0.0, 4.0, -5.5), (5.15, 5.5, 4.6)), 2.4)
    form = smooth_union(form, ellipsoid(half, (0.0, 0.0, -8.7), (1.75, 1.75, 1.5)), 2.4)
    return smooth_union(form, ellipsoid(half, (0.0, 0.9, -6.5), (2.9, 2.8, 2.4)), 1.6)


def cheeks_and_brow(form: FloatArray, half: FloatArray) -> FloatArray:
    """`form` with cheekbones, brow ridge and the bridge between the eyes."""
    form = smooth_union(form, ellipsoid(half, (3.7, 1.7, -3.0), (2.4, 1.9, 1.9)), 2.6)
    form = smooth_union(form, round_cone(half, (1.5, -0.55, 2.5), (4.6, 1.2, 2.4), 0.6, 0.5), 2.4)
    return form


def nose(form: FloatArray, half: FloatArray) -> FloatArray:
    """`form` with a short nose: bridge, tip, wings and nostrils."""
    form = smooth_union(form, round_cone(half, (0.0, -0.6, 1.4), (0.0, -2.3, -2.9), 0.42, 0.62), 1.1)
    form = smooth_union(form, ellipsoid(half, (0.0, -2.6, -3.3), (0.92, 0.98, 0.84)), 0.6)
    form = smooth_union(form, ellipsoid(half, (0.95, -1.95, -3.7), (0.55, 0.8, 0.52)), 0.5)
    form = smooth_union(form, round_cone(half, (0.0, -2.7, -3.85), (0.0, -1.9, -4.4), 0.32, 0.32), 0.5)
    return smooth_cut(form, ellipsoid(half, (0.5, -2.4, -4.3), (0.27, 0.44, 0.36)), 0.2)


def lids(form: FloatArray, half: FloatArray) -> FloatArray:
    """`form` with a socket for each eye and the lids' bulge in it."""
    radius = VIOLA.lid_radius
    form = smooth_cut(form, ellipsoid(half, _SOCKET_CENTER, _SOCKET_RADII), 0.9)
    return smooth_union(form, ellipsoid(half, VIOLA.eye_center, (radius, radius, radius)), 0.45)


def neck_and_shoulders(form: FloatArray, half: FloatArray) -> FloatArray:
    """`form` standing on a neck, collar bones, shoulders and chest."""
    body = round_cone(half, (0.0, 7.2, -7.0), (0.0, 8.4, -16.5), 4.2, 4.6)
    body = smooth_union(body, round_cone(half, (0.0, 9.0, -16.4), (13.2, 9.0, -20.8), 3.5, 3.4), 3.2)
    body = smooth_union(body, ellipsoid(half, (0.0, 9.0, -30.0), (16.0, 8.0, 13.0)), 3.0)
    body = smooth_union(body, round_cone(half, (1.6, 3.9, -17.6), (12.0, 6.4, -18.3), 0.5, 0.5), 1.8)
    return smooth_union(form, body, 1.5)


def face_distance(points: FloatArray) -> FloatArray:
    """Signed distances (N,) in cm to the head without neck and body; as `head_distance` from the chin upwards."""
    half = _right_half_folded(points)
    form = cheeks_and_brow(skull(half), half)
    near = (half[:, 1] < 4.0) & (np.abs(half[:, 2]) < 8.0)
    form[near] = lids(nose(form[near], half[near]), half[near])
    return form


def head_distance(points: FloatArray) -> FloatArray:
    """Signed distances (N,) in cm to Viola's skin before lips and ears are added; `points` (N, 3) in cm."""
    form = np.empty(len(points))
    above, below = points[:, 2] > -19.0, points[:, 2] < -1.0
    form[above] = face_distance(points[above])
    form[~above] = _FAR
    form[below] = neck_and_shoulders(form[below], _right_half_folded(points[below]))
    return form


def skull_distance(points: FloatArray) -> FloatArray:
    """Signed distances (N,) in cm to the head alone (no neck, nose or lids): what hair lies on."""
    return skull(_right_half_folded(points))


def _right_half_folded(points: FloatArray) -> FloatArray:
    folded = points.copy()
    folded[:, 0] = np.abs(folded[:, 0])
    return folded
