# SPDX-License-Identifier: GPL-3.0-or-later
"""The eyeball: white, iris in a shallow dish behind a clear cornea, and pupil, turned about its axis of sight."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import palette
from rigs.characters.viola.proportions import VIOLA, FloatArray, eye_center_cm
from rigs.characters.viola.solids import Face, Solid, grid_faces, joined, solid

SPOKES = 40
PUPIL_VERTEX = 0
_PUPIL_RADIUS = 0.35
_CORNEA_RAD = np.deg2rad(29.0)
_CORNEA_RISE = 0.028


def _turned(radius: FloatArray, y: FloatArray) -> FloatArray:
    """Points (1 + rows * SPOKES, 3) of a profile turned about the axis of sight; the pole comes first."""
    turn = np.linspace(0.0, 2.0 * np.pi, SPOKES, endpoint=False)
    rings = np.stack(
        [radius[:, None] * np.cos(turn), np.repeat(y[:, None], SPOKES, axis=1), radius[:, None] * np.sin(turn)], axis=-1
    )
    return np.concatenate([[[0.0, y[0], 0.0]], rings.reshape(-1, 3)])


def _turned_faces(rows: int) -> list[Face]:
    fan: list[Face] = [(0, 1 + i, 1 + (i + 1) % SPOKES) for i in range(SPOKES)]
    return fan + [tuple(v + 1 for v in face) for face in grid_faces(rows, SPOKES, wrap=True)]


def _iris_tints(rows: FloatArray) -> FloatArray:
    """Colours (rows, SPOKES, 3) of the iris: darker spokes, a warm ring round the pupil, a dark rim."""
    spokes = np.arange(SPOKES)
    streak = 1.0 + 0.28 * np.sin(spokes * 5.1) * np.cos(spokes * 2.3 + 1.0)
    out = np.clip((rows - _PUPIL_RADIUS) / (VIOLA.iris_radius - _PUPIL_RADIUS), 0.0, 1.0)[:, None, None]
    warm, cool, dark = (np.array(c) for c in ((0.36, 0.22, 0.06), palette.IRIS, palette.LIMBUS))
    colour = warm * (1.0 - out) ** 2 + cool * (1.0 - (1.0 - out) ** 2) * 1.25
    rim = np.clip((out - 0.72) / 0.28, 0.0, 1.0) ** 1.5
    return (colour * (1.0 - rim) + dark * rim) * streak[None, :, None]


def _ball() -> Solid:
    eye, iris = VIOLA.eye_radius, VIOLA.iris_radius
    plane = -np.sqrt(eye**2 - iris**2)
    inner = np.array([0.14, _PUPIL_RADIUS, 0.36, 0.45, 0.54, 0.66, 0.75, iris])
    depth = plane + np.array([0.13, 0.13, 0.12, 0.10, 0.075, 0.05, 0.03, 0.0])
    angle = np.concatenate([[np.arcsin(iris / eye) + 0.035], np.deg2rad(np.linspace(33.0, 118.0, 11))])
    radius = np.concatenate([inner, eye * np.sin(angle)])
    points = _turned(radius, np.concatenate([depth, -eye * np.cos(angle)]))
    faces = _turned_faces(len(radius))
    tint = np.tile(np.array(palette.SCLERA), (len(points), 1))
    tint[: 1 + 2 * SPOKES] = palette.PUPIL
    tint[1 + 2 * SPOKES : 1 + 8 * SPOKES] = _iris_tints(inner[2:]).reshape(-1, 3)
    away = np.clip((np.abs(points[:, 0]) - 0.85) / 0.6, 0.0, 1.0)[:, None] * (radius_of(points) > iris)[:, None]
    tint = tint * (1.0 - away * np.array([0.1, 0.3, 0.32]))
    row_of = np.concatenate([np.zeros(SPOKES, dtype=int), 1 + np.arange(len(faces) - SPOKES) // SPOKES])
    names = ["pupil" if row < 3 else "iris" if row < 7 else "limbus" if row < 9 else "sclera" for row in row_of]
    return Solid(points, faces, names, tint)


def radius_of(points: FloatArray) -> FloatArray:
    """Distances (N,) from the axis of sight of points about the eyeball's centre."""
    return np.hypot(points[:, 0], points[:, 2])


def _cornea() -> Solid:
    angle = _CORNEA_RAD * np.linspace(0.12, 1.0, 9)
    radius = VIOLA.eye_radius * (1.0 + _CORNEA_RISE * (1.0 - (angle / _CORNEA_RAD) ** 2)) + 0.006
    points = _turned(radius * np.sin(angle), -radius * np.cos(angle))
    points[0, 1] = -VIOLA.eye_radius * (1.0 + _CORNEA_RISE) - 0.006
    return solid(points, _turned_faces(len(angle)), "cornea", (1.0, 1.0, 1.0))


def eyeball(side: int) -> Solid:
    """One eyeball with cornea, cm, in its place in the head; vertex `PUPIL_VERTEX` is the pupil's middle."""
    both = joined([_ball(), _cornea()])
    return Solid(both.points + eye_center_cm(side), both.faces, both.materials, both.tint)
