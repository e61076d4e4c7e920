# SPDX-License-Identifier: GPL-3.0-or-later
"""The landmark points drawn over the character in the 3D view, and the point under the mouse."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from ...core.array_types import FloatArray
from ...core.face_lines import landmark_lines
from ..characters import character
from . import anchors
from .attach import main_of
from .family import family_of

SURE, UNSURE, BY_HAND = (0.25, 0.9, 0.45, 1.0), (1.0, 0.55, 0.15, 1.0), (0.35, 0.7, 1.0, 1.0)
LINE = (1.0, 1.0, 1.0, 0.45)
POINT_PX, LINE_PX, GRAB_PX = 7.0, 1.5, 14.0
LEAST_SURE = 0.4


class Overlay:
    """The draw handler; at most one is on."""

    def __init__(self) -> None:
        self._handler: Any = None

    @property
    def shown(self) -> bool:
        """Whether the points are drawn."""
        return self._handler is not None

    def show(self) -> None:
        """Nothing; the points are drawn from now on."""
        if self._handler is None and not bpy.app.background:
            self._handler = bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")

    def hide(self) -> None:
        """Nothing; the points are no longer drawn."""
        if self._handler is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
            self._handler = None


OVERLAY = Overlay()


def points_now(context: bpy.types.Context) -> tuple[anchors.Anchors, FloatArray] | None:
    """(anchors, places (70, 3) in the world) of the scene's character as it stands now; None where it has none."""
    if not character.is_chosen(context.scene):
        return None
    parts = character.parts_of(context.scene)
    main = main_of(parts)
    kept = anchors.kept(main) if main is not None else None
    if kept is None:
        return None
    objects = anchors.match(kept, family_of(parts, context.scene.objects))
    graph = context.evaluated_depsgraph_get()
    if objects is None or not _has_vertices(kept, objects, graph):
        return None
    return kept, kept.places(objects, graph)


def _has_vertices(kept: anchors.Anchors, objects: list[bpy.types.Object], graph: bpy.types.Depsgraph) -> bool:
    """Whether every anchored vertex is there; a refined mesh begins with the vertices of the plain one."""
    return all(
        int(kept.vertices[kept.mesh == number].max(initial=-1)) < len(thing.evaluated_get(graph).data.vertices)
        for number, thing in enumerate(objects)
    )


def on_screen(context: bpy.types.Context, places: FloatArray) -> list[tuple[float, float] | None]:
    """Where points are seen in the region, pixels; None behind the viewer."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    region, view = context.region, context.space_data.region_3d
    seen = [location_3d_to_region_2d(region, view, Vector(place)) for place in places]
    return [None if spot is None else (float(spot.x), float(spot.y)) for spot in seen]


def nearest(context: bpy.types.Context, places: FloatArray, mouse: tuple[float, float]) -> int | None:
    """The number of the point under the mouse, None where there is none."""
    spots = on_screen(context, places)
    away = [np.hypot(s[0] - mouse[0], s[1] - mouse[1]) if s is not None else np.inf for s in spots]
    best = int(np.argmin(away))
    return best if away[best] <= GRAB_PX else None


def draw() -> None:
    """Nothing; draws the points and lines of the scene's character."""
    import gpu
    from gpu_extras.batch import batch_for_shader

    context = bpy.context
    if context.space_data is None:
        return
    found = points_now(context)
    if found is None:
        return
    own, places = found
    spots = on_screen(context, places)
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    pairs = [spots[n] for pair in landmark_lines() if spots[pair[0]] and spots[pair[1]] for n in pair]
    gpu.state.line_width_set(LINE_PX)
    shader.bind()
    shader.uniform_float("color", LINE)
    batch_for_shader(shader, "LINES", {"pos": pairs}).draw(shader)
    gpu.state.point_size_set(POINT_PX)
    for colour, chosen in _colours(own).items():
        shown = [spots[n] for n in chosen if spots[n] is not None]
        shader.uniform_float("color", colour)
        batch_for_shader(shader, "POINTS", {"pos": shown}).draw(shader)
    gpu.state.line_width_set(1.0)
    gpu.state.blend_set("NONE")


def _colours(own: anchors.Anchors) -> dict[tuple[float, float, float, float], list[int]]:
    by_hand = set(own.by_hand)
    sure = [n for n in range(len(own.confidence)) if n not in by_hand and own.confidence[n] >= LEAST_SURE]
    unsure = [n for n in range(len(own.confidence)) if n not in by_hand and own.confidence[n] < LEAST_SURE]
    return {SURE: sure, UNSURE: unsure, BY_HAND: sorted(by_hand)}
