# SPDX-License-Identifier: GPL-3.0-or-later
"""The lips at rest and the inside of the mouth behind them, as rings from the skin inwards."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola.head_form import face_distance
from rigs.characters.viola.head_grid import HeadGrid
from rigs.characters.viola.proportions import VIOLA, FloatArray
from rigs.characters.viola.sdf import depth_along_y

BORDER_RING, CONTACT_RING = 5, 9
# Along each lip from its border (0) to where the lips touch (1): the share of the way, and how far it swells (cm).
_SHARE = np.array([0.0, 0.3, 0.62, 0.88, 1.0])
_SWELL_UPPER = np.array([0.05, 0.2, 0.33, 0.3, 0.05])
_SWELL_LOWER = np.array([0.02, 0.24, 0.45, 0.4, 0.06])
_CORNER_REACH = np.array([0.24, 0.17, 0.11, 0.05, 0.0])


def ring_across(length: int) -> tuple[FloatArray, FloatArray]:
    """For each vertex of a mouth ring: place across the mouth (-1 subject's right .. 1) and lip (1 upper, -1 lower).

    Corners have lip 0.
    """
    half = length // 2
    position = np.arange(length)
    walked = np.where(position <= half, position, length - position) / half
    lip = np.where(position < half, 1.0, -1.0)
    lip[[0, half]] = 0.0
    return -np.cos(np.pi * walked), lip


def lip_line_z(x: FloatArray) -> FloatArray:
    """Height (cm) of the line where the lips touch: a soft dip in the middle, corners a hint upwards."""
    share = np.clip(np.abs(x) / VIOLA.mouth_half_width, 0.0, 1.3)
    return VIOLA.mouth_height - 0.07 * np.exp(-((x / 0.55) ** 2)) - 0.05 * np.sin(np.pi * share) + 0.26 * share**3


def _heights(share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Heights in cm of the upper and the lower lip over the place across the mouth: a cupid's bow, a full lower lip."""
    across = np.abs(share)
    fullness = np.maximum(1.0 - across**2, 0.0)
    bow = 1.0 - 0.17 * np.exp(-((across / 0.11) ** 2)) + 0.1 * np.exp(-(((across - 0.25) / 0.16) ** 2))
    return 0.72 * fullness**0.8 * bow, 0.86 * fullness**0.62


def _outer_rings(share: FloatArray, lip: FloatArray) -> FloatArray:
    """Rings (5, n, 3) from the border of the red to the contact line."""
    upper_height, lower_height = _heights(share)
    fullness = np.sqrt(np.maximum(1.0 - share**2, 0.0))
    rings = []
    for k, way in enumerate(_SHARE):
        x = share * (VIOLA.mouth_half_width + _CORNER_REACH[k])
        height = np.where(lip >= 0, upper_height, -lower_height) * (1.0 - way)
        z = lip_line_z(x) + height * np.abs(lip)
        swell = np.where(lip >= 0, _SWELL_UPPER[k], _SWELL_LOWER[k]) * fullness**0.7
        sink = 0.16 * np.abs(share) ** 6 * way
        rings.append(np.stack([x, depth_along_y(face_distance, x, z) - swell + sink, z], axis=1))
    return np.stack(rings)


def _inner_rings(contact: FloatArray, share: FloatArray, lip: FloatArray) -> FloatArray:
    """Rings (5, n, 3) behind the contact line: touching lips, the fold before the gums, and the pocket of the mouth."""
    open_share = 0.3 + 0.7 * np.sqrt(np.maximum(1.0 - share**2, 0.0))
    middle = lip_line_z(contact[:, 0])
    plan = ((0.3, 0.0, 1.0), (0.4, 0.35, 1.0), (0.45, 1.45, 1.03))
    rings = [
        np.stack([contact[:, 0] * wide, contact[:, 1] + back, middle + lip * rise * open_share], axis=1)
        for back, rise, wide in plan
    ]
    for depth, rise, wide in ((2.2, 1.75, 1.12), (5.2, 1.3, 0.85)):
        y = np.full(len(share), depth) + 0.6 * share**2
        rings.append(np.stack([contact[:, 0] * wide, y, middle + lip * rise * open_share], axis=1))
    return np.stack(rings)


def place_mouth_rings(positions: FloatArray, grid: HeadGrid) -> None:
    """Writes the rings of the mouth into `positions`: lips and pocket exactly, skin around them evenly."""
    rings = grid.mouth_rings
    share, lip = ring_across(rings.shape[1])
    outer = _outer_rings(share, lip)
    positions[rings[BORDER_RING : CONTACT_RING + 1]] = outer
    positions[rings[CONTACT_RING + 1 :]] = _inner_rings(outer[-1], share, lip)
    edge = positions[rings[0]]
    for ring in range(1, BORDER_RING):
        way = ring / BORDER_RING
        positions[rings[ring]] = edge * (1.0 - way) + outer[0] * way
