# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys of the jaw and the lips.

Keys that must not part the lips displace by place alone; keys that part them also ask which lip a vertex belongs to.
"""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import lips
from rigs.characters.viola.face_rest import FaceRest
from rigs.characters.viola.fields import bump, left_share, push, rotate_about_x, soft_step
from rigs.characters.viola.proportions import VIOLA, FloatArray

_MOUTH = (0.0, -2.2, VIOLA.mouth_height)
_CORNER = (VIOLA.mouth_half_width, -1.3, VIOLA.mouth_height)
_PARTING_POWER = 2.3


def _parting(face: FaceRest) -> FloatArray:
    """-1 (goes with the upper jaw) to +1 (with the lower): jumps across the lip line, smooth beyond the corners."""
    reach = 0.9 + 0.75 * np.maximum(np.abs(face.points[:, 0]) - VIOLA.mouth_half_width, 0.0)
    hinge = 0.42 * np.maximum(np.abs(face.points[:, 0]) - VIOLA.mouth_half_width, 0.0)
    drop = lips.lip_line_z(face.points[:, 0]) + hinge - face.points[:, 2]
    field = np.where(face.lip_ring > lips.CONTACT_RING, 0.0, np.tanh(np.abs(drop) / reach))
    jump = np.maximum(field, 1.0 - face.lip_across**_PARTING_POWER)
    inside = np.abs(face.points[:, 0]) < VIOLA.mouth_half_width
    by_side = np.where(inside | (face.lip_ring >= lips.BORDER_RING), -face.lip * jump, np.sign(drop) * field)
    return by_side


def _jaw_region(points: FloatArray) -> FloatArray:
    """1 over jaw and chin, fading towards the ears and down the throat."""
    ears = 1.0 - soft_step(points[:, 1], 4.5, 8.6)
    throat = soft_step(points[:, 2] - 0.35 * np.maximum(points[:, 1], 0.0), -15.0, -10.6)
    return ears * throat


def jaw_weights(face: FaceRest) -> FloatArray:
    """The share (N,) of the jaw's motion each vertex makes when it opens; the upper lip 0, the lower lip and chin 1."""
    return (0.5 + 0.5 * _parting(face)) * _jaw_region(face.points)


def _sliding_jaw(face: FaceRest) -> FloatArray:
    """The share (N,) for jaw motions with closed lips: smooth across the lip line."""
    drop = lips.lip_line_z(face.points[:, 0]) - face.points[:, 2]
    return soft_step(drop, -1.2, 2.2) * _jaw_region(face.points)


def _upper(face: FaceRest) -> FloatArray:
    return 0.5 - 0.5 * _parting(face)


def _lower(face: FaceRest) -> FloatArray:
    return 0.5 + 0.5 * _parting(face)


def _near_lips(face: FaceRest, reach: float) -> FloatArray:
    """1 on the red of the lips, fading over `reach` cm of skin above and below, and into the pocket."""
    away = np.abs(face.points[:, 2] - lips.lip_line_z(face.points[:, 0]))
    skin = np.exp(-((np.maximum(away - 0.55, 0.0) / reach) ** 2)) * bump(face.points, _MOUTH, (9.0, 3.0, 9.0))
    pocket = np.select([face.lip_ring < lips.BORDER_RING, face.lip_ring <= 11, face.lip_ring == 12], [skin, 1.0, 0.6])
    return pocket


def _jaw_open(face: FaceRest) -> FloatArray:
    swing = rotate_about_x(face.points, VIOLA.jaw_pivot, VIOLA.jaw_open_rad)
    opened = jaw_weights(face)[:, None] * swing
    opened[:, 0] -= 0.12 * face.points[:, 0] * bump(face.points, _MOUTH, (3.6, 3.0, 2.4))
    lifted = bump(face.points, (0.0, -2.2, -6.0), (1.7, 2.6, 1.2)) * _upper(face)
    return opened + push(lifted, (0.0, 0.0, 0.16))


def _jaw_keys(face: FaceRest) -> dict[str, FloatArray]:
    slide = _sliding_jaw(face)
    opened = _jaw_open(face)
    return {
        "jawOpen": opened,
        "jawForward": push(slide, (0.0, -0.75, 0.0)),
        "jawLeft": push(slide, (0.85, 0.0, 0.0)),
        "mouthClose": _mouth_close(face, opened),
    }


