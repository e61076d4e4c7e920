# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves become channels of the character's shape keys and bones, each in its own rotation mode, and then Actions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import bpy

from ..core.array_types import FloatArray
from ..core.curves import Curves
from ..core.rotation import continuous_axis_angle, continuous_euler
from . import rig_scan
from .action_writer import Channel, Placing, Provenance, require_changeable, write_action

PLAYED = Placing()
Wanted: TypeAlias = tuple[bpy.types.ID, str, list[Channel]]  # what is keyed, its name, and its channels


@dataclass(frozen=True)
class Baked:
    """What a bake wrote."""

    actions: tuple[str, ...]
    curves: int
    keys: int


def write_bake(  # noqa: PLR0913 - what is written, on what (three kinds of it), and how
    curves: Curves,
    *,
    meshes: Iterable[bpy.types.Object],
    armature: bpy.types.Object | None,
    provenance: Provenance,
    name: str,
    placing: Placing = PLAYED,
    properties: Iterable[Wanted] = (),
) -> Baked:
    """What was written: a new Action on each mesh's shape keys and one on the armature.

    properties: the channels of custom properties, as `property_channels.wanted` gives them.
    Raises ValueError where an owner's animation cannot be changed, before anything is written.
    """
    wanted: list[Wanted] = [(mesh.data.shape_keys, mesh.name, shape_channels(mesh, curves)) for mesh in meshes]
    if armature is not None:
        wanted.append((armature, armature.name, bone_channels(armature, curves)))
    wanted = _merged([*wanted, *properties])
    wanted = [entry for entry in wanted if entry[2]]
    for owner, _, _ in wanted:
        require_changeable(owner)
    written = [
        write_action(
            owner,
            channels,
            curves.frames,
            provenance=provenance,
            name=f"{name} {own_name}",
            placing=placing,
        )
        for owner, own_name, channels in wanted
    ]
    counts = sum(one.curves for one in written), sum(one.keys for one in written)
    return Baked(tuple(one.action for one in written), *counts)


def shape_channels(mesh: bpy.types.Object, curves: Curves) -> list[Channel]:
    """The channels for those of the mesh's free shape keys that the curves drive."""
    free = rig_scan.free_blocks(mesh)
    return [
        Channel(f'key_blocks["{bpy.utils.escape_identifier(name)}"].value', 0, "Face", values)
        for name, values in curves.shape_values.items()
        if name in free
    ]


def bone_channels(armature: bpy.types.Object, curves: Curves) -> list[Channel]:
    """The channels for the armature's driven bones, each in its own rotation mode."""
    channels: list[Channel] = []
    for name, quaternions in curves.bone_rotations.items():
        bone = armature.pose.bones[name]
        base = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
        path, columns = rotation_keys(quaternions, bone.rotation_mode)
        free = [index for index in range(columns.shape[1]) if not rig_scan.is_axis_locked(bone, index)]
        channels += [Channel(base + path, index, name, columns[:, index]) for index in free]
    for name, offsets in curves.bone_locations.items():
        base = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
        channels += [Channel(base + "location", index, name, offsets[:, index]) for index in range(3)]
    for name, sizes in curves.bone_scales.items():
        base = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
        channels += [Channel(base + "scale", index, name, sizes[:, index]) for index in range(3)]
    return channels


def _merged(wanted: Iterable[Wanted]) -> list[Wanted]:
    """One entry for each data-block: it plays one Action."""
    found: dict[bpy.types.ID, Wanted] = {}
    for owner, name, channels in wanted:
        found[owner] = (
            (owner, found[owner][1], found[owner][2] + channels) if owner in found else (owner, name, channels)
        )
    return list(found.values())


def rotation_keys(quaternions: FloatArray, mode: str) -> tuple[str, FloatArray]:
    """The property and its columns for (N, 4) quaternions wxyz in a bone's rotation mode, without jumps."""
    if mode == "QUATERNION":
        return "rotation_quaternion", quaternions
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", continuous_axis_angle(quaternions)
    return "rotation_euler", continuous_euler(quaternions, mode)
