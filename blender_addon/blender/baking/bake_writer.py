# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves become channels of the character's shape keys and bones, each in its own rotation mode, and then Actions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

import bpy

from ...core.array_types import FloatArray, IntArray
from ...core.curves import Curves
from ...core.key_reduction import ReductionSettings
from ...core.rotation import continuous_axis_angle, continuous_euler
from ..characters import rig_scan
from .action_writer import Channel, Placing, Provenance, Written, require_changeable, write_action
from .thinning import largest_error, thinned

PLAYED = Placing()
Wanted: TypeAlias = tuple[bpy.types.ID, str, list[Channel]]  # what is keyed, its name, and its channels


@dataclass(frozen=True)
class Baked:
    """What a bake wrote, and the largest error of left-out keys as a share of their curve's range."""

    actions: tuple[str, ...]
    curves: int
    keys: int
    error: float = 0.0


def write_bake(  # noqa: PLR0913 - what is written, on what (three kinds of it), and how
    curves: Curves,
    *,
    meshes: Iterable[bpy.types.Object],
    armature: bpy.types.Object | None,
    provenance: Provenance,
    name: str,
    placing: Placing = PLAYED,
    properties: Iterable[Wanted] = (),
    reduction: ReductionSettings | None = None,
) -> Baked:
    """What was written: a new Action on each mesh's shape keys and one on the armature.

    properties: the channels of custom properties, as `property_channels.wanted` gives them. reduction: how keys are
    left out; the largest error that this made stands in the Actions and in what is given back.
    Raises ValueError where an owner's animation cannot be changed, before anything is written.
    """
    wanted: list[Wanted] = [(mesh.data.shape_keys, mesh.name, shape_channels(mesh, curves)) for mesh in meshes]
    if armature is not None:
        wanted.append((armature, armature.name, bone_channels(armature, curves)))
    wanted = _merged([*wanted, *properties])
    wanted = [entry for entry in wanted if entry[2]]
    for owner, _, _ in wanted:
        require_changeable(owner)
    error = 0.0
    if reduction is not None:
        wanted = [(owner, own, thinned(channels, curves.frames, reduction)) for owner, own, channels in wanted]
        error = max((largest_error(channels, curves.frames) for _, _, channels in wanted), default=0.0)
        provenance = replace(provenance, reduction=_told(reduction, error))
    written: list[Written] = []
    for owner, own_name, channels in wanted:
        shared = next((one.action for one in written if one.can_be_shared), "")
        title = name if placing.one_action else f"{name} {own_name}"
        place = replace(placing, into=shared)
        written.append(write_action(owner, channels, curves.frames, provenance=provenance, name=title, placing=place))
    counts = sum(one.curves for one in written), sum(one.keys for one in written)
    return Baked(tuple(dict.fromkeys(one.action for one in written)), *counts, error)


def _told(reduction: ReductionSettings, error: float) -> str:
    """What the Action keeps about left-out keys, as JSON."""
    return json.dumps({**asdict(reduction), "largest_error": round(error, 6)}, allow_nan=False, sort_keys=True)


def shape_channels(mesh: bpy.types.Object, curves: Curves) -> list[Channel]:
    """The channels for those of the mesh's free shape keys that the curves drive."""
    free = rig_scan.free_blocks(mesh)
    return [
        Channel(f'key_blocks["{bpy.utils.escape_identifier(name)}"].value', 0, "Face", values, _kept(curves, name))
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
        kept = _kept(curves, name)
        channels += [Channel(base + path, index, name, columns[:, index], kept) for index in free]
    for name, offsets in curves.bone_locations.items():
        base = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
        kept = _kept(curves, name)
        channels += [Channel(base + "location", index, name, offsets[:, index], kept) for index in range(3)]
    for name, sizes in curves.bone_scales.items():
        base = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
        kept = _kept(curves, name)
        channels += [Channel(base + "scale", index, name, sizes[:, index], kept) for index in range(3)]
    return channels


def _kept(curves: Curves, name: str) -> IntArray | None:
    """The frames on which a control holds a contact."""
    return curves.kept_frames.get(name)


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
