# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton, the share of each bone in each vertex, and the drivers that let shape keys alone move eyes and jaw."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np

from rigs.characters.viola.blender_meshes import metres
from rigs.characters.viola.fields import soft_step
from rigs.characters.viola.proportions import VIOLA, FloatArray, eye_center_cm

JAW_SLIDE_CM = {"jawLeft": (0.85, 0.0, 0.0), "jawRight": (-0.85, 0.0, 0.0), "jawForward": (0.0, -0.75, 0.0)}
_NECK_Y = 7.6


def _bone_ends() -> dict[str, tuple[str | None, FloatArray, FloatArray]]:
    """Parent, head and tail (cm) of every bone, parents first."""
    forward = np.array([0.0, -2.6, 0.0])
    ends: dict[str, tuple[str | None, FloatArray, FloatArray]] = {
        "spine": (None, np.array([0.0, 8.6, -32.0]), np.array([0.0, 8.6, -18.0])),
        "neck": ("spine", np.array([0.0, _NECK_Y, -17.5]), np.array([0.0, _NECK_Y, -8.0])),
        "head": ("neck", np.array([0.0, _NECK_Y, -8.0]), np.array([0.0, _NECK_Y, 12.0])),
        "jaw": ("head", np.array(VIOLA.jaw_pivot), np.array([0.0, -1.0, -9.4])),
    }
    for suffix, side in ((".L", 1), (".R", -1)):
        ends["shoulder" + suffix] = ("spine", np.array([side * 2.0, 7.5, -19.0]), np.array([side * 13.5, 9.0, -21.5]))
        ends["eye" + suffix] = ("head", eye_center_cm(side), eye_center_cm(side) + forward)
    return ends


def build_armature(collection: bpy.types.Collection) -> bpy.types.Object:
    """The armature object with its bones at rest: neck and head along +z, eyes along -y."""
    armature = bpy.data.objects.new("Viola.Rig", bpy.data.armatures.new("Viola.Rig"))
    collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for name, (parent, head, tail) in _bone_ends().items():
        bone = bones.new(name)
        bone.head, bone.tail, bone.roll = metres(head), metres(tail), 0.0
        bone.parent = bones[parent] if parent else None
        if name.startswith(("eye", "jaw")):
            bone.align_roll((0.0, 0.0, 1.0))
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.data.display_type = "STICK"
    armature.show_in_front = True
    for bone in armature.pose.bones:
        bone.rotation_mode = "XYZ" if bone.name.startswith(("eye", "jaw")) else "QUATERNION"
    return armature


def body_weights(points: FloatArray) -> dict[str, FloatArray]:
    """The share (N,) of each bone at points (N, 3) cm of skin or cloth; shares add up to 1.

    The borders between head, neck and chest lean: they are higher at the nape than under the chin.
    """
    level = points[:, 2] - 0.42 * (points[:, 1] - _NECK_Y)
    head = soft_step(level, -14.2, -7.6)
    chest = soft_step(points[:, 2] - 0.15 * (points[:, 1] - _NECK_Y), -15.0, -20.0) * (1.0 - head)
    out = soft_step(np.abs(points[:, 0]), 4.0, 12.0) * 0.9
    left = (points[:, 0] > 0).astype(np.float64)
    return {
        "head": head,
        "neck": 1.0 - head - chest,
        "spine": chest * (1.0 - out),
        "shoulder.L": chest * out * left,
        "shoulder.R": chest * out * (1.0 - left),
    }


def bind(mesh_object: bpy.types.Object, armature: bpy.types.Object, weights: Mapping[str, FloatArray]) -> None:
    """Parents a mesh to the armature and gives its vertices to bones by the given shares."""
    mesh_object.parent = armature
    for bone, shares in weights.items():
        group = mesh_object.vertex_groups.new(name=bone)
        for vertex in np.flatnonzero(shares > 1e-4):
            group.add([int(vertex)], float(shares[vertex]), "REPLACE")
    modifier = mesh_object.modifiers.new("Rig", "ARMATURE")
    modifier.object = armature


def bind_whole(mesh_object: bpy.types.Object, armature: bpy.types.Object, bone: str) -> None:
    """Binds every vertex of a mesh to one bone."""
    bind(mesh_object, armature, {bone: np.ones(len(mesh_object.data.vertices))})


def drive(
    owner: bpy.types.ID | bpy.types.PoseBone | bpy.types.ShapeKey,
    channel: tuple[str, int],
    expression: str,
    keys: Mapping[str, tuple[bpy.types.Key, str]],
) -> None:
    """Adds a driver; `keys` names each variable of the expression and the shape key whose value it is.

    Expressions stay within Blender's simple ones (arithmetic), which run without auto-execution of scripts.
    """
    path, index = channel
    driver = owner.driver_add(path, index).driver if index >= 0 else owner.driver_add(path).driver
    driver.type = "SCRIPTED"
    for name, (key, block) in keys.items():
        variable = driver.variables.new()
        variable.name = name
        variable.targets[0].id_type = "KEY"
        variable.targets[0].id = key
        variable.targets[0].data_path = f'key_blocks["{block}"].value'
    driver.expression = expression


def _drive_eyes(armature: bpy.types.Object, key: bpy.types.Key) -> None:
    for suffix, side, to_left in ((".L", "Left", "Out"), (".R", "Right", "In")):
        bone = armature.pose.bones["eye" + suffix]
        to_right = "In" if to_left == "Out" else "Out"
        up_down = {"u": (key, f"eyeLookUp{side}"), "d": (key, f"eyeLookDown{side}")}
        sideways = {"l": (key, f"eyeLook{to_left}{side}"), "r": (key, f"eyeLook{to_right}{side}")}
        turn = f"u * {VIOLA.gaze_up_rad:.5f} - d * {VIOLA.gaze_down_rad:.5f}"
        drive(bone, ("rotation_euler", 0), turn, up_down)
        drive(bone, ("rotation_euler", 2), f"(l - r) * {VIOLA.gaze_side_rad:.5f}", sideways)


def _drive_jaw(armature: bpy.types.Object, key: bpy.types.Key) -> None:
    bone = armature.pose.bones["jaw"]
    axes = np.array(bone.bone.matrix_local.to_3x3())
    sign = 1.0 if axes[0, 0] > 0 else -1.0
    opened = f"(o + t * {VIOLA.tongue_jaw_share}) * {sign * VIOLA.jaw_open_rad:.5f}"
    drive(bone, ("rotation_euler", 0), opened, {"o": (key, "jawOpen"), "t": (key, "tongueOut")})
    slides = {name: axes.T @ np.array(way) * 0.01 for name, way in JAW_SLIDE_CM.items()}
    variables = {"a": (key, "jawLeft"), "b": (key, "jawRight"), "c": (key, "jawForward")}
    for index in range(3):
        terms = [f"{letter} * {slides[name][index]:.6f}" for letter, (_, name) in variables.items()]
        drive(bone, ("location", index), " + ".join(terms), variables)


def drive_bones(armature: bpy.types.Object, key: bpy.types.Key) -> None:
    """Lets the face's shape keys turn the eye bones and swing the jaw bone, and notes that on the armature."""
    _drive_eyes(armature, key)
    _drive_jaw(armature, key)
    armature["understudy_gaze"] = "eyeLook shape keys of the face drive the eye bones; do not key these bones"
    armature["understudy_jaw"] = (
        "jawOpen, jawLeft, jawRight, jawForward and tongueOut drive the jaw bone, which carries only the lower teeth "
        "and the tongue; do not key this bone"
    )