def _lip_gap(face: FaceRest, opened: FloatArray) -> FloatArray:
    """How far (N, 3) an open jaw parts the lips at each vertex's place across the mouth: lower minus upper lip.

    Vertices of the lips take it from their own column of the contact line, skin from the jaw's motion.
    """
    line = np.stack([face.points[:, 0], np.full(len(face.points), -2.0), lips.lip_line_z(face.points[:, 0])], axis=1)
    gap = rotate_about_x(line, VIOLA.jaw_pivot, VIOLA.jaw_open_rad)
    gap *= (1.0 - face.lip_across**_PARTING_POWER)[:, None]
    contact = np.flatnonzero(face.lip_ring == lips.CONTACT_RING)
    column = np.arange(len(contact))
    partner = contact[-column % len(contact)]
    upper_first = np.where(face.lip[contact] > 0, 1.0, -1.0)[:, None]
    for ring in range(lips.BORDER_RING, 13):
        gap[face.lip_ring == ring] = (opened[partner] - opened[contact]) * upper_first
    return gap


def _mouth_close(face: FaceRest, opened: FloatArray) -> FloatArray:
    """What brings the lips together again while jawOpen is 1: the upper lip comes down a little, the lower all the way.

    The upper lip must not go back with the jaw, or it would meet the teeth.
    """
    gap = _lip_gap(face, opened)
    upper = gap * np.array([0.0, 0.0, 0.3])
    share = np.where((face.lip > 0)[:, None], upper, np.where((face.lip < 0)[:, None], upper - gap, 0.0))
    return _near_lips(face, 1.15)[:, None] * share


def _round_keys(face: FaceRest) -> dict[str, FloatArray]:
    around = bump(face.points, _MOUTH, (2.9, 3.4, 1.9)) * np.where(face.lip_ring > 12, 0.3, 1.0)
    middle = 1.0 - face.lip_across**2
    plump = _near_lips(face, 0.5) * np.where(face.lip_ring < lips.CONTACT_RING, 1.0, 0.0) * middle
    pucker = push(around, (0.0, -0.75, 0.0)) + push(plump * face.lip, (0.0, -0.0, 0.14)) + push(plump, (0, -0.12, 0))
    pucker[:, 0] -= 0.46 * face.points[:, 0] * around
    open_lips = _near_lips(face, 0.9) * (1.0 - face.lip_across**3)
    funnel = push(around, (0.0, -0.6, 0.0)) + push(open_lips * (face.lip > 0), (0.0, -0.12, 0.5))
    funnel += push(open_lips * (face.lip < 0), (0.0, -0.12, -0.6))
    funnel[:, 0] -= 0.34 * face.points[:, 0] * around
    return {"mouthPucker": pucker, "mouthFunnel": funnel}


def _roll_keys(face: FaceRest) -> dict[str, FloatArray]:
    red = _near_lips(face, 0.45) * np.sqrt(np.maximum(1.0 - face.lip_across**4, 0.0))
    height = np.abs(face.points[:, 2] - lips.lip_line_z(face.points[:, 0]))
    outer = red * soft_step(height, 0.0, 0.5) * (face.lip_ring < lips.CONTACT_RING)
    chin = bump(face.points, (0.0, -1.5, -8.4), (2.0, 2.5, 1.4))
    seal = bump(face.points, _MOUTH, (2.4, 3.0, 1.3))
    shrug_upper = bump(face.points, (0.0, -2.4, -5.7), (2.0, 3.0, 1.3))
    return {
        "mouthRollUpper": push(outer * (face.lip > 0), (0.0, 0.34, -0.34)) + push(red, (0.0, 0.16, 0.0)) * 0.5,
        "mouthRollLower": push(outer * (face.lip < 0), (0.0, 0.42, 0.42)) + push(red, (0.0, 0.16, 0.0)) * 0.5,
        "mouthShrugLower": push(chin, (0.0, -0.12, 0.42)) + push(seal, (0.0, -0.12, 0.26)),
        "mouthShrugUpper": push(shrug_upper, (0.0, -0.14, 0.34)),
    }


