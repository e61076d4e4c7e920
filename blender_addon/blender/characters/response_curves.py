# SPDX-License-Identifier: GPL-3.0-or-later
"""Response curves: drawn with Blender's own curve widget, kept in a node tree that the scene points to.

Blender has no curve property for add-ons; the curve of a Float Curve node is the only one that can be shown, saved,
undone and appended. The tree is used for nothing else.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import bpy

from ..properties import UnderstudyRetarget

TREE = "Understudy Response Curves"
NODE_TYPE = "ShaderNodeFloatCurve"
SAMPLES = 33
Points: TypeAlias = tuple[tuple[float, float], ...]


def node_of(settings: UnderstudyRetarget, name: str) -> Any | None:
    """The node whose curve is that of a channel or a region, None where there is none yet."""
    return settings.curves.nodes.get(name) if settings.curves is not None else None


def ensure_node(settings: UnderstudyRetarget, name: str) -> Any:
    """The node of a channel or a region; a new one holds a straight line."""
    found = node_of(settings, name)
    if found is not None:
        return found
    if settings.curves is None:
        settings.curves = bpy.data.node_groups.new(TREE, "ShaderNodeTree")
    node = settings.curves.nodes.new(NODE_TYPE)
    node.name = node.label = name
    mapping = node.mapping
    mapping.use_clip = True
    mapping.clip_min_x = mapping.clip_min_y = 0.0
    mapping.clip_max_x = mapping.clip_max_y = 1.0
    mapping.update()
    return node


def remove_node(settings: UnderstudyRetarget, name: str) -> None:
    """Nothing; the curve of a channel or a region is gone."""
    found = node_of(settings, name)
    if found is not None:
        settings.curves.nodes.remove(found)


def samples(settings: UnderstudyRetarget, name: str) -> Points:
    """The curve as (in, out) points over 0..1, () where there is none."""
    node = node_of(settings, name)
    if node is None:
        return ()
    mapping = node.mapping
    mapping.initialize()
    places = [number / (SAMPLES - 1) for number in range(SAMPLES)]
    return tuple((x, min(1.0, max(0.0, round(mapping.evaluate(mapping.curves[0], x), 6)))) for x in places)


def points(settings: UnderstudyRetarget, name: str) -> Points:
    """The curve's own points, as the user set them; () where there is none."""
    node = node_of(settings, name)
    if node is None:
        return ()
    return tuple((round(point.location[0], 6), round(point.location[1], 6)) for point in node.mapping.curves[0].points)


def set_points(settings: UnderstudyRetarget, name: str, wanted: Points) -> None:
    """Nothing; the curve goes through these points. Fewer than two make a straight line."""
    remove_node(settings, name)
    mapping = ensure_node(settings, name).mapping
    curve = mapping.curves[0]
    inner = wanted[1:-1] if len(wanted) >= 2 else ()
    if len(wanted) >= 2:
        curve.points[0].location, curve.points[-1].location = wanted[0], wanted[-1]
    for place in inner:
        curve.points.new(*place)
    mapping.update()
