# SPDX-License-Identifier: GPL-3.0-or-later
"""Small plain pictures of a character's head, rendered on the stage for the engine to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from .. import compat
from .stage import Stage
from .views import HALF_VIEW, View

SIZE_PX = 320
SAMPLES = 8
_WORLD_STRENGTH, _SUN_STRENGTH = 0.55, 2.2
_SUN_FROM = np.array([-0.35, 0.45, 1.0])  # head frame: from before, above and a little to one side
_SENSOR_MM = 36.0


class Studio:
    """Camera, lamp and world on a stage; use it in a with statement, inside the stage's."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage, self._folder = stage, folder
        self._made: list[bpy.types.ID] = []

    def __enter__(self) -> Studio:
        """Set up."""
        scene = self._stage.scene
        self._camera = self._add("CAMERA")
        self._sun = self._add("SUN")
        world = bpy.data.worlds.new("Understudy Measure")
        if world.node_tree is None:  # from Blender 5.0 on it is always there
            world.use_nodes = True
        lit: Any = world.node_tree
        lit.nodes["Background"].inputs["Strength"].default_value = _WORLD_STRENGTH
        lit.nodes["Background"].inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
        self._made.append(world)
        scene.world, scene.camera = world, self._camera
        _set_up(scene)
        return self

    def __exit__(self, *_: object) -> None:
        """Take away."""
        for made in reversed(self._made):
            data = getattr(made, "data", None)
            bpy.data.batch_remove([made] if data is None else [made, data])

    def take(self, view: View, name: str) -> Path:
        """The PNG of a view, in the studio's folder."""
        scene = self._stage.scene
        place = np.eye(4)
        place[:3, :3], place[:3, 3] = view.frame.rotation, view.place
        self._camera.matrix_world = Matrix(place.tolist())
        distance = float(np.linalg.norm(view.place - view.frame.centre))
        self._camera.data.clip_start, self._camera.data.clip_end = distance * 0.02, distance * 4.0
        self._sun.matrix_world = Matrix(_looking(view.frame.rotation, _SUN_FROM).tolist())
        scene.render.resolution_x = scene.render.resolution_y = view.size_px
        path = self._folder / f"{name}.png"
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True, scene=scene.name)
        return path

    def _add(self, kind: str) -> bpy.types.Object:
        if kind == "CAMERA":
            data = bpy.data.cameras.new("Understudy Measure")
            data.sensor_width, data.lens = _SENSOR_MM, _SENSOR_MM / 2 / HALF_VIEW
        else:
            data = bpy.data.lights.new("Understudy Measure", "SUN")
            data.energy, data.angle = _SUN_STRENGTH, 0.6
        made = bpy.data.objects.new("Understudy Measure", data)
        self._stage.scene.collection.objects.link(made)
        self._made.append(made)
        return made


def _set_up(scene: bpy.types.Scene) -> None:
    render = scene.render
    if hasattr(scene, "cycles"):
        compat.set_render_engine(scene, "CYCLES")
        scene.cycles.samples, scene.cycles.use_denoising = SAMPLES, False
        scene.cycles.max_bounces, scene.cycles.use_adaptive_sampling = 4, False
        scene.cycles.device = "CPU"
    else:  # the user has taken Cycles away
        compat.set_render_engine(scene, "EEVEE")
    compat.set_image_output(scene)
    render.resolution_percentage, render.film_transparent = 100, False
    render.use_file_extension, render.use_compositing, render.use_sequencer = True, False, False
    render.use_stamp, render.use_persistent_data = False, True
    scene.view_settings.view_transform = "Standard"


def _looking(rotation: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """(4, 4) the matrix of a lamp whose light comes from a direction of the head frame."""
    back = rotation @ (towards / np.linalg.norm(towards))
    side = np.cross(rotation[:, 1], back)
    side /= np.linalg.norm(side)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([side, np.cross(back, side), back], axis=1)
    return matrix
