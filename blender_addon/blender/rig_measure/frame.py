# SPDX-License-Identifier: GPL-3.0-or-later
"""The head frame of a character at rest: from the world to centimetres of the standard face. No bpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import LANDMARKS
from fomm_engine.wire.standard_face import StandardFace

from ...core.array_types import FloatArray
from .views import fitted_frame

_EYES = (LANDMARKS["eye_right_outer"][0], LANDMARKS["eye_left_outer"][0])
_INNER = list(LANDMARKS["inner51"])
_CONTOUR_WEIGHT = 0.1  # jaw lines differ most between characters, and are found least surely


@dataclass(frozen=True)
class HeadFrame:
    """rotation (3, 3) world from head; origin (3,) of the head frame in the world; cm of the standard face per unit of
    the world."""

    rotation: FloatArray
    origin: FloatArray
    cm_per_unit: float

    def points_cm(self, world: FloatArray) -> FloatArray:
        """(..., 3) places of the world in the head frame, cm."""
        return (world - self.origin) @ self.rotation * self.cm_per_unit

    def motion_cm(self, world: FloatArray) -> FloatArray:
        """(..., 3) motions of the world in the head frame, cm."""
        return world @ self.rotation * self.cm_per_unit


def head_frame(face: StandardFace, points: FloatArray, confidence: FloatArray) -> HeadFrame:
    """The frame in which the points (70, 3, world) lie like the standard face's.

    Scaled so that the outer eye distance is the standard face's. Raises ValueError where the points are no face.
    """
    between = float(np.linalg.norm(points[_EYES[1]] - points[_EYES[0]]))
    if not between > 0.0:
        raise ValueError("The landmark points lie on one spot; set them again.")
    weights = np.full(len(points), _CONTOUR_WEIGHT)
    weights[_INNER] = 1.0
    rotation, _ = fitted_frame(face.neutral_cm, points, weights * np.maximum(confidence, 0.05))
    scale = face.outer_eyes_cm / between
    share = weights / weights.sum()
    origin = share @ points - rotation @ (share @ face.neutral_cm) / scale
    return HeadFrame(rotation, origin, scale)


def armature_frame(frame: HeadFrame, armature: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """(armature from head (3, 3) orthonormal, the head's origin in the armature (3,), cm per unit of the armature).

    armature: (4, 4) its matrix in the world. Where it is mirrored the first matrix is mirrored too (determinant -1).
    """
    linear = armature[:3, :3]
    left, _, right = np.linalg.svd(np.linalg.inv(linear) @ frame.rotation)
    origin = np.linalg.solve(linear, frame.origin - armature[:3, 3])
    unit = abs(float(np.linalg.det(linear))) ** (1.0 / 3.0)
    return np.asarray(left @ right, np.float64), np.asarray(origin, np.float64), frame.cm_per_unit * unit
