# SPDX-License-Identifier: GPL-3.0-or-later
"""Which vertices of the face mesh are the 68 iBUG landmarks, for tests and for measuring the rig."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import lips
from rigs.characters.viola.head_form import face_distance
from rigs.characters.viola.head_grid import HeadGrid
from rigs.characters.viola.proportions import FloatArray
from rigs.characters.viola.sdf import depth_along_y

# The subject's left half; the right half are the mirror partners. (x, z) in cm seen from the front.
_LEFT_BROW = ((1.45, 2.6), (2.3, 2.98), (3.3, 3.22), (4.3, 3.15), (5.15, 2.7))
_BRIDGE = ((0.0, 0.5), (0.0, -0.75), (0.0, -2.0), (0.0, -3.3))
_NOSE_BASE = ((0.0, -4.15), (0.62, -4.1), (1.2, -3.85))
# Jaw contour from the chin to the left ear: (x, y, z) in cm.
_LEFT_JAW = (
    (0.0, -0.6, -10.2), (1.4, -0.2, -10.0), (2.8, 0.9, -9.3), (3.9, 2.2, -8.3), (4.9, 3.6, -7.0),
    (5.6, 4.6, -5.4), (6.15, 5.2, -3.7), (6.5, 5.6, -1.9), (6.7, 5.8, -0.1),
)  # fmt: skip
_EYE_RING = 10
_INNER_CORNER = 0.93


class _Finder:
    """Finds vertices of the head by place."""

    def __init__(self, points: FloatArray, ring_free: FloatArray) -> None:
        self._points = points
        self._free = ring_free

    def nearest(self, place: FloatArray) -> int:
        distance = np.linalg.norm(self._points - place, axis=1) + self._free
        return int(np.argmin(distance))

    def in_front(self, places: tuple[tuple[float, float], ...]) -> list[int]:
        """The vertices seen at places (x, z) from the front."""
        x, z = np.array(places, dtype=np.float64).T
        points = np.stack([x, depth_along_y(face_distance, x, z), z], axis=1)
        return [self.nearest(point) for point in points]


def _mouth(grid: HeadGrid) -> list[int]:
    rings = grid.mouth_rings
    half = rings.shape[1] // 2
    share, _ = lips.ring_across(rings.shape[1])

    def at(ring: int, place: float, upper: bool) -> int:
        index = int(np.argmin(np.abs(share[: half + 1] - place)))
        return int(rings[ring, index if upper else -index % rings.shape[1]])

    border, contact = lips.BORDER_RING, lips.CONTACT_RING
    outer = [int(rings[border, 0])] + [at(border, p, True) for p in (-0.6, -0.24, 0.0, 0.24, 0.6)]
    outer += [int(rings[border, half])] + [at(border, p, False) for p in (0.6, 0.27, 0.0, -0.27, -0.6)]
    inner = [at(contact, p, True) for p in (-_INNER_CORNER, -0.35, 0.0, 0.35, _INNER_CORNER)]
    return outer + inner + [at(contact, p, False) for p in (0.35, 0.0, -0.35)]


def _left_eye(grid: HeadGrid) -> list[int]:
    ring = grid.eye_rings[1][_EYE_RING]
    half = len(ring) // 2
    third = half // 3
    return [int(ring[i]) for i in (0, third, 2 * third, half, -2 * third, -third)]


def landmark_vertices(grid: HeadGrid, head: FloatArray) -> list[int]:
    """The 68 vertex numbers in iBUG order (0 jaw by the subject's right ear .. 67 lower inner lip)."""
    blocked = np.zeros(len(head))
    blocked[grid.mouth_rings.ravel()] = 100.0
    find = _Finder(head, blocked)
    mirror = grid.mirror
    jaw_left = [find.nearest(np.array(place)) for place in _LEFT_JAW]
    brow_left = find.in_front(_LEFT_BROW)
    bridge = find.in_front(_BRIDGE)
    base = find.in_front(_NOSE_BASE)
    left_eye = _left_eye(grid)
    right_eye = [int(mirror[left_eye[i]]) for i in (3, 2, 1, 0, 5, 4)]
    jaw = [int(mirror[v]) for v in jaw_left[:0:-1]] + jaw_left
    brows = [int(mirror[v]) for v in brow_left[::-1]] + brow_left
    nose_base = [int(mirror[v]) for v in base[:0:-1]] + base
    return jaw + brows + bridge + nose_base + right_eye + left_eye + _mouth(grid)
