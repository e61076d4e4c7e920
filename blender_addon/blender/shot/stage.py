# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection that holds all that a shot adds to a scene, and whose hand was last on each object in it."""

from __future__ import annotations

import json
from typing import Any

import bpy

from .. import properties

NAME = "Understudy Shot"
ROLE, SET = "understudy_role", "understudy_set"
_OLD_NAMES = {"Understudy Camera": "camera", "Understudy Key": "key"}  # what versions before put into the scene itself


def collection_of(scene: bpy.types.Scene) -> bpy.types.Collection | None:
    """The scene's shot, None where it has none (any more)."""
    found = properties.of(scene).render.shot
    return found if found is not None and found.name in scene.collection.children else None


def ensure_collection(scene: bpy.types.Scene) -> bpy.types.Collection:
    """The scene's shot; a new one takes up what versions before have left in the scene."""
    found = collection_of(scene)
    if found is not None:
        return found
    made = bpy.data.collections.new(NAME)
    scene.collection.children.link(made)
    properties.of(scene).render.shot = made
    for thing in list(scene.collection.objects):
        role = _OLD_NAMES.get(thing.name.split(".")[0])
        if role is not None and object_of(scene, role) is None:
            thing[ROLE] = role
            thing[SET] = state_of(thing)
            made.objects.link(thing)
            scene.collection.objects.unlink(thing)
    return made


def object_of(scene: bpy.types.Scene, role: str) -> bpy.types.Object | None:
    """The shot's object in this role."""
    collection = collection_of(scene)
    return next((thing for thing in collection.objects if thing.get(ROLE) == role), None) if collection else None


def is_ours(scene: bpy.types.Scene, thing: bpy.types.Object) -> bool:
    """Whether an object belongs to the scene's shot, or was made for one by a version before."""
    collection = collection_of(scene)
    inside = collection is not None and thing.name in collection.objects
    return inside or thing.name.split(".")[0] in _OLD_NAMES


def ensure_object(scene: bpy.types.Scene, role: str, name: str, data: Any) -> bpy.types.Object:
    """The shot's object in this role; a new one, with this data, where there is none."""
    found = object_of(scene, role)
    if found is not None:
        if data.users == 0:
            bpy.data.batch_remove([data])
        return found
    made = bpy.data.objects.new(name, data)
    made[ROLE] = role
    ensure_collection(scene).objects.link(made)
    return made


def sign(thing: bpy.types.Object) -> None:
    """Nothing; what the object is now was set by the shot, not by the user."""
    thing[SET] = state_of(thing)


def is_edited(thing: bpy.types.Object) -> bool:
    """Whether the user has changed the object since the shot set it."""
    return SET in thing and thing[SET] != state_of(thing)


def state_of(thing: bpy.types.Object) -> str:
    """What the shot sets of an object, as a text to compare; constraints and keys count as the user's hand."""
    data = thing.data
    names = ("lens", "sensor_width") if thing.type == "CAMERA" else ("energy", "size", "color")
    facts: list[Any] = [[round(value, 5) for value in row] for row in thing.matrix_basis]
    for name in names:
        value = getattr(data, name, None)
        if name == "color" and value is not None:
            facts.append([round(part, 5) for part in value])
        else:
            facts.append(round(float(value or 0.0), 4))
    facts += [len(thing.constraints), thing.parent is not None, thing.animation_data is not None]
    return json.dumps(facts)


def remove(scene: bpy.types.Scene) -> int:
    """How many objects are gone with the scene's shot."""
    collection = collection_of(scene)
    if collection is None:
        return 0
    own = [thing for thing in collection.objects if ROLE in thing]
    others = [thing for thing in collection.objects if ROLE not in thing]
    for thing in others:  # what the user put there stays in the scene
        if thing.name not in scene.collection.objects:
            scene.collection.objects.link(thing)
    datas = [thing.data for thing in own]
    bpy.data.batch_remove(own)
    bpy.data.batch_remove([data for data in dict.fromkeys(datas) if data.users == 0])
    bpy.data.collections.remove(collection)
    return len(own)
