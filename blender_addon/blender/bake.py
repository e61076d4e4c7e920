# SPDX-License-Identifier: GPL-3.0-or-later
"""The bake from end to end: take, rig and settings in; Actions and a sentence out."""

from __future__ import annotations

import bpy

from fomm_engine.wire.errors import UserError

from ..core.retarget import retarget
from . import bake_writer, character, properties, retarget_settings, rig_scan, takes


def bake_chosen(scene: bpy.types.Scene) -> str:
    """What was baked, in one sentence; the Actions are assigned.

    Raises UserError or ValueError with a sentence where take, character or settings cannot be used.
    """
    own = properties.of(scene)
    take = properties.chosen_take(scene)
    if take is None:
        raise UserError("no-take", "There is no take to bake.", "Capture a performance, or import a take.")
    parts = character.parts_of(scene)
    scan = rig_scan.scan(parts)
    settings = retarget_settings.settings_of(own.retarget, scene)
    result = retarget(takes.tracks_of(take), scan.rig, settings)
    baked = bake_writer.write_bake(
        result.curves,
        meshes=parts.meshes,
        armature=parts.armature,
        provenance=bake_writer.Provenance(
            take=take.filepath,
            take_sha256=take.sha256,
            settings=retarget_settings.settings_json(settings),
            rig_map=scan.rig_map,
        ),
        name=take.name,
    )
    frames = result.curves.frames
    own.baked_first, own.baked_last = int(frames[0]), int(frames[-1])
    own.baked = ", ".join(baked.actions)
    if own.retarget.auto_neutral:
        own.retarget.neutral_frame = result.report.neutral_frame
    own.notes = "\n".join(note.message for note in result.notes)
    return f"Baked {baked.curves} curves over frames {own.baked_first} to {own.baked_last}."
