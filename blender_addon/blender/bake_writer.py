# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves become an Action: whole curves are written at once, and the Action says where it came from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np

from ..core.array_types import FloatArray, IntArray
from ..core.curves import Curves
from ..core.rotation import continuous_axis_angle, continuous_euler
from . import compat, rig_scan

CREATED_BY = "understudy"
WRITTEN = "understudy_written"
_ROTATION_PATHS = ("rotation_quaternion", "rotation_euler", "rotation_axis_angle")
_LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value


@dataclass(frozen=True)
class Provenance:
    """Where a bake came from: the take's path and SHA-256, the settings as JSON, the rig map's name."""

    take: str
    take_sha256: str
    settings: str
    rig_map: str


@dataclass(frozen=True)
class Channel:
    """One curve to write: where, in which group, and its values (N,) at the bake's frames."""

    data_path: str
    index: int
    group: str
    values: FloatArray


@dataclass(frozen=True)
class Baked:
    """What a bake wrote."""

    actions: tuple[str, ...]
    curves: int
    keys: int


def write_bake(
    curves: Curves,
    *,
    meshes: Iterable[bpy.types.Object],
    armature: bpy.types.Object | None,
    provenance: Provenance,
    name: str,
) -> Baked:
    """What was written: a new Action on each mesh's shape keys and one on the armature.

    The Action that was there before is kept with a fake user. Curves of it which the bake does not write (a walk, a
    hand) go on in the new one. Raises ValueError where an owner's animation cannot be changed.
    """
    written: list[tuple[compat.ActionChannels, int]] = []
    for mesh in meshes:
        channels = shape_channels(mesh, curves)
        if channels:
            written.append(_write(mesh.data.shape_keys, channels, curves.frames, provenance, f"{name} {mesh.name}"))
    if armature is not None:
        channels = bone_channels(armature, curves)
        if channels:
            written.append(_write(armature, channels, curves.frames, provenance, f"{name} {armature.name}"))
    count = sum(number for _, number in written)
    return Baked(tuple(channel.action.name for channel, _ in written), count, count * len(curves.frames))


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
        channels += [Channel(base + path, index, name, columns[:, index]) for index in range(columns.shape[1])]
    for name, offsets in curves.bone_locations.items():
        base = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
        channels += [Channel(base + "location", index, name, offsets[:, index]) for index in range(3)]
    return channels


def rotation_keys(quaternions: FloatArray, mode: str) -> tuple[str, FloatArray]:
    """The property and its columns for (N, 4) quaternions wxyz in a bone's rotation mode, without jumps."""
    if mode == "QUATERNION":
        return "rotation_quaternion", quaternions
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", continuous_axis_angle(quaternions)
    return "rotation_euler", continuous_euler(quaternions, mode)


def _write(
    owner: bpy.types.ID, channels: list[Channel], frames: IntArray, provenance: Provenance, name: str
) -> tuple[compat.ActionChannels, int]:
    _require_changeable(owner)
    _keep_old(owner)
    target = compat.copy_assigned_action(owner, name)
    if target is None:
        target = compat.new_action(owner, name)
    _remove_stale(target, channels)
    for channel in channels:
        write_curve(target.new_curve(channel.data_path, channel.index, channel.group), frames, channel.values)
    _sign(target.action, channels, provenance)
    compat.assign_action(owner, target)
    return target, len(channels)


def write_curve(curve: bpy.types.FCurve, frames: IntArray, values: FloatArray) -> None:
    """Nothing; the empty curve holds a linear key at each frame. frames, values: (N,)."""
    count = len(frames)
    points = np.empty((count, 2), np.float32)
    points[:, 0], points[:, 1] = frames, values
    curve.keyframe_points.add(count)
    curve.keyframe_points.foreach_set("co", points.ravel())
    curve.keyframe_points.foreach_set("interpolation", np.full(count, _LINEAR, np.int32))
    curve.update()


def _require_changeable(owner: bpy.types.ID) -> None:
    data = owner.animation_data
    if owner.library is not None:
        raise ValueError(f"{owner.name} is linked from another file; make a library override of it first.")
    if data is not None and data.use_tweak_mode:
        raise ValueError(f"{owner.name} is in NLA tweak mode; leave it (Tab in the NLA editor) and bake again.")


def _keep_old(owner: bpy.types.ID) -> None:
    data = owner.animation_data
    if data is not None and data.action is not None:
        data.action.use_fake_user = True


def _remove_stale(target: compat.ActionChannels, channels: list[Channel]) -> None:
    """What the last bake wrote, and what is written now, goes; every way to rotate a driven bone counts as one."""
    gone = set(json.loads(target.action.get(WRITTEN, "[]")))
    for channel in channels:
        base, _, last = channel.data_path.rpartition(".")
        gone.add(channel.data_path)
        if last in _ROTATION_PATHS:
            gone.update(f"{base}.{path}" for path in _ROTATION_PATHS)
    for curve in [curve for curve in target.curves if curve.data_path in gone]:
        target.curves.remove(curve)


def _sign(action: bpy.types.Action, channels: list[Channel], provenance: Provenance) -> None:
    action["created_by"] = CREATED_BY
    action["understudy_take"] = provenance.take
    action["understudy_take_sha256"] = provenance.take_sha256
    action["understudy_settings"] = provenance.settings
    action["understudy_rig_map"] = provenance.rig_map
    action[WRITTEN] = json.dumps(sorted({channel.data_path for channel in channels}))
