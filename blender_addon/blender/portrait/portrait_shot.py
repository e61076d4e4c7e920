# SPDX-License-Identifier: GPL-3.0-or-later
"""A portrait of the character itself: rendered on a stage of its own; nothing of the user's scene is touched."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix, Vector

from .. import compat
from ..characters import character
from ..rig_measure.family import family_of
from ..rig_measure.stage import Stage

SIDE_PX, SAMPLES = 512, 24
_NAME = "Understudy Portrait"
_LENS_MM, _SENSOR_MM = 85.0, 36.0
_HEAD_SHARE = 0.62  # of the picture's height
# Lamps: from where in the head's axes (x the subject's left, y up, z out of the face; in heads), size in heads, power
_LAMPS = (((-1.6, 1.1, 2.2), 1.2, 55.0), ((2.2, 0.3, 1.6), 2.0, 12.0), ((1.2, 1.6, -2.0), 1.2, 35.0))
_WALL = (0.10, 0.12, 0.15, 1.0)


def photograph(scene: bpy.types.Scene, path: Path) -> Path:
    """The path of the PNG: the character as it stands now, seen from before its face, on a dark wall.

    Raises UserError where there is no character, or nothing of it can be seen.
    """
    family = family_of(character.parts_of(scene), scene.objects)
    centre, height = character.face_box(scene)
    # Characters look along their armature's -y, as Blender's own do.
    turn = character.main_object(scene).matrix_world.to_3x3().normalized() @ Matrix.Rotation(math.pi / 2, 3, "X")
    with Stage(family, scene.frame_current) as stage, _set(stage.scene, turn, centre, height):
        render = stage.scene.render
        render.resolution_x = render.resolution_y = SIDE_PX
        render.filepath, render.use_file_extension = str(path), False
        bpy.ops.render.render(write_still=True, scene=stage.scene.name)
    return path


@contextlib.contextmanager
def _set(scene: bpy.types.Scene, turn: Matrix, centre: Vector, height: float) -> Iterator[None]:
    """Camera, lamps and wall, gone afterwards."""
    made: list[bpy.types.ID] = []
    try:
        distance = height / _HEAD_SHARE * _LENS_MM / _SENSOR_MM
        camera = bpy.data.cameras.new(_NAME)
        camera.lens, camera.sensor_width = _LENS_MM, _SENSOR_MM
        camera.clip_start, camera.clip_end = distance * 0.02, distance * 10
        scene.camera = _stand(scene, camera, made, turn, centre + turn @ Vector((0, 0, distance)))
        for place, size, strength in _LAMPS:
            lamp = bpy.data.lights.new(_NAME, "AREA")
            lamp.size, lamp.energy = size * height, strength * height * height * 10  # the same light at any size
            at = centre + turn @ (Vector(place) * height)
            facing = (centre - at).to_track_quat("-Z", "Y").to_matrix()
            _stand(scene, lamp, made, facing, at)
        scene.world = _wall(made)
        _set_up(scene)
        yield
    finally:
        bpy.data.batch_remove(made)


def _stand(scene: bpy.types.Scene, data: Any, made: list[bpy.types.ID], turn: Matrix, at: Vector) -> bpy.types.Object:
    thing = bpy.data.objects.new(_NAME, data)
    thing.matrix_world = Matrix.Translation(at) @ turn.to_4x4()
    scene.collection.objects.link(thing)
    made += [thing, data]
    return thing


def _wall(made: list[bpy.types.ID]) -> bpy.types.World:
    world = bpy.data.worlds.new(_NAME)
    compat.use_nodes(world)
    background: Any = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = _WALL
    made.append(world)
    return world


def _set_up(scene: bpy.types.Scene) -> None:
    compat.set_render_engine(scene, "CYCLES")  # the one engine that needs no graphics card and no display
    scene.cycles.device, scene.cycles.samples = "CPU", SAMPLES
    scene.cycles.use_denoising = compat.can_denoise(scene)
    scene.cycles.max_bounces = 4
    compat.set_image_output(scene)
    scene.render.resolution_percentage = 100
    scene.render.use_compositing = scene.render.use_sequencer = scene.render.use_stamp = False