def _left_corner_keys(face: FaceRest) -> dict[str, FloatArray]:
    """Keys that pull the left corner; they move both lips alike, so the lips stay together."""
    points = face.points
    share = left_share(points, 1.5)
    share = share[:, None] * np.where(face.lip_ring > 12, 0.4, 1.0)[:, None]
    corner = bump(points, _CORNER, (1.6, 3.0, 1.35)) + 0.3 * bump(points, (1.0, -2.0, -6.7), (1.2, 2.5, 1.3))
    middle = bump(points, (0.0, -2.2, -6.9), (1.0, 2.5, 1.0))
    tight = bump(points, _CORNER, (1.2, 3.0, 1.2))
    cheek = bump(points, (3.5, -0.5, -3.9), (1.8, 3.0, 1.5)) * (1.0 - face.lid_weight)
    below = bump(points, (2.6, -0.8, -8.2), (1.4, 3.0, 1.2))
    return {
        "mouthSmileLeft": (
            push(corner, (0.72, 0.52, 0.74)) + push(middle, (0.0, 0.1, -0.1)) + push(cheek, (0.12, -0.36, 0.52))
        )
        * share,
        "mouthFrownLeft": (push(corner, (0.05, 0.12, -0.62)) + push(below, (0.1, 0.0, -0.22))) * share,
        "mouthDimpleLeft": push(tight, (0.42, 0.46, 0.05)) * share,
        "mouthStretchLeft": (push(corner, (0.72, 0.42, -0.24)) + push(below, (0.25, 0.1, -0.1))) * share,
        "mouthLeft": push(bump(points, _MOUTH, (3.4, 4.0, 2.1)), (0.95, 0.12, 0.0))
        * np.where(face.lip_ring > 12, 0.3, 1.0)[:, None],
    }


def _left_lip_keys(face: FaceRest) -> dict[str, FloatArray]:
    """Keys that part or press the left half of the lips."""
    share = left_share(face.points, 1.1)[:, None]
    rise = bump(face.points, (1.15, -2.2, -6.3), (1.35, 2.6, 1.5)) * _upper(face)
    fall = bump(face.points, (1.15, -2.2, -7.2), (1.35, 2.6, 1.5)) * _lower(face)
    height = np.abs(face.points[:, 2] - lips.lip_line_z(face.points[:, 0]))
    red = _near_lips(face, 0.4) * soft_step(height, 0.0, 0.4) * (face.lip_ring < lips.CONTACT_RING)
    pressed = push(red * face.lip, (0.0, 0.0, -0.17)) + push(_near_lips(face, 0.5), (0.0, 0.16, 0.0))
    pocket = np.where(face.lip_ring > 12, 0.3, 1.0)[:, None]
    return {
        "mouthUpperUpLeft": push(rise, (0.02, 0.06, 0.62)) * share * pocket,
        "mouthLowerDownLeft": push(fall, (0.02, 0.1, -0.68)) * share * pocket,
        "mouthPressLeft": pressed * share * (1.0 - face.lip_across**6)[:, None],
    }


def left_mouth_keys(face: FaceRest) -> dict[str, FloatArray]:
    """Displacements (N, 3) in cm by ARKit name for the left side (jawLeft and mouthLeft among them)."""
    keys = {**_left_corner_keys(face), **_left_lip_keys(face)}
    keys["jawLeft"] = _jaw_keys(face)["jawLeft"]
    return keys


def middle_mouth_keys(face: FaceRest) -> dict[str, FloatArray]:
    """Displacements (N, 3) in cm by ARKit name for the keys without a side."""
    keys = {**_jaw_keys(face), **_round_keys(face), **_roll_keys(face)}
    del keys["jawLeft"]
    lips_open = _near_lips(face, 0.9) * (1.0 - face.lip_across**3)
    keys["tongueOut"] = VIOLA.tongue_jaw_share * keys["jawOpen"]
    keys["tongueOut"] += push(lips_open * (face.lip > 0), (0.0, -0.05, 0.2)) + push(
        lips_open * (face.lip < 0), (0.0, -0.1, -0.5)
    )
    return keys
