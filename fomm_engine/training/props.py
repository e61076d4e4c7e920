# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes around a head: glasses, shoulders, a hand. Points in cm of the head frame unless said."""

import numpy as np
from numpy.typing import NDArray

from fomm_engine.training.appearance import Glasses, Look
from fomm_engine.training.face_model import FloatArray
from fomm_engine.training.mesh import Solid, fan, join, torso, tube
from fomm_engine.training.scene import Shot, rotation_from_euler
from fomm_engine.wire.names import LANDMARKS

_NECK_PIVOT_CM = np.array([0.0, -8.0, 0.0])
_RING_POINTS = 28


def lens_rings(points: FloatArray, glasses: Glasses) -> tuple[FloatArray, FloatArray]:
    """Outlines (28, 3) of the lenses in front of the subject's right and left eye; `points` are the 70 of the frame."""
    angle = np.linspace(0, 2 * np.pi, _RING_POINTS, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    power = 2 / glasses.squareness
    across = glasses.half_width * np.sign(cos) * np.abs(cos) ** power
    along = glasses.half_height * np.sign(sin) * np.abs(sin) ** power
    rings = []
    for name in ("eye_right", "eye_left"):
        centre = points[list(LANDMARKS[name])].mean(0) + np.array([0, glasses.drop, 1.1])
        bulge = -0.06 * (cos * glasses.half_width) ** 2
        rings.append(np.stack([centre[0] + across, centre[1] + along, centre[2] + bulge], 1).astype(np.float32))
    return rings[0], rings[1]


def glasses_frame(rings: tuple[FloatArray, FloatArray], glasses: Glasses) -> Solid:
    """Both rims, the bridge between them and the arms to the ears."""
    right, left = rings
    half = _RING_POINTS // 2
    solids = [tube(ring, glasses.wire, 5, closed=True) for ring in rings]
    solids.append(tube(np.linspace(right[0], left[half], 6), glasses.wire, 5))
    for hinge, side in ((right[half], -1), (left[0], 1)):
        ear = np.array([side * 8.0, hinge[1] + 0.2, -1.0])
        solids.append(tube(np.linspace(hinge, ear, 8), glasses.wire, 5))
    return join(solids)


def lenses(rings: tuple[FloatArray, FloatArray]) -> tuple[Solid, Solid]:
    """The two glass discs."""
    return fan(rings[0]), fan(rings[1])


def torso_of(look: Look) -> Solid:
    """The shoulders of a look, in the torso's own frame."""
    return torso(look.shoulder_width, look.collar)


def torso_pose(shot: Shot, follow: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotation and translation of the shoulders, which turn by a part of the head's yaw and roll about the neck."""
    head = shot.rotation_camera_from_head
    yaw = np.arctan2(-head[2, 0], np.hypot(head[0, 0], head[1, 0]))
    roll = np.arctan2(head[1, 0], head[0, 0])
    rotation = rotation_from_euler(0.3 * follow * yaw, 0.0, 0.2 * roll)
    return rotation, shot.translation_cm + (head - rotation) @ _NECK_PIVOT_CM


def hand(points: FloatArray, angle_rad: float) -> Solid:
    """Four fingers and a palm that come to the face from the direction `angle_rad` (0 = subject's left, in its plane).

    The finger tips lie in front of the face's rim on that side, as when chin or cheek rests on a hand.
    """
    outward = np.array([np.cos(angle_rad), np.sin(angle_rad), 0.0])
    beside = np.array([-outward[1], outward[0], 0.0])
    middle = points[list(LANDMARKS["nose_base"])].mean(0)
    reach = (points[list(LANDMARKS["jaw"])] - middle) @ outward
    tip = middle + outward * max(2.0, 0.55 * float(reach.max()))
    tip[2] = points[:, 2].max() - 1.0
    steps = np.linspace(0, 1, 6)[:, None]
    solids = []
    for finger in range(4):
        start = tip + beside * (finger - 1.5) * 1.7 - outward * (0.6 if finger in (1, 2) else 0.0)
        bend = np.array([0, 0, 1.2]) * np.sin(np.pi * steps)
        path = start + outward * steps * 7.0 + bend
        solids.append(tube(path, np.array([0.35, 0.7, 0.75, 0.8, 0.85, 0.9])))
    palm = tip + outward * (7.0 + 6.0 * steps)
    solids.append(tube(palm, np.array([2.6, 3.3, 3.4, 3.2, 2.6, 2.4]), 8))
    return join(solids)
