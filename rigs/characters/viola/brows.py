# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyebrows and lashes: they belong to the face mesh, so the face's shape keys carry them."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import lids, palette
from rigs.characters.viola.head_form import face_distance
from rigs.characters.viola.proportions import VIOLA, FloatArray
from rigs.characters.viola.sdf import depth_along_y, gradient
from rigs.characters.viola.solids import Solid, capped_tube_faces, joined, solid, swept, with_mirror_image

_BROW_KNOTS = np.array([[1.4, 2.78], [2.3, 3.05], [3.4, 3.3], [4.45, 3.22], [5.35, 2.72]])
_TUFTS = 17


def _tuft_paths() -> FloatArray:
    """Paths (tufts, 6, 3) of the left brow: each rooted further along the brow and combed towards its end."""
    stops = np.linspace(0.0, 1.0, len(_BROW_KNOTS))
    start = 0.86 * np.linspace(0.0, 1.0, _TUFTS)[:, None]
    reach = np.linspace(0.0, 1.0, 6)[None]
    way = start + np.minimum(0.3, 1.04 - start) * reach
    x, z = (np.polynomial.Polynomial.fit(stops, _BROW_KNOTS[:, axis], 3)(way) for axis in (0, 1))
    z = z + 0.3 * (1.0 - start) ** 1.3 * (reach - 0.62) * np.where(start < 0.5, 1.0, 0.5)
    y = depth_along_y(face_distance, x.ravel(), z.ravel()).reshape(x.shape) - 0.01
    return np.stack([x, y, z], axis=-1)


def _tuft(path: FloatArray, outward: FloatArray, number: int) -> Solid:
    reach = np.linspace(0.0, 1.0, len(path))
    taper = np.sqrt(np.clip(np.minimum(0.35 + reach / 0.3, (1.05 - reach) / 0.7), 0.02, 1.0))
    full = 0.29 * (1.0 - 0.5 * number / _TUFTS)
    size = np.stack([full * taper, 0.085 * taper], axis=1)
    shade = tuple(channel * (0.8 + 0.13 * (number * 3 % 5)) for channel in palette.BROW)
    return solid(swept(path, outward, size, 6), capped_tube_faces(len(path), 6), "brow", shade)


def eyebrows() -> Solid:
    """Both eyebrows as overlapping tufts lying on the brow, left first."""
    paths = _tuft_paths()
    outward = gradient(face_distance, paths.reshape(-1, 3)).reshape(paths.shape)
    return with_mirror_image(joined([_tuft(paths[k], outward[k], k) for k in range(_TUFTS)]))


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
