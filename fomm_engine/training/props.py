# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes around a head: glasses, shoulders, hands and what is held or worn. Points in cm of the head frame."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fomm_engine.training.accessories import Accessories, Hand, Held, Locks
from fomm_engine.training.appearance import Glasses, Look
from fomm_engine.training.face_model import FloatArray
from fomm_engine.training.mesh import Solid, fan, grid_triangles, join, torso, tube
from fomm_engine.training.scene import Shot, rotation_from_euler
from fomm_engine.wire.names import LANDMARKS

_NECK_PIVOT_CM = np.array([0.0, -8.0, 0.0])
_RING_POINTS = 28
_AIMS = {"mouth": "lips_inner", "chin": "chin", "middle": "nose_base"}
_TONGUE_COLOR = (0.55, 0.2, 0.19)


class Prop(NamedTuple):
    """A solid, its colour (linear RGB and shine, or opacity where it is a lens)."""

    solid: Solid
    color: tuple[float, float, float, float]


def worn(look: Look, points: FloatArray) -> list[Prop]:
    """The opaque props of a look around a face whose 70 points (70, 3) are given."""
    extra = look.accessories
    skin = _rgb(look.uniforms["skin"])
    hair = _rgb(look.uniforms["hair_color"])
    found = [Prop(hand(points, each), (*skin, 0.05)) for each in extra.hands]
    if extra.locks and not look.hairless:
        red, green, blue = (extra.locks.shade * value for value in hair)
        found.append(Prop(locks(points, extra.locks, float(look.uniforms["hair_line"][0])), (red, green, blue, 0.1)))
    if extra.brim:
        found.append(Prop(brim(extra.brim, look.uniforms["hair_line"]), (*hair, 0.05)))
    if look.glasses:
        found.append(
            Prop(glasses_frame(lens_rings(points, look.glasses), look.glasses), (*look.glasses.frame_color, 0.6))
        )
    return found + _carried(extra, points)


def _carried(extra: Accessories, points: FloatArray) -> list[Prop]:
    found = []
    if extra.held:
        found.append(Prop(held(points, extra.held), (*extra.held.color, 0.2)))
    if extra.headphones:
        found.append(Prop(headphones(points), (*extra.headphones, 0.3)))
    if extra.microphone:
        found.append(Prop(microphone(points, extra.microphone), (0.02, 0.02, 0.02, 0.2)))
    opening = np.linalg.norm(points[LANDMARKS["lip_inner_upper"][1]] - points[LANDMARKS["lip_inner_lower"][1]])
    if extra.tongue and opening > 0.7:
        found.append(Prop(tongue(points, *extra.tongue), (*_TONGUE_COLOR, 0.5)))
    return found


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


def hand(points: FloatArray, look: Hand) -> Solid:
    """Four fingers, a thumb and a palm whose finger tips lie before the face, somewhere between its rim and its aim."""
    outward = np.array([np.cos(look.angle_rad), np.sin(look.angle_rad), 0.0])
    eye = "eye_left" if outward[0] > 0 else "eye_right"
    aim = points[list(LANDMARKS[_AIMS.get(look.aim, eye)])].mean(0)
    rim = max(2.0, 0.9 * float(((points[list(LANDMARKS["jaw"])] - aim) @ outward).max()))
    tip = aim + outward * rim * (1 - look.overlap)
    tip[2] = max(aim[2] + 0.8, points[:, 2].max() - 1.0)
    cos, sin = np.cos(look.turn_rad), np.sin(look.turn_rad)
    along = np.array([cos * outward[0] - sin * outward[1], sin * outward[0] + cos * outward[1], 0.12])
    beside = np.array([-along[1], along[0], 0.0])
    steps = np.linspace(0, 1, 6)[:, None]
    thick = np.array([0.35, 0.7, 0.75, 0.8, 0.85, 0.9]) * look.size
    knuckle = tip + along * 7.0 * look.size
    solids = []
    for finger in range(4):
        place = beside * (finger - 1.5) * 1.7 * look.size
        start = tip + place * look.spread + along * (0.0 if finger in (1, 2) else 0.7)
        bend = np.array([0, 0, 1.2]) * np.sin(np.pi * steps)
        solids.append(tube(start + (knuckle + place - start) * steps + bend, thick))
    thumb = knuckle + along * 4.0 + beside * 3.0 * look.size
    solids.append(tube(thumb + (beside * 2.5 - along * 5.5) * look.size * steps[::-1], thick))
    palm = knuckle + along * 6.0 * steps
    solids.append(tube(palm, np.array([2.6, 3.3, 3.4, 3.2, 2.6, 2.4]) * look.size, 8))
    return join(solids)


def locks(points: FloatArray, look: Locks, hair_line_cm: float) -> Solid:
    """Strands that leave the hair above the forehead and hang down before the face, tapering."""
    brows = points[[*LANDMARKS["brow_right"], *LANDMARKS["brow_left"]]]
    half = (brows[-1, 0] - brows[0, 0]) / 2
    height, chin = float(brows[:, 1].mean()), float(points[LANDMARKS["chin"][0], 1])
    steps = np.linspace(0, 1, 11)
    radius = look.radius_cm * np.interp(steps, (0, 0.5, 0.85, 1), (0.8, 1, 0.6, 0.05))
    start = max(hair_line_cm + 0.8, height + 1.5)
    solids = []
    for place, reach, drift in zip(look.place, look.reach, look.drift_cm, strict=True):
        x = 0.9 * place * half + drift * steps**1.5 + 0.25 * np.sin(4 * steps + 9 * place)
        y = start + (height + reach * (chin - height) - start) * steps
        bare = np.interp(x, brows[:, 0], brows[:, 2]) - 0.1 * np.maximum(0, y - height) ** 2
        z = bare + 1.1 * np.minimum(1.0, 2.5 * steps) + 0.15 * np.sin(7 * place)
        solids.append(tube(np.stack([x, y, z], 1), radius, 5))
    return join(solids)


