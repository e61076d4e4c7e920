# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyebrows and lashes: they belong to the face mesh, so the face's shape keys carry them."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import lids, palette
from rigs.characters.viola.head_form import head_distance
from rigs.characters.viola.proportions import VIOLA
from rigs.characters.viola.sdf import depth_along_y, gradient
from rigs.characters.viola.solids import Solid, capped_tube_faces, solid, swept, with_mirror_image


def eyebrows() -> Solid:
    """Both eyebrows as soft tapered strips lying on the brow, left first."""
    knots = np.array([[1.3, 2.55], [2.2, 2.98], [3.4, 3.3], [4.4, 3.2], [5.3, 2.6]])
    way = np.linspace(0.0, 1.0, 19)
    stops = np.linspace(0.0, 1.0, len(knots))
    smooth = np.polynomial.Polynomial.fit
    x, z = smooth(stops, knots[:, 0], 3)(way), smooth(stops, knots[:, 1], 3)(way)
    path = np.stack([x, depth_along_y(head_distance, x, z), z], axis=1)
    outward = gradient(head_distance, path)
    taper = np.sqrt(np.clip(np.minimum(way / 0.12, (1.0 - way) / 0.75), 0.02, 1.0))
    size = np.stack([0.3 * taper, 0.13 * taper], axis=1)
    return with_mirror_image(
        solid(swept(path, outward, size, 10), capped_tube_faces(len(way), 10), "brow", palette.BROW)
    )


def upper_lashes() -> Solid:
    """Both rows of upper lashes, each one dark curled wedge that grows towards the temple, left first."""
    count = 22
    way = np.linspace(0.0, 1.0, count)
    alpha = VIOLA.lid_half_width_rad * (-0.93 + 1.93 * way)
    margin = lids.upper_margin_rad(alpha)
    length = (0.05 + 0.3 * way**1.4) * np.clip((1.0 - way) / 0.06, 0.35, 1.0) * np.clip(way / 0.2, 0.15, 1.0)
    lid = VIOLA.lid_radius
    thick = np.deg2rad(2.6) * (0.35 + 0.65 * way) * np.clip(way / 0.15, 0.2, 1.0)
    rings = [
        lids.from_eye_angles(alpha, margin - 0.004, np.full(count, lid - 0.05), 1),
        lids.from_eye_angles(alpha + 0.03 * way, margin + 0.25 * length, lid + 0.62 * length, 1),
        lids.from_eye_angles(alpha + 0.11 * way**2, margin + 0.62 * length, lid + length, 1),
        lids.from_eye_angles(alpha + 0.03 * way, margin + 0.3 * length + thick, lid + 0.45 * length, 1),
        lids.from_eye_angles(alpha, margin + thick, np.full(count, lid - 0.02), 1),
    ]
    points = np.stack(rings, axis=1).reshape(-1, 3)
    faces = [face[::-1] for face in capped_tube_faces(count, len(rings))]
    return with_mirror_image(solid(points, faces, "lash", palette.LASH, lid=1))
