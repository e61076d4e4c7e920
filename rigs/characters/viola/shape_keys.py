# SPDX-License-Identifier: GPL-3.0-or-later
"""All shape keys of the face: the 52 of ARKit, left ones mirrored to the right, and the lid correctives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS
from rigs.characters.viola.face_rest import FaceRest
from rigs.characters.viola.keys_eyes import left_eye_keys, left_seals
from rigs.characters.viola.keys_face import left_face_keys, middle_face_keys
from rigs.characters.viola.keys_mouth import left_mouth_keys, middle_mouth_keys
from rigs.characters.viola.proportions import FloatArray


@dataclass(frozen=True)
class Corrective:
    """A key of our own: displacements (N, 3) cm at 1, driven by the product of two ARKit keys."""

    displacement_cm: FloatArray
    factors: tuple[str, str]


def _right(name: str) -> str:
    return name[: -len("Left")] + "Right"


def _mirrored(displacement: FloatArray, face: FaceRest) -> FloatArray:
    return displacement[face.mirror] * np.array([-1.0, 1.0, 1.0])


def arkit_keys(face: FaceRest) -> dict[str, FloatArray]:
    """Displacements (N, 3) in cm of every ARKit key, in ARKit's order."""
    left = {**left_eye_keys(face), **left_face_keys(face), **left_mouth_keys(face)}
    keys = {**middle_face_keys(face), **middle_mouth_keys(face)}
    for name, displacement in left.items():
        keys[name] = displacement
        keys[_right(name)] = _mirrored(displacement, face)
    return {name: keys[name] for name in ARKIT_CHANNELS}


def correctives(face: FaceRest) -> dict[str, Corrective]:
    """The driven keys that keep closed lids closed, by name."""
    found: dict[str, Corrective] = {}
    for name, (displacement, factors) in left_seals(face).items():
        found[name] = Corrective(displacement, factors)
        right = (_right(factors[0]), _right(factors[1]))
        found[name[:-1] + "R"] = Corrective(_mirrored(displacement, face), right)
    return found
