# SPDX-License-Identifier: GPL-3.0-or-later
"""What stood before a preview: values and muted curves, kept in the file's own data beside the character.

A preview changes data without keys and without undo steps. An undo step or an automatic save in the middle of it holds
what was shown; because the record travels with it, whoever meets such a state can put back what stood before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import bpy

from .. import compat
from ..properties import UnderstudyPerformer
from ..rig_measure import address

Place: TypeAlias = tuple[bpy.types.Object, str]  # an object and which of its data-blocks: "object", "data", "keys"


def owner_of(place: Place) -> bpy.types.ID | None:
    """The data-block at a place, None where the object has no such block (any more)."""
    thing, kind = place
    if kind == "object":
        return thing
    data = thing.data
    return data if kind == "data" or data is None else getattr(data, "shape_keys", None)


def take_down(performer: UnderstudyPerformer, paths: Mapping[Place, Sequence[str]]) -> None:
    """Nothing; the values at these paths are recorded with the character, and the curves that play them are muted.

    Raises ValueError, before anything is changed, where such a curve cannot be muted.
    """
    entries = [(place, _values(place, own), _playing(place, set(own))) for place, own in paths.items()]
    for place, values, curves in entries:
        entry = performer.stood.add()
        entry.object, entry.kind = place
        entry.values = json.dumps(values, allow_nan=False)
        for action, muted in curves.items():
            silenced = performer.stood.add()
            silenced.action = action
            silenced.values = json.dumps([[curve.data_path, curve.array_index] for curve in muted])
            for curve in muted:
                curve.mute = True


def put_back(performer: UnderstudyPerformer) -> None:
    """Nothing; what the record says stands again. The record stays: see `forget`."""
    for entry in performer.stood:
        rows = json.loads(entry.values)
        if entry.action is not None:
            muted = {(path, index) for path, index in rows}
            for curve in compat.all_curves(entry.action):
                if (curve.data_path, curve.array_index) in muted:
                    curve.mute = False
        elif entry.object is not None:
            owner = owner_of((entry.object, entry.kind))
            for path, value in rows if owner is not None else ():
                set_value(owner, path, value)


def forget(performer: UnderstudyPerformer) -> None:
    """Nothing; there is no record any more."""
    performer.stood.clear()


def set_value(owner: bpy.types.ID, path: str, value: Any) -> None:
    """Nothing; the property has the value. One that has gone since is left alone."""
    try:
        address.write(owner, path, value)
    except (ValueError, KeyError, AttributeError):
        return


def plain(value: Any) -> Any:
    """A property's value as JSON holds it."""
    return value if isinstance(value, bool | int | float | str) else list(value)


def _values(place: Place, paths: Iterable[str]) -> list[tuple[str, Any]]:
    owner = owner_of(place)
    return [(path, plain(address.read(owner, path))) for path in paths] if owner is not None else []


def _playing(place: Place, paths: set[str]) -> dict[bpy.types.Action, list[bpy.types.FCurve]]:
    """The unmuted curves that set any of these paths, by Action: what the owner plays, and the strips of its NLA."""
    owner = owner_of(place)
    data = owner.animation_data if owner is not None else None
    if owner is None or data is None:
        return {}
    sources = [(data.action, compat.assigned_curves(owner))]
    sources += [(strip.action, compat.strip_curves(strip)) for track in data.nla_tracks for strip in track.strips]
    found: dict[bpy.types.Action, list[bpy.types.FCurve]] = {}
    for action, curves in sources:
        own = [curve for curve in curves if curve.data_path in paths and not curve.mute]
        if own and action.library is not None:
            raise ValueError(f"{owner.name} plays the linked Action {action.name}; make it local to preview.")
        if own and action not in found:
            found[action] = own
    return found
