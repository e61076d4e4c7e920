# SPDX-License-Identifier: GPL-3.0-or-later
"""The bake from end to end: take, rig and settings in; Actions and a sentence out."""

from __future__ import annotations

import bpy

from ..core.curves import Curves, RetargetResult
from ..core.retarget import retarget
from . import action_writer, bake_choice, bake_writer, character, properties, retarget_settings, takes


def bake_chosen(scene: bpy.types.Scene) -> str:
    """What was baked, in one sentence; the Actions are assigned, or stand in the NLA.

    Raises UserError or ValueError with a sentence where take, character or settings cannot be used.
    """
    own, take = properties.of(scene), takes.require_chosen(scene)
    parts, scan = character.parts_of(scene), character.scan_of(scene)
    bake_choice.require_reachable(parts)
    settings = retarget_settings.settings_of(own.retarget, scene)
    result = retarget(takes.tracks_of(take), scan.rig, settings)
    curves = bake_choice.chosen_curves(result.curves, scan.rig, own)
    provenance = action_writer.Provenance(
        take=take.filepath,
        take_sha256=take.sha256,
        settings=retarget_settings.settings_json(settings),
        rig_map=scan.rig_map,
    )
    before = own.baked.split(", ") if own.baked else []
    baked = bake_writer.write_bake(
        curves,
        meshes=parts.meshes,
        armature=parts.armature,
        provenance=provenance,
        name=take.name,
        placing=bake_choice.placing_of(own.bake),
    )
    _remember(scene, result, curves, baked)
    if own.bake.replace and not own.bake.selected_only:
        action_writer.remove_actions([name for name in before if name not in baked.actions])
    return f"Baked {baked.curves} curves over frames {own.baked_first} to {own.baked_last}."


def _remember(scene: bpy.types.Scene, result: RetargetResult, curves: Curves, baked: bake_writer.Baked) -> None:
    """Nothing; the panel shows what came of it."""
    own = properties.of(scene)
    own.baked_first, own.baked_last = int(curves.frames[0]), int(curves.frames[-1])
    own.baked = ", ".join(baked.actions)
    own.retarget.neutral_reason = result.report.neutral_reason
    if own.retarget.auto_neutral:
        own.retarget.neutral_frame = result.report.neutral_frame
    own.notes = "\n".join(note.message for note in result.notes)
