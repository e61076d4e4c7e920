# SPDX-License-Identifier: GPL-3.0-or-later
"""The ears: a shell with rim, ridge, hollow and lobe, its root sunk into the side of the head."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import palette
from rigs.characters.viola.proportions import FloatArray
from rigs.characters.viola.solids import Face, Solid, grid_faces, solid, with_mirror_image

_SPOKES = 30
# Along a spoke: how far out (share of the outline), and the height in cm towards the viewer at the ear's top half.
_WAY = np.array([0.16, 0.32, 0.44, 0.54, 0.64, 0.74, 0.84, 0.92, 0.98, 1.0, 0.97, 0.86, 0.66, 0.46])
_RISE = np.array([-0.34, -0.26, 0.02, 0.26, 0.30, 0.14, 0.12, 0.34, 0.38, 0.26, 0.08, -0.22, -0.62, -1.0])
_LOBE = np.array([-0.28, -0.12, 0.06, 0.14, 0.18, 0.2, 0.2, 0.18, 0.14, 0.04, -0.1, -0.24, -0.5, -0.9])


def _outline(turn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The ear's edge (towards the back, up) in cm over the angle from the back, turning over the top."""
    wide = 1.5 + 0.28 * np.sin(turn)
    back = wide * np.cos(turn)
    up = np.where(np.sin(turn) > 0, 2.5, 2.75) * np.sin(turn)
    return back * np.where(np.sin(turn) < 0, 1.0 - 0.28 * np.sin(turn) ** 2, 1.0), up


def ears() -> Solid:
    """Both ears, left first, cm, in the head."""
    turn = np.linspace(0.0, 2.0 * np.pi, _SPOKES, endpoint=False)
    back, up = _outline(turn)
    lobe = np.clip((-np.sin(turn) - 0.45) / 0.4, 0.0, 1.0)
    front = np.clip((-np.cos(turn) - 0.35) / 0.45, 0.0, 1.0)
    rise = _RISE[:, None] * (1.0 - lobe) + _LOBE[:, None] * lobe
    rise = rise - 0.5 * front * _WAY[:, None] ** 2
    local = np.stack([rise, _WAY[:, None] * back, _WAY[:, None] * up], axis=-1).reshape(-1, 3)
    local = np.concatenate([local, [[-0.4, 0.0, 0.0]]])
    lean, tilt = np.deg2rad(24.0), np.deg2rad(10.0)
    x = np.cos(lean) * local[:, 0] + np.sin(lean) * local[:, 1]
    y = -np.sin(lean) * local[:, 0] + np.cos(lean) * local[:, 1]
    z = local[:, 2]
    y, z = np.cos(tilt) * y + np.sin(tilt) * z, -np.sin(tilt) * y + np.cos(tilt) * z
    points = np.stack([x, y, z], axis=1) + np.array([7.0, 7.4, -1.4])
    hub = len(points) - 1
    faces: list[Face] = [(hub, (i + 1) % _SPOKES, i) for i in range(_SPOKES)]
    faces += [face[::-1] for face in grid_faces(len(_WAY), _SPOKES, wrap=True)]
    return with_mirror_image(solid(points, [face[::-1] for face in faces], "skin", palette.SKIN))
