# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of characters: which entry is whose, whether it is still there, adding and taking off."""

from __future__ import annotations

import uuid

import bpy

from fomm_engine.wire.errors import UserError

from .. import properties
from ..properties import UnderstudyPerformer, UnderstudyScene
from .rig_scan import Parts

NAMELESS = "New Character"


def objects_of(scene: bpy.types.Scene, performer: UnderstudyPerformer) -> list[bpy.types.Object]:
    """The character's objects that are in the scene: its armature first. A deleted one is kept by Blender for as long
    as anything points to it, so that being there is not enough."""
    own = performer.character
    found = [thing for thing in (own.armature, *(entry.object for entry in own.meshes)) if thing is not None]
    return [thing for thing in found if _is_in(scene, thing)]


def is_alive(scene: bpy.types.Scene, performer: UnderstudyPerformer) -> bool:
    """Whether the character has an object in the scene."""
    own = performer.character
    if own.armature is not None and _is_in(scene, own.armature):
        return True
    return any(entry.object is not None and _is_in(scene, entry.object) for entry in own.meshes)


def take_of(scene: bpy.types.Scene, performer: UnderstudyPerformer) -> properties.UnderstudyTake | None:
    """The take that a character performs, None where there is none."""
    takes = properties.of(scene).takes
    if not performer.take:
        return takes[0] if takes else None
    return next((take for take in takes if take.uid == performer.take), None)


def choose_for(scene: bpy.types.Scene, parts: Parts) -> None:
    """Nothing; the chosen entry of the list is that of these objects: their own, an empty one, or a new one."""
    properties.ensure(scene)
    own = properties.of(scene)
    for index, performer in enumerate(own.performers):
        if _is_of(performer, parts):
            own.performer_index = index
            return
    if is_alive(scene, own.performer):
        add(own)


def add(own: UnderstudyScene) -> UnderstudyPerformer:
    """A new entry, chosen, with the take and the start of the one that was chosen before."""
    before = own.performer_index
    entry = own.performers.add()
    entry.uid = uuid.uuid4().hex
    properties.ensure_entries(entry.retarget)
    if 0 <= before < len(own.performers) - 1:
        entry.take = own.performers[before].take
        entry.retarget.start_frame = own.performers[before].retarget.start_frame
    own.performer_index = len(own.performers) - 1
    return entry


def remove(scene: bpy.types.Scene) -> str:
    """The name of the character that is off the list now; its objects and its Actions stay.

    Raises UserError("no-character") where the list holds nothing to take off.
    """
    own = properties.of(scene)
    performer, name = own.performer, shown_name(own.performer)
    if len(own.performers) < 2 and not (performer.character.armature or performer.character.meshes):
        raise UserError("no-character", "There is no character in the list.", "Detect one.")
    curves = performer.retarget.curves
    own.performers.remove(max(0, min(own.performer_index, len(own.performers) - 1)))
    own.performer_index = max(0, min(own.performer_index, len(own.performers) - 1))
    if curves is not None and curves.users == 0:
        bpy.data.node_groups.remove(curves)
    properties.ensure(scene)
    return name


def name_by(performer: UnderstudyPerformer, name: str) -> None:
    """Nothing; an entry without a name of its own is called by its character's."""
    if not performer.name:
        performer.name = name


def shown_name(performer: UnderstudyPerformer) -> str:
    """What the list shows."""
    return performer.name or NAMELESS


def _is_of(performer: UnderstudyPerformer, parts: Parts) -> bool:
    own = performer.character
    if parts.armature is not None or own.armature is not None:
        return own.armature == parts.armature
    return bool({entry.object for entry in own.meshes} & set(parts.meshes))


def _is_in(scene: bpy.types.Scene, thing: bpy.types.Object) -> bool:
    return thing.library is not None or scene.objects.get(thing.name) == thing
