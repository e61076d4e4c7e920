# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a bake is written and where: only the chosen channels, played or as a strip, on objects that can take it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import bpy

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import ARKIT_CHANNELS

from ...core.curves import Curves
from ...core.regions import region_of
from ...core.rig import BoneControl, Rig
from .. import compat
from ..characters.rig_scan import Parts
from ..properties import UnderstudyBake, UnderstudyScene
from .action_writer import Placing

_JAW = ("jawOpen", "jawLeft", "jawRight", "jawForward")


def placing_of(own: UnderstudyBake) -> Placing:
    """How the panel's choices place an Action."""
    one_action = own.one_action and compat.LAYERED_ACTIONS
    return Placing(nla=own.use_nla, keep_rest=own.selected_only, one_action=one_action)


def chosen_curves(curves: Curves, rig: Rig, own: UnderstudyScene) -> Curves:
    """The curves that are to be written: all, or those of the selected channels.

    Raises UserError("nothing-selected") where none is left.
    """
    if not own.bake.selected_only:
        return curves
    selected = {channel.name for channel in own.retarget.channels if channel.selected}
    shapes = driven_shapes(rig, selected)
    bones = driven_bones(rig, selected, head=own.bake.head)
    found = restricted(curves, rig, shapes=shapes, bones=bones, regions=_whole_regions(selected))
    if not (found.shape_values or found.bone_rotations or found.bone_locations or found.control_values):
        hint = "Tick channels in the channel table, or bake all."
        raise UserError("nothing-selected", "None of the selected channels drives a control.", hint)
    return found


def driven_shapes(rig: Rig, channels: Collection[str]) -> set[str]:
    """The shapes that any of these channels drives."""
    return {shape.name for shape in rig.shapes if any(channel in channels for channel, _ in shape.channels)}


def driven_bones(rig: Rig, channels: Collection[str], *, head: bool) -> set[str]:
    """The bones that these channels turn, and neck and head where they are wanted."""
    return {bone.name for bone in rig.bones if _turns(bone, channels, head=head)}


def _turns(bone: BoneControl, channels: Collection[str], *, head: bool) -> bool:
    if bone.role in ("head", "neck"):
        return head
    if bone.role == "jaw":
        return any(channel in channels for channel in _JAW)
    side = "Left" if bone.role == "eye_left" else "Right"
    return any(channel.startswith("eyeLook") and channel.endswith(side) for channel in channels)


def restricted(
    curves: Curves, rig: Rig, *, shapes: Collection[str], bones: Collection[str], regions: Collection[str]
) -> Curves:
    """The curves of these shapes and bones alone; measured controls without a channel count by their region."""
    measured = {control.target: control.region for control in rig.basis.controls} if rig.basis is not None else {}
    named = {shape.name for shape in rig.shapes}
    roles = {bone.name for bone in rig.bones}

    def wanted_shape(name: str) -> bool:
        return name in shapes if name in named else measured.get(name) in regions

    def wanted_bone(name: str) -> bool:
        return name in bones if name in roles else measured.get(name) in regions

    regions_of_controls = {c.name: c.region for c in rig.basis.controls} if rig.basis is not None else {}
    return replace(
        curves,
        shape_values={name: values for name, values in curves.shape_values.items() if wanted_shape(name)},
        bone_rotations={name: values for name, values in curves.bone_rotations.items() if wanted_bone(name)},
        bone_locations={name: values for name, values in curves.bone_locations.items() if wanted_bone(name)},
        bone_scales={name: values for name, values in curves.bone_scales.items() if wanted_bone(name)},
        control_values={
            name: values for name, values in curves.control_values.items() if regions_of_controls.get(name) in regions
        },
    )


def _whole_regions(channels: Collection[str]) -> set[str]:
    """The regions of which any channel is selected."""
    return {region_of(name) for name in ARKIT_CHANNELS if name in channels}


def require_reachable(parts: Parts) -> None:
    """Nothing, if every part can be written. Raises UserError with the sentence that says why it cannot."""
    for thing in (*parts.meshes, *((parts.armature,) if parts.armature is not None else ())):
        if thing.mode not in ("OBJECT", "POSE"):
            words = {"EDIT": "Edit Mode", "SCULPT": "Sculpt Mode"}.get(thing.mode, "another mode")
            raise UserError("wrong-mode", f"{thing.name} is in {words}.", "Go back to Object Mode (Tab), then bake.")
    for mesh in parts.meshes:
        if not mesh.data.shape_keys.use_relative:
            hint = "Tick Relative in its shape keys, then bake."
            raise UserError("absolute-keys", f"{mesh.name}'s shape keys are absolute: one follows another.", hint)


def unseen(parts: Parts, layer: bpy.types.ViewLayer) -> list[str]:
    """A sentence for what is baked but cannot be seen, because the view layer leaves it out."""
    things = (*parts.meshes, *((parts.armature,) if parts.armature is not None else ()))
    names = [thing.name for thing in things if thing.name not in layer.objects]
    return [f"Baked, but not in this view layer: {', '.join(names)}."] if names else []
