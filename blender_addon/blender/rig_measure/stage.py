# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of our own with nothing but the character in it: evaluated quickly, rendered apart, and gone afterwards."""

from __future__ import annotations

import bpy
import numpy as np

from ...core.array_types import FloatArray, IntArray
from .family import Family

STAGE_NAME = "Understudy Measure"


class Stage:
    """The scene; use it in a with statement. It shows the user's frame, so that animated bodies stand as they do."""

    def __init__(self, family: Family, frame: int) -> None:
        self._family = family
        self._frame = frame
        self.scene: bpy.types.Scene

    def __enter__(self) -> Stage:
        """Set it up."""
        self.scene = bpy.data.scenes.new(STAGE_NAME)
        self.scene.frame_current = self._frame
        for thing in self._family.objects:
            self.scene.collection.objects.link(thing)
        self.update()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        bpy.data.scenes.remove(self.scene)

    @property
    def graph(self) -> bpy.types.Depsgraph:
        """The evaluated state after the last update."""
        return self.scene.view_layers[0].depsgraph

    def update(self) -> None:
        """Nothing; evaluates what has changed."""
        self.scene.view_layers[0].update()

    def vertices(self, mesh: bpy.types.Object) -> FloatArray:
        """(V, 3) the evaluated vertices in world space."""
        return world_vertices(mesh, self.graph)


def world_vertices(mesh: bpy.types.Object, graph: bpy.types.Depsgraph) -> FloatArray:
    """(V, 3) the evaluated vertices of a mesh in world space."""
    evaluated = mesh.evaluated_get(graph)
    data = evaluated.data
    local = np.empty(3 * len(data.vertices), np.float32)
    data.vertices.foreach_get("co", local)
    matrix = np.array(evaluated.matrix_world, np.float64)
    return local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def triangles(mesh: bpy.types.Object, graph: bpy.types.Depsgraph) -> IntArray:
    """(F, 3) vertex numbers of the evaluated mesh's triangles."""
    data = mesh.evaluated_get(graph).data
    data.calc_loop_triangles()
    flat = np.empty(3 * len(data.loop_triangles), np.int32)
    data.loop_triangles.foreach_get("vertices", flat)
    return flat.reshape(-1, 3).astype(np.int64)
