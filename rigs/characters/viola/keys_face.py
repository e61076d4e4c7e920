# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys of brows, cheeks and nose."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola.face_rest import FaceRest
from rigs.characters.viola.fields import bump, left_share, push
from rigs.characters.viola.proportions import FloatArray


def _free(face: FaceRest) -> FloatArray:
    """Weights that leave the lids and their margins alone."""
    return (1.0 - face.lid_weight) ** 2


def left_face_keys(face: FaceRest) -> dict[str, FloatArray]:
    """Displacements (N, 3) in cm by ARKit name for the left side."""
    points, free, left = face.points, _free(face), left_share(face.points, 0.9)
    lid_fold = bump(points, (3.1, -1.2, 1.5), (1.9, 2.0, 0.7)) * free
    down = bump(points, (1.7, -1.2, 2.7), (2.1, 3.0, 1.25)) + 0.55 * bump(points, (3.9, -0.6, 2.9), (1.6, 3.0, 1.2))
    outer = bump(points, (4.3, -0.3, 2.9), (1.9, 3.0, 1.5))
    forehead = bump(points, (3.6, -1.0, 5.2), (2.6, 3.0, 1.9))
    keys = {
        "browDownLeft": (push(down * free, (-0.22, -0.14, -0.74)) + push(lid_fold, (0.0, -0.05, -0.16)))
        * left[:, None],
        "browOuterUpLeft": (push(outer * free, (0.05, 0.1, 0.72)) + push(forehead, (0.0, 0.03, 0.22))) * left[:, None],
    }
    cheek = bump(points, (3.5, -0.6, -2.7), (2.0, 2.4, 1.25)) * free
    keys["cheekSquintLeft"] = push(cheek, (0.04, -0.22, 0.5)) * left[:, None]
    wing = bump(points, (0.95, -2.2, -3.2), (0.8, 1.6, 1.3))
    lip = bump(points, (1.3, -1.8, -5.2), (1.1, 2.2, 0.95))
    bridge = bump(points, (0.9, -1.2, 0.4), (0.8, 1.6, 1.3)) * free
    keys["noseSneerLeft"] = (
        push(wing, (0.1, 0.03, 0.42)) + push(lip, (0.0, 0.0, 0.22)) + push(bridge, (0.0, -0.06, -0.14))
    ) * left[:, None]
    return keys


def middle_face_keys(face: FaceRest) -> dict[str, FloatArray]:
    """Displacements (N, 3) in cm by ARKit name for the keys without a side."""
    half = face.points.copy()
    half[:, 0] = np.abs(half[:, 0])
    side = np.tanh(face.points[:, 0] / 0.6)
    inner = bump(half, (1.2, -1.4, 2.9), (1.7, 3.0, 1.4)) * _free(face)
    forehead = bump(half, (0.8, -1.6, 5.2), (2.0, 3.0, 1.9))
    raised = push(inner, (0.0, 0.03, 0.72)) + push(forehead, (0.0, 0.02, 0.22))
    raised[:, 0] -= 0.1 * inner * side
    puffed = bump(half, (3.6, -0.2, -5.3), (2.0, 2.6, 1.9)) * np.where(face.lip_ring > 9, 0.2, 1.0)
    round_mouth = bump(half, (0.0, -2.2, -6.7), (2.2, 2.0, 1.7))
    puff = push(puffed, (0.0, -0.5, 0.0)) + push(round_mouth, (0.0, -0.16, 0.0))
    puff[:, 0] += 0.85 * puffed * side
    return {"browInnerUp": raised, "cheekPuff": puff}
