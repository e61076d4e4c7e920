# SPDX-License-Identifier: GPL-3.0-or-later
"""What the character does on each frame, read from the evaluated scene: the truth about a bake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ...core.array_types import FloatArray
from ...core.rig import Rig
from .. import properties
from ..characters import character, rig_scan
from . import retarget_settings


@dataclass(frozen=True)
class Measured:
    """Evaluated values of N scene frames.

    frames (N,), time_s (N,): seconds after the performance's start frame at the scene's rate. shape_names and
    shape_values (N, S). head_rotation (N, 3, 3): the head bone's turn against its rest, in the head frame (x the
    subject's left, y up, z out of the face), as the character stands in its armature. bone_names, bone_rotations
    (N, B, 3, 3): the same for every driven bone.
    """

    frames: np.ndarray
    time_s: FloatArray
    shape_names: tuple[str, ...]
    shape_values: FloatArray
    head_rotation: FloatArray
    bone_names: tuple[str, ...]
    bone_rotations: FloatArray


def measure(scene: bpy.types.Scene, frames: range) -> Measured:
    """The evaluated values at these frames; the scene's current frame is put back."""
    parts = character.parts_of(scene)
    rig = character.scan_of(scene).rig
    names = _shape_names(parts)
    current = scene.frame_current
    values, turns = [], []
    for number in frames:
        scene.frame_set(number)
        graph = bpy.context.evaluated_depsgraph_get()
        values.append(_shape_values(parts, names, graph))
        turns.append(_bone_turns(parts.armature, rig, graph))
    scene.frame_set(current)
    num, den = retarget_settings.scene_rate(scene)
    start = properties.of(scene).retarget.start_frame
    rotations = np.array(turns).reshape(len(frames), len(rig.bones), 3, 3)
    head = [index for index, bone in enumerate(rig.bones) if bone.role == "head"]
    return Measured(
        frames=np.array(frames),
        time_s=(np.array(frames) - start) * den / num,
        shape_names=tuple(names),
        shape_values=np.array(values).reshape(len(frames), len(names)),
        head_rotation=rotations[:, head[0]] if head else np.tile(np.eye(3), (len(frames), 1, 1)),
        bone_names=tuple(bone.name for bone in rig.bones),
        bone_rotations=rotations,
    )


def write_measured(measured: Measured, path: Path) -> None:
    """Nothing; the values stand in `path` as npz, whole or not at all."""
    partial = path.with_name(path.name + ".part.npz")
    np.savez(
        partial,
        frames=measured.frames,
        time_s=measured.time_s,
        shape_names=np.array(measured.shape_names, dtype=np.str_),
        shape_values=measured.shape_values,
        head_rotation=measured.head_rotation,
        bone_names=np.array(measured.bone_names, dtype=np.str_),
        bone_rotations=measured.bone_rotations,
    )
    partial.replace(path)


def _shape_names(parts: rig_scan.Parts) -> list[str]:
    names = {
        block.name: None
        for mesh in parts.meshes
        for block in mesh.data.shape_keys.key_blocks
        if block != mesh.data.shape_keys.reference_key
    }
    return list(names)


def _shape_values(parts: rig_scan.Parts, names: list[str], graph: bpy.types.Depsgraph) -> list[float]:
    """The value of each key by name; where meshes share a name, the first mesh's."""
    found: dict[str, float] = {}
    for mesh in parts.meshes:
        for block in mesh.evaluated_get(graph).data.shape_keys.key_blocks:
            found.setdefault(block.name, block.value)
    return [found[name] for name in names]


def _bone_turns(armature: bpy.types.Object | None, rig: Rig, graph: bpy.types.Depsgraph) -> list[FloatArray]:
    if armature is None:
        return []
    posed = armature.evaluated_get(graph)
    return [_head_frame_turn(posed.pose.bones[bone.name], rig.armature_from_head) for bone in rig.bones]


def _head_frame_turn(bone: bpy.types.PoseBone, armature_from_head: FloatArray) -> FloatArray:
    turned = np.array(bone.matrix.to_quaternion().to_matrix())
    rest = np.array(bone.bone.matrix_local.to_quaternion().to_matrix())
    return armature_from_head.T @ (turned @ rest.T) @ armature_from_head
