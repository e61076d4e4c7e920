# SPDX-License-Identifier: GPL-3.0-or-later
"""The tints painted on the head: blush, shaded lids, lips with a soft edge, dark nostrils and mouth."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import lips, palette
from rigs.characters.viola.face_rest import FaceRest
from rigs.characters.viola.fields import bump
from rigs.characters.viola.head_grid import HeadGrid
from rigs.characters.viola.proportions import FloatArray, IntArray


def _blend(tint: FloatArray, colour: tuple[float, ...], weight: FloatArray) -> FloatArray:
    share = np.clip(weight, 0.0, 1.0)[:, None]
    return tint * (1.0 - share) + np.array(colour) * share


def paint_head(face: FaceRest, grid: HeadGrid, count: int) -> FloatArray:
    """Tints (count, 3), linear RGB, of the head's own vertices (the first `count` of the face)."""
    half = face.points[:count].copy()
    half[:, 0] = np.abs(half[:, 0])
    ring = face.lip_ring[:count]
    tint = np.tile(np.array(palette.SKIN), (count, 1))
    tint = _blend(tint, palette.BLUSH, 0.5 * bump(half, (3.9, -0.2, -2.9), (1.9, 2.5, 1.3)))
    tint = _blend(tint, palette.BLUSH, 0.4 * bump(half, (0.0, -3.4, -3.4), (1.0, 1.0, 0.9)))
    tint = _blend(tint, palette.BLUSH, 0.18 * bump(half, (0.0, -1.8, -9.3), (1.3, 1.3, 0.9)))
    tint = _blend(tint, (0.40, 0.15, 0.11), 0.45 * (face.lid[:count] > 0) * face.lid_weight[:count] ** 1.5)
    tint = _blend(tint, (0.48, 0.18, 0.14), 0.3 * (face.lid[:count] < 0) * face.lid_weight[:count] ** 2)
    tint = _blend(tint, (0.05, 0.012, 0.01), 1.6 * bump(half, (0.5, -2.3, -4.1), (0.26, 0.4, 0.26)))
    for rings in grid.eye_rings.values():
        half_ring = rings.shape[1] // 2
        tint[rings[10:12, :]] = (0.16, 0.05, 0.04)
        tint[rings[10:12, half_ring + 1 : half_ring + half_ring // 2]] = (0.07, 0.025, 0.02)
        tint[rings[10:12, [-2, -1, 0, 1, 2]]] = (0.55, 0.19, 0.16)
    red = np.select([ring < lips.BORDER_RING, ring == lips.BORDER_RING], [0.0, 0.5], 1.0)
    red = red * np.where(ring <= lips.CONTACT_RING + 1, 1.0, 0.0)
    tint = _blend(tint, palette.LIPS, red)
    return _blend(tint, palette.MOUTH, (ring > lips.CONTACT_RING + 1).astype(np.float64))


def head_materials(faces: list[tuple[int, ...]], lip_ring: IntArray) -> list[str]:
    """Each head face's material: skin, lips, or the inside of the mouth."""
    names: list[str] = []
    for face in faces:
        lowest = int(lip_ring[list(face)].min())
        names.append("mouth" if lowest > lips.CONTACT_RING else "lips" if lowest >= lips.BORDER_RING else "skin")
    return names
