# SPDX-License-Identifier: GPL-3.0-or-later
"""A character of a few vertices with all of ARKit's shape keys, and an armature with neck, head, jaw and eyes."""

from dataclasses import dataclass

import bpy
from mathutils import Vector

from fomm_engine.wire.names import ARKIT_CHANNELS

BONES = (
    ("spine", (0, 0, 0.5), (0, 0, 1.0), None),
    ("neck", (0, 0.02, 1.0), (0, 0, 1.15), "spine"),
    ("head", (0, 0, 1.15), (0, 0.03, 1.4), "neck"),
    ("jaw", (0, 0, 1.18), (0, -0.1, 1.14), "head"),
    ("eye.L", (0.035, -0.06, 1.25), (0.035, -0.1, 1.25), "head"),
    ("eye.R", (-0.035, -0.06, 1.25), (-0.035, -0.1, 1.25), "head"),
)


@dataclass
class Character:
    """The two objects."""

    mesh: bpy.types.Object
    armature: bpy.types.Object


def make_character(name, keys=ARKIT_CHANNELS, bones=BONES):
    """The character in the current scene, nothing selected."""
    armature = make_armature(f"{name} Rig", bones)
    mesh = make_face(f"{name} Face", keys)
    mesh.parent = armature
    mesh.modifiers.new("Armature", "ARMATURE").object = armature
    bpy.ops.object.select_all(action="DESELECT")
    # A rig made by script has no pose yet; un-assigning an Action from it would crash Blender 4.5.
    bpy.context.view_layer.update()
    return Character(mesh, armature)


def make_armature(name, bones):
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone_name, head, tail, parent in bones:
        bone = armature.data.edit_bones.new(bone_name)
        bone.head, bone.tail, bone.roll = head, tail, 0.3
        bone.parent = armature.data.edit_bones.get(parent or "")
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def make_face(name, keys):
    data = bpy.data.meshes.new(name)
    spots = [(x * 0.02, -0.1, 1.15 + z * 0.02) for x in range(-3, 4) for z in range(9)]
    faces = [(a, a + 9, a + 10, a + 1) for column in range(6) for a in range(column * 9, column * 9 + 8)]
    data.from_pydata(spots, [], faces)
    mesh = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(mesh)
    if keys:
        mesh.shape_key_add(name="Basis")
    for number, key_name in enumerate(keys):
        key = mesh.shape_key_add(name=key_name, from_mix=False)
        point = key.data[number % len(spots)]
        point.co = Vector(point.co) + Vector((0, -0.01, 0.01))
    return mesh
