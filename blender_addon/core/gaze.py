# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the eyes look: from the solved look channels to angles, and to the turn of an eye bone."""

import numpy as np

from fomm_engine.wire.names import ARKIT_INDEX, IRIS_LEFT, IRIS_RIGHT

from . import rotation
from .array_types import FloatArray

EYEBALL_RADIUS_CM = 1.2  # of an adult: axial length about 24 mm (I. Bekerman et al., J. Ophthalmology 2014)
LARGEST_SINE = 0.9
LOOK_DIRECTIONS = ("Down", "In", "Out", "Up")


def gaze_angles(weights: FloatArray, basis_cm: FloatArray) -> FloatArray:
    """Give each eye's turn from neutral, (T, 52), (52, 70, 3) -> (T, 2, 2): subject's right then left eye; yaw, pitch.

    Radians; yaw towards the subject's left, pitch up. The look channels' shift of the iris on the actor's face,
    seen as an arc on an eyeball.
    """
    eyes: list[FloatArray] = []
    for side, iris in (("Right", IRIS_RIGHT), ("Left", IRIS_LEFT)):
        channels = [ARKIT_INDEX[f"eyeLook{direction}{side}"] for direction in LOOK_DIRECTIONS]
        shift_cm = weights[:, channels] @ basis_cm[channels, iris, :2]
        eyes.append(np.arcsin(np.clip(shift_cm / EYEBALL_RADIUS_CM, -LARGEST_SINE, LARGEST_SINE)))
    return np.stack(eyes, 1)


def eye_turn(angles_rad: FloatArray) -> FloatArray:
    """Give the turn of an eye in the head frame, (T, 2) yaw and pitch -> (T, 4) quaternions: yaw after pitch."""
    nothing = np.zeros(len(angles_rad))
    yaw = rotation.quaternion_from_rotvec(np.stack([nothing, angles_rad[:, 0], nothing], -1))
    pitch = rotation.quaternion_from_rotvec(np.stack([-angles_rad[:, 1], nothing, nothing], -1))
    return rotation.multiply(yaw, pitch)


def jaw_turn(weights: FloatArray, *, open_angle_rad: float, side_angle_rad: float) -> FloatArray:
    """Give the turn of a jaw bone in the head frame, (T, 52) -> (T, 4): jawOpen about x (down), jawLeft/Right
    about y."""
    opened = weights[:, ARKIT_INDEX["jawOpen"]] * open_angle_rad
    sideways = (weights[:, ARKIT_INDEX["jawLeft"]] - weights[:, ARKIT_INDEX["jawRight"]]) * side_angle_rad
    return rotation.quaternion_from_rotvec(np.stack([opened, sideways, np.zeros(len(opened))], -1))
