# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a camera must stand so that the head stays in the picture through the whole performance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...core.array_types import FloatArray
from .. import properties
from ..characters import character

MOST_SAMPLES = 24
MARGIN = 1.15  # of the picture around the head
_BREADTH = 0.78  # of a head, to its height


@dataclass(frozen=True)
class Sight:
    """What is to be seen: points (N, 3) in the world that stay in the picture, the head's height, and the direction
    (3,) from the face to the camera, level."""

    points: FloatArray
    height: float
    forward: FloatArray

    @property
    def centre(self) -> FloatArray:
        """(3,): the middle of what is to be seen."""
        return (self.points.min(0) + self.points.max(0)) / 2

    @property
    def axes(self) -> FloatArray:
        """(3, 3): columns are the camera's axes in the world: right, up, backwards."""
        up = np.array([0.0, 0.0, 1.0])
        return np.stack([np.cross(up, self.forward), up, self.forward], 1)


def sight_of(scene: bpy.types.Scene) -> Sight:
    """The head of the scene's character over its performance. Raises UserError where there is no character."""
    centre, height = character.face_box(scene)
    carrier = _carrier(scene)
    offsets = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
    box = np.array(centre) + offsets * (height / 2) * (_BREADTH, _BREADTH, 1.0)
    before, part, rest = scene.frame_current, scene.frame_subframe, carrier.at_rest()
    found: list[FloatArray] = []
    for frame in _frames(scene):
        scene.frame_set(frame)
        moved = np.array(carrier.now() @ rest.inverted())
        found.append(box @ moved[:3, :3].T + moved[:3, 3])
    scene.frame_set(before, subframe=part)
    return Sight(np.concatenate(found), height, _forward(scene))


def placed(sight: Sight, *, half_x: float, half_y: float) -> Matrix:
    """The matrix of a level camera that has all points in its picture. half_x, half_y: half its angles of view, rad."""
    axes, centre = sight.axes, sight.centre
    seen = (sight.points - centre) @ axes
    wide = np.abs(seen[:, 0]) * MARGIN / math.tan(half_x)
    high = np.abs(seen[:, 1]) * MARGIN / math.tan(half_y)
    distance = float((seen[:, 2] + np.maximum(wide, high)).max())
    matrix = Matrix.Identity(4)
    for row in range(3):
        for column in range(3):
            matrix[row][column] = axes[row, column]
        matrix[row][3] = centre[row] + sight.forward[row] * distance
    return matrix


def half_angles(camera: bpy.types.Camera, width: int, height: int) -> tuple[float, float]:
    """Half the angles of view (across, down) in radians for a picture of this size."""
    half = math.atan(camera.sensor_width / (2 * camera.lens))
    if width >= height:
        return half, math.atan(math.tan(half) * height / width)
    return math.atan(math.tan(half) * width / height), half


@dataclass(frozen=True)
class _Carrier:
    """What the head hangs on: a bone of an armature, or an object as a whole."""

    thing: bpy.types.Object
    bone: str = ""

    def at_rest(self) -> Matrix:
        """Where it is when the pose is at rest."""
        matrix = self.thing.matrix_world.copy()
        return matrix @ self.thing.data.bones[self.bone].matrix_local if self.bone else matrix

    def now(self) -> Matrix:
        """Where it is on the scene's frame."""
        matrix = self.thing.matrix_world
        return matrix @ self.thing.pose.bones[self.bone].matrix if self.bone else matrix.copy()


def _carrier(scene: bpy.types.Scene) -> _Carrier:
    main = character.main_object(scene)
    heads = [entry.name for entry in properties.of(scene).character.bones if entry.role == "head"]
    known = [name for name in heads if main.type == "ARMATURE" and name in main.pose.bones]
    return _Carrier(main, known[0] if known else "")


def _frames(scene: bpy.types.Scene) -> list[int]:
    own = properties.of(scene)
    if own.baked_last <= own.baked_first:
        return [scene.frame_current]
    count = min(MOST_SAMPLES, own.baked_last - own.baked_first + 1)
    return [round(frame) for frame in np.linspace(own.baked_first, own.baked_last, count)]


def _forward(scene: bpy.types.Scene) -> FloatArray:
    """(3,): out of the face, level; a face that looks straight up or down is filmed from the front of the world."""
    main = character.main_object(scene)
    turn = np.array(main.matrix_world.to_quaternion().to_matrix(), np.float64)
    out = turn @ character.scan_of(scene).rig.armature_from_head @ np.array([0.0, 0.0, 1.0])
    level = np.array([out[0], out[1], 0.0])
    size = float(np.linalg.norm(level))
    return level / size if size > 0.1 else np.array([0.0, -1.0, 0.0])


def look_at(place: FloatArray, target: FloatArray) -> Matrix:
    """The matrix of a light at a place that shines at a target."""
    towards = Vector(target - place)
    return Matrix.Translation(Vector(place)) @ towards.to_track_quat("-Z", "Y").to_matrix().to_4x4()
