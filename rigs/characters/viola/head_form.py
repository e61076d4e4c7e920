# SPDX-License-Identifier: GPL-3.0-or-later
"""The solid form of Viola's head, neck and shoulders: soft solids blended into one distance field."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola.proportions import VIOLA, FloatArray
from rigs.characters.viola.sdf import ellipsoid, round_cone, smooth_cut, smooth_union


def skull(half: FloatArray) -> FloatArray:
    """Distances to cranium, face, jaw and chin; `half` holds points with x made positive."""
    form = ellipsoid(half, (0.0, 7.6, 3.9), (7.5, 9.6, 8.8))
    form = smooth_union(form, ellipsoid(half, (0.0, 5.0, -2.2), (6.75, 6.5, 6.6)), 2.2)
    form = smooth_union(form, ellipsoid(half, (0.0, 4.1, -5.6), (5.5, 5.6, 4.7)), 2.4)
    form = smooth_union(form, ellipsoid(half, (0.0, 0.1, -8.75), (1.9, 1.75, 1.5)), 2.4)
    return smooth_union(form, ellipsoid(half, (0.0, 0.9, -6.5), (2.9, 2.8, 2.4)), 1.6)


def cheeks_and_brow(form: FloatArray, half: FloatArray) -> FloatArray:
    """`form` with cheekbones, brow ridge and the bridge between the eyes."""
    form = smooth_union(form, ellipsoid(half, (3.7, 1.7, -3.0), (2.4, 1.9, 1.9)), 2.6)
    form = smooth_union(form, round_cone(half, (1.5, -0.55, 2.5), (4.6, 1.2, 2.4), 0.6, 0.5), 2.4)
    return form


def nose(form: FloatArray, half: FloatArray) -> FloatArray:
    """`form` with a short nose: bridge, tip, wings and nostrils."""
    form = smooth_union(form, round_cone(half, (0.0, -0.55, 1.4), (0.0, -2.3, -3.0), 0.62, 0.75), 1.3)
    form = smooth_union(form, ellipsoid(half, (0.0, -2.65, -3.35), (0.95, 0.95, 0.82)), 0.8)
    form = smooth_union(form, ellipsoid(half, (0.95, -1.95, -3.7), (0.55, 0.8, 0.52)), 0.5)
    form = smooth_union(form, round_cone(half, (0.0, -2.7, -3.85), (0.0, -1.9, -4.4), 0.32, 0.32), 0.5)
    return smooth_cut(form, ellipsoid(half, (0.5, -2.4, -4.3), (0.27, 0.44, 0.36)), 0.2)


def lids(form: FloatArray, half: FloatArray) -> FloatArray:
    """`form` with the lids' bulge over each eyeball."""
    radius = VIOLA.lid_radius
    return smooth_union(form, ellipsoid(half, VIOLA.eye_center, (radius, radius, radius)), 0.5)


def neck_and_shoulders(form: FloatArray, half: FloatArray) -> FloatArray:
    """`form` standing on a neck, collar bones, shoulders and chest."""
    body = round_cone(half, (0.0, 7.2, -7.0), (0.0, 8.4, -17.0), 4.5, 4.9)
    body = smooth_union(body, round_cone(half, (0.0, 9.0, -17.0), (13.4, 9.0, -22.0), 3.6, 3.4), 3.0)
    body = smooth_union(body, ellipsoid(half, (0.0, 9.0, -31.0), (16.0, 8.0, 13.0)), 3.0)
    body = smooth_union(body, round_cone(half, (1.6, 3.6, -18.6), (12.0, 6.2, -19.2), 0.5, 0.5), 1.8)
    return smooth_union(form, body, 1.5)


def head_distance(points: FloatArray) -> FloatArray:
    """Signed distances (N,) in cm to Viola's skin before lips and ears are added; `points` (N, 3) in cm."""
    half = points.copy()
    half[:, 0] = np.abs(half[:, 0])
    form = cheeks_and_brow(skull(half), half)
    form = lids(nose(form, half), half)
    return neck_and_shoulders(form, half)


def skull_distance(points: FloatArray) -> FloatArray:
    """Signed distances (N,) in cm to the head alone (no neck, nose or lids): what hair lies on."""
    half = points.copy()
    half[:, 0] = np.abs(half[:, 0])
    return skull(half)
