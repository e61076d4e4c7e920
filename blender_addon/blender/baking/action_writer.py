# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels become an Action, played at once or as an NLA strip; whole curves are written in one go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ...core.array_types import FloatArray, IntArray
from ...core.key_reduction import ReducedKeys
from .. import compat, paths

CREATED_BY = "understudy"
WRITTEN = "understudy_written"
_ROTATION_PATHS = ("rotation_quaternion", "rotation_euler", "rotation_axis_angle")
_LINEAR, _BEZIER = (
    bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items[name].value for name in ("LINEAR", "BEZIER")
)
_FREE = bpy.types.Keyframe.bl_rna.properties["handle_left_type"].enum_items["FREE"].value


@dataclass(frozen=True)
class Provenance:
    """Where a bake came from: the take's path and SHA-256, the settings as JSON, the rig map's name, and the second
    take of a splice with what it leads and how keys were reduced, both as JSON."""

    take: str
    take_sha256: str
    settings: str
    rig_map: str
    splice: str = ""
    reduction: str = ""


@dataclass(frozen=True)
class Channel:
    """One curve to write: where, in which group, its values (N,) at the bake's frames. kept: scene frames on which the
    value holds a contact; keys: those that are written where they were reduced, one on every frame where None."""

    data_path: str
    index: int
    group: str
    values: FloatArray
    kept: IntArray | None = None
    keys: ReducedKeys | None = None


@dataclass(frozen=True)
class Placing:
    """How an Action is put in place. nla: on a track of its own instead of being played; keep_rest: what the last bake
    wrote beside these channels stays; one_action: all data-blocks play slots of one Action (from Blender 4.4 on),
    into: its name, once there is one; blend_in, blend_out: frames over which a strip comes and goes."""

    nla: bool = False
    keep_rest: bool = False
    one_action: bool = False
    into: str = ""
    blend_in: float = 0.0
    blend_out: float = 0.0


@dataclass(frozen=True)
class Written:
    """One Action: its name, how many curves and keys were written, whether others may get slots in it."""

    action: str
    curves: int
    keys: int
    can_be_shared: bool = False


def write_action(
    owner: bpy.types.ID,
    channels: Sequence[Channel],
    frames: IntArray,
    *,
    provenance: Provenance,
    name: str,
    placing: Placing,
) -> Written:
    """What was written into a new Action for `owner`; the Action that was there is kept with a fake user.

    Played: curves of the old Action which are not written now (a walk, a hand) go on in the new one. As a strip: the
    Action holds what is written alone, and a bake that was played before is taken off. Where one Action is
    wanted, `owner` gets a slot in it, unless something of its old Action goes on. Raises ValueError where the owner's
    animation cannot be changed.
    """
    require_changeable(owner)
    _keep_old(owner)
    written = {channel.data_path for channel in channels}
    target, before = _copied(owner, name, written, placing)
    is_own = target is not None
    if target is None:
        shared = bpy.data.actions.get(placing.into) if placing.into else None
        target = compat.add_slot(shared, owner) if shared is not None else compat.new_action(owner, name)
    for channel in channels:
        _write_channel(target, channel, frames)
    left = {curve.data_path for curve in target.curves}
    _sign(target.action, written | (before & left), provenance, add=not is_own)
    if placing.nla:
        _put_on_track(owner, target, frames, placing)
    else:
        compat.assign_action(owner, target)
    keys = sum(_key_count(channel, frames) for channel in channels)
    return Written(target.action.name, len(channels), keys, can_be_shared=placing.one_action and not is_own)


def _copied(
    owner: bpy.types.ID, name: str, written: set[str], placing: Placing
) -> tuple[compat.ActionChannels | None, set[str]]:
    """A copy of what the owner plays without what is written now, and what bakes wrote into it before; None where there
    is nothing to go on with."""
    target = None if placing.nla else compat.copy_assigned_action(owner, name)
    if target is None:
        return None, set()
    before = set(json.loads(target.action.get(WRITTEN, "[]")))
    _remove_stale(target, written | (set() if placing.keep_rest else before))
    if placing.one_action and not target.curves:
        bpy.data.actions.remove(target.action)
        return None, set()
    return target, before


def write_curve(curve: bpy.types.FCurve, frames: IntArray, values: FloatArray) -> None:
    """Nothing; the empty curve holds a linear key at each frame. frames, values: (N,)."""
    count = len(frames)
    points = np.empty((count, 2), np.float32)
    points[:, 0], points[:, 1] = frames, values
    curve.keyframe_points.add(count)
    curve.keyframe_points.foreach_set("co", points.ravel())
    curve.keyframe_points.foreach_set("interpolation", np.full(count, _LINEAR, np.int32))
    curve.update()