def brim(shape: tuple[float, float, float], hair_line: FloatArray) -> Solid:
    """The rim of a hat above the forehead: a shade in front, or a whole round."""
    reach, round_share, drop = shape
    count = 25
    angle = np.linspace(0.5 - round_share, 0.5 + round_share, count) * np.pi
    height = hair_line[0] + 0.6
    inner = np.stack([7.6 * np.cos(angle), np.full(count, height), 9.6 * np.sin(angle)], 1)
    swell = reach * (1.0 if round_share == 1 else np.sin(angle))
    outer = inner + np.stack([np.cos(angle) * swell, np.full(count, -drop) * swell / reach, np.sin(angle) * swell], 1)
    rings = np.stack([inner, outer, outer + np.array([0, 0.15, 0]), inner + np.array([0, 0.5, 0])])
    return rings.reshape(-1, 3).astype(np.float32), grid_triangles(4, count)


def held(points: FloatArray, look: Held) -> Solid:
    """A phone (a slab), a cup or a sheet of paper before or beside the mouth."""
    centre = points[list(LANDMARKS["lips_inner"])].mean(0) + np.array(look.offset_cm)
    turn = rotation_from_euler(0.3 * look.tilt_rad, 0.2, look.tilt_rad)
    width, height, depth = {"phone": (3.6, 7.2, 0.5), "cup": (3.8, 4.6, 3.8), "sheet": (9.0, 6.0, 0.05)}[look.kind]
    sides = 14 if look.kind == "cup" else 4
    solid, triangles = tube(np.array([[0, y, 0] for y in (-1, -0.999, -0.3, 0.3, 0.999, 1)]), _CLOSED_ENDS, sides)
    corner = 1.0 if look.kind == "cup" else np.sqrt(2)
    if look.kind != "cup":  # a square tube stands on its edges: an eighth of a turn makes faces of them
        solid = solid @ rotation_from_euler(np.pi / 4, 0, 0).T
    shaped = solid * (width * corner, height, depth * corner) * look.size
    return (shaped @ turn.T + centre).astype(np.float32), triangles


_CLOSED_ENDS = np.array([0.001, 1.0, 1.0, 1.0, 1.0, 0.001])


def headphones(points: FloatArray) -> Solid:
    """A band over the skull with a shell on each ear."""
    wide = float(np.abs(points[list(LANDMARKS["jaw"])][:, 0]).max()) + 1.0
    angle = np.linspace(0, np.pi, 15)
    band = np.stack([wide * np.cos(angle), 1.5 + 13.0 * np.sin(angle), np.full(15, -0.5)], 1)
    shells = []
    for side in (-1.0, 1.0):
        path = np.array([[side * (wide + x), 1.0, -0.5] for x in (-0.8, -0.7, 0.6, 1.2, 1.3)])
        shells.append(tube(path, np.array([0.01, 3.2, 3.4, 2.4, 0.01]), 12))
    return join([tube(band, 0.7, 6), *shells])


def microphone(points: FloatArray, side: float) -> Solid:
    """A boom from the ear with a foam ball beside the mouth."""
    mouth = points[list(LANDMARKS["lips_outer"])].mean(0) + np.array([side * 2.4, -0.6, 1.6])
    ear = np.array([side * 8.2, 0.5, 0.5])
    steps = np.linspace(0, 1, 10)[:, None]
    bow = np.array([side * 2.0, -1.0, 1.0]) * np.sin(np.pi * steps)
    ball = mouth + np.array([[side * x, 0, -0.4 * x] for x in (0.8, 0.6, 0.2, -0.2, -0.6, -0.8)])
    boom = tube(ear + (mouth - ear) * steps + bow, 0.18, 5)
    return join([boom, tube(ball, np.array([0.01, 0.6, 0.85, 0.85, 0.6, 0.01]), 8)])


def tongue(points: FloatArray, reach_cm: float, sideways: float) -> Solid:
    """A flat tongue over the lower lip, from inside the mouth out and down."""
    lip = points[LANDMARKS["lip_inner_lower"][1]].astype(np.float64)
    lift = np.array([0.0, 0.28, 0.0])
    steps = np.linspace(0, 1, 8)
    out = -4.0 + (4.0 + reach_cm) * steps
    fall = -0.35 * np.maximum(out, 0) ** 1.4
    path = lip + lift + np.stack([sideways * np.maximum(out, 0), fall, np.where(out < 0, out, 0.8 * out)], 1)
    points_cm, triangles = tube(path, np.array([1.0, 1.0, 1.0, 1.0, 0.95, 0.85, 0.6, 0.02]), 10)
    middle = np.repeat(path, 10, 0)
    return (middle + (points_cm - middle) * (1.25, 0.32, 0.6)).astype(np.float32), triangles


def _rgb(values: FloatArray) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
