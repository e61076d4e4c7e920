# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender mesh objects from solids: points in metres, material slots, tints and shape keys."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np

from rigs.characters.viola.materials import TINT
from rigs.characters.viola.proportions import FloatArray
from rigs.characters.viola.solids import Solid

# The head's origin (between the eyes) stands this high, so the cut under the chest lies at the scene's floor.
EYE_LEVEL_M = 0.32


def metres(points_cm: FloatArray) -> FloatArray:
    """Scene positions in metres of head positions in cm."""
    return points_cm * 0.01 + np.array([0.0, 0.0, EYE_LEVEL_M])


def mesh_object(
    name: str, solid: Solid, materials: Mapping[str, bpy.types.Material], collection: bpy.types.Collection
) -> bpy.types.Object:
    """A smooth-shaded object of a solid, linked to the collection."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(metres(solid.points).tolist(), [], solid.faces)
    slots = list(dict.fromkeys(solid.materials))
    for slot in slots:
        mesh.materials.append(materials[slot])
    mesh.polygons.foreach_set("material_index", [slots.index(material) for material in solid.materials])
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    tint = mesh.color_attributes.new(TINT, "FLOAT_COLOR", "POINT")
    rgba = np.concatenate([solid.tint, np.ones((len(solid.tint), 1))], axis=1)
    tint.data.foreach_set("color", rgba.astype(np.float32).ravel())
    mesh.color_attributes.active_color = tint
    mesh.update()
    made = bpy.data.objects.new(name, mesh)
    collection.objects.link(made)
    return made


def add_keys(target: bpy.types.Object, points_cm: FloatArray, moves_cm: Mapping[str, FloatArray]) -> bpy.types.Key:
    """Shape keys on an object: Basis and one key per entry, at value 0 with range 0 to 1."""
    target.shape_key_add(name="Basis", from_mix=False)
    for name, move in moves_cm.items():
        block = target.shape_key_add(name=name, from_mix=False)
        block.data.foreach_set("co", metres(points_cm + move).astype(np.float32).ravel())
        block.value, block.slider_min, block.slider_max = 0.0, 0.0, 1.0
    return target.data.shape_keys
