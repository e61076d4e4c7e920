# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys of the lids: blink, squint, wide and the lids' part of a look, and what keeps a closed eye closed."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import lids
from rigs.characters.viola.face_rest import FaceRest
from rigs.characters.viola.fields import bump, push
from rigs.characters.viola.proportions import VIOLA, FloatArray

# How far a margin goes for a full value, as shares of its way to the closing line (negative: opens further).
_TRAVEL = {
    "eyeBlink": (1.0, 1.0),
    "eyeSquint": (0.16, 0.62),
    "eyeWide": (-0.24, -0.16),
    "eyeLookUp": (-0.2, 0.5),
    "eyeLookDown": (0.44, -0.5),
}
_SEALED = {"eyeSquint": "squint", "eyeWide": "wide", "eyeLookUp": "up", "eyeLookDown": "down"}


def _turn_lids(face: FaceRest, upper: float, lower: float) -> FloatArray:
    """Displacements (N, 3) of the left eye's lids, each turned by its share of the way to the closing line."""
    moved = np.zeros_like(face.points)
    own = np.flatnonzero((face.lid_side > 0) & (face.lid_weight > 0))
    alpha, beta, radius = lids.to_eye_angles(face.points[own], 1)
    close = lids.closing_line_rad(alpha)
    way_upper, way_lower = close - lids.upper_margin_rad(alpha), close - lids.lower_margin_rad(alpha)
    way = np.where(face.lid[own] > 0, upper * way_upper, np.where(face.lid[own] < 0, lower * way_lower, 0.0))
    turned = beta + way * face.lid_weight[own]
    moved[own] = lids.from_eye_angles(alpha, turned, radius, 1) - face.points[own]
    return moved


def _around(face: FaceRest, name: str) -> FloatArray:
    """What moves outside the lid itself: skin under the brow and the cheek's edge."""
    x, y, z = VIOLA.eye_center
    free = 1.0 - face.lid_weight
    below = bump(face.points, (x, y - 1.6, z - 2.0), (1.9, 2.5, 0.9)) * free
    above = bump(face.points, (x, y - 1.6, z + 1.7), (1.9, 2.5, 0.7)) * free
    if name == "eyeSquint":
        return push(below, (0.0, -0.1, 0.3)) + push(above, (0.0, 0.0, -0.1))
    if name == "eyeWide":
        return push(above, (0.0, 0.0, 0.14))
    return push(below, (0.0, -0.02, 0.05)) + push(above, (0.0, 0.0, -0.07)) * (name == "eyeBlink")


def _look_aside(face: FaceRest, direction: float) -> FloatArray:
    """Displacements for a look towards the temple (+1) or the nose (-1): the lids' skin is dragged a little."""
    x, y, z = VIOLA.eye_center
    weights = bump(face.points, (x, y - 1.7, z), (1.6, 2.0, 1.6)) * (face.lid_side > 0) * (face.lid_weight < 0.85)
    return push(weights * face.lid_weight, (0.07 * direction, 0.0, 0.0))


def left_eye_keys(face: FaceRest) -> dict[str, FloatArray]:
    """Displacements (N, 3) in cm by ARKit name for the left eye."""
    keys = {f"{name}Left": _turn_lids(face, *travel) + _around(face, name) for name, travel in _TRAVEL.items()}
    keys["eyeLookOutLeft"] = _look_aside(face, 1.0)
    keys["eyeLookInLeft"] = _look_aside(face, -1.0)
    return keys


def left_seals(face: FaceRest) -> dict[str, tuple[FloatArray, tuple[str, str]]]:
    """Correctives by name: displacements and the two keys whose product drives them.

    Each takes back what another key does to the lids while the eye is shut, so lids that meet stay together whatever
    the gaze, a squint or a wide-eyed look add.
    """
    return {
        f"lidSeal_{short}_L": (-_turn_lids(face, *_TRAVEL[name]), ("eyeBlinkLeft", f"{name}Left"))
        for name, short in _SEALED.items()
    }
