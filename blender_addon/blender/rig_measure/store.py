# SPDX-License-Identifier: GPL-3.0-or-later
"""The measure as it is kept with the character, and whether the character is still the one that was measured."""

from __future__ import annotations

import hashlib
import json
from typing import Literal, TypeAlias

import bpy

from fomm_engine.wire.strict_json import parse_json

from ...core.rig_basis import RigBasis, basis_from_plain, basis_to_plain
from . import keeping
from .family import Family

PROPERTY = "understudy_basis"
State: TypeAlias = Literal["", "measured", "stale"]


def keep(family: Family, basis: RigBasis) -> None:
    """Nothing; the measure is kept with the character and saved with the file."""
    keeping.put(family.main, PROPERTY, json.dumps(basis_to_plain(basis), ensure_ascii=True, allow_nan=False))


def kept(main: bpy.types.Object) -> RigBasis | None:
    """The measure that is kept with a character's main object; None where there is none that can be read."""
    text = keeping.get(main, PROPERTY)
    if not text:
        return None
    try:
        return basis_from_plain(parse_json(text))
    except ValueError:
        return None


def forget(main: bpy.types.Object) -> None:
    """Nothing; the character is as if it had not been measured."""
    keeping.drop(main, PROPERTY)


def state(basis: RigBasis | None, family: Family) -> State:
    """Whether there is a measure, and whether mesh and rig are still those that were measured."""
    if basis is None:
        return ""
    return "measured" if basis.signature == signature(family) else "stale"


def signature(family: Family) -> str:
    """A hash of what the measure depends on: the faces of the meshes, the keys, the bones and how they hang together.

    Names of objects do not count: an appended or copied character gets new ones. Where it stands does not count either.
    """
    parts: list[object] = []
    for mesh in family.meshes:
        keys = mesh.data.shape_keys
        names = [block.name for block in keys.key_blocks] if keys is not None else []
        if not names and not mesh.vertex_groups:
            continue  # a prop
        modifiers = [modifier.type for modifier in mesh.modifiers]
        parts.append((len(mesh.data.vertices), len(mesh.data.polygons), names, modifiers))
    parts.sort(key=repr)
    if family.armature is not None:
        bones = family.armature.data.bones
        parts.append([(bone.name, bone.parent.name if bone.parent else "") for bone in bones])
        parts.append([sorted(c.type for c in bone.constraints) for bone in family.armature.pose.bones])
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