def remove_actions(names: Sequence[str]) -> None:
    """Nothing; the Actions of an earlier bake are gone, but for those that something still uses."""
    for name in names:
        action = bpy.data.actions.get(name)
        if action is not None and action.get("created_by") == CREATED_BY and action.users - action.use_fake_user <= 0:
            bpy.data.actions.remove(action)


def _write_channel(target: compat.ActionChannels, channel: Channel, frames: IntArray) -> None:
    curve = target.new_curve(channel.data_path, channel.index, channel.group)
    if channel.keys is None:
        write_curve(curve, frames, channel.values)
        return
    write_curve(curve, channel.keys.frames, channel.keys.values[:, 0])
    if channel.keys.slopes is not None:
        _bend(curve, channel.keys.frames, channel.keys.values[:, 0], channel.keys.slopes[:, 0])


def _bend(curve: bpy.types.FCurve, frames: IntArray, values: FloatArray, slopes: FloatArray) -> None:
    """Nothing; the keys are Bezier, their handles a third of the way to their neighbours, on the slopes."""
    span = np.diff(frames).astype(np.float64)
    before = np.concatenate([span[:1], span]) / 3.0 if len(span) else np.ones(1)
    after = np.concatenate([span, span[-1:]]) / 3.0 if len(span) else np.ones(1)
    for side, step in (("left", -before), ("right", after)):
        handles = np.stack([frames + step, values + slopes * step], 1).astype(np.float32)
        curve.keyframe_points.foreach_set(f"handle_{side}_type", np.full(len(frames), _FREE, np.int32))
        curve.keyframe_points.foreach_set(f"handle_{side}", handles.ravel())
    curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), _BEZIER, np.int32))
    curve.update()


def _key_count(channel: Channel, frames: IntArray) -> int:
    return len(frames) if channel.keys is None else len(channel.keys.frames)


def require_changeable(owner: bpy.types.ID) -> None:
    """Raise ValueError, in one sentence, where the owner's animation cannot be changed."""
    data = owner.animation_data
    if owner.library is not None:
        raise ValueError(f"{owner.name} is linked from another file; make a library override of it first.")
    if data is not None and data.use_tweak_mode:
        raise ValueError(f"{owner.name} is in NLA tweak mode; leave it (Tab in the NLA editor) and bake again.")


def _keep_old(owner: bpy.types.ID) -> None:
    data = owner.animation_data
    if data is not None and data.action is not None:
        data.action.use_fake_user = True


def _remove_stale(target: compat.ActionChannels, stale: set[str]) -> None:
    """These curves go; every way to rotate a bone counts as one."""
    gone = set(stale)
    for path in stale:
        base, _, last = path.rpartition(".")
        if last in _ROTATION_PATHS:
            gone.update(f"{base}.{other}" for other in _ROTATION_PATHS)
    for curve in [curve for curve in target.curves if curve.data_path in gone]:
        target.curves.remove(curve)


def _put_on_track(owner: bpy.types.ID, target: compat.ActionChannels, frames: IntArray, placing: Placing) -> None:
    """Nothing; the Action is a strip on a new track, and no bake is played above it."""
    data = owner.animation_data_create()
    if data.action is not None and data.action.get("created_by") == CREATED_BY:
        data.action = None
    track = data.nla_tracks.new()
    track.name = target.action.name
    strip = track.strips.new(target.action.name, int(frames[0]), target.action)
    compat.set_strip_slot(strip, target)
    strip.blend_type = "REPLACE"
    strip.extrapolation = "NOTHING" if placing.blend_in or placing.blend_out else "HOLD"
    strip.blend_in, strip.blend_out = placing.blend_in, placing.blend_out


def _sign(action: bpy.types.Action, written: set[str], provenance: Provenance, *, add: bool) -> None:
    action["created_by"] = CREATED_BY
    action["understudy_take"] = provenance.take
    action["understudy_take_absolute"] = bpy.path.abspath(provenance.take)  # for a file it is appended to
    action["understudy_take_sha256"] = provenance.take_sha256
    action["understudy_settings"] = provenance.settings
    action["understudy_rig_map"] = provenance.rig_map
    action["understudy_version"] = paths.version()
    action["understudy_blender"] = bpy.app.version_string
    if provenance.splice:
        action["understudy_splice"] = provenance.splice
    if provenance.reduction:
        action["understudy_reduction"] = provenance.reduction
    known = set(json.loads(action.get(WRITTEN, "[]"))) if add else set()
    action[WRITTEN] = json.dumps(sorted(written | known))
