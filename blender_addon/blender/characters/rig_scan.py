# SPDX-License-Identifier: GPL-3.0-or-later
"""From a character's objects to the rig description that the retargeting takes, and what it cannot use and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import bpy
import numpy as np

from ...core import rig_map
from ...core.rig import ARMATURE_FROM_HEAD, BoneControl, BoneRole, Rig
from .. import paths
from . import bone_roles, presets
from .bone_roles import BonePlace

_DRIVEN_KEY = re.compile(r'key_blocks\["(.+)"\]\.(?:value|mute)$')
_DRIVEN_BONE = re.compile(r'pose\.bones\["(.+)"\]\.rotation')
# Constraints that decide the bone's rotation themselves, so that keys on it would not be seen.
_TURNING_CONSTRAINTS = {"COPY_ROTATION", "COPY_TRANSFORMS", "DAMPED_TRACK", "TRACK_TO", "LOCKED_TRACK", "IK"}


@dataclass(frozen=True)
class Parts:
    """The objects of a character: the meshes with its face's shape keys, and its armature if it has one."""

    meshes: tuple[bpy.types.Object, ...]
    armature: bpy.types.Object | None


@dataclass(frozen=True)
class Choice:
    """What the user decided: the rig map's name ("" for the best match), rows of channels in place of the map's
    {channel: ((control, weight), ...)}, and bones in place of the recognised ones {role: bone}."""

    rig_map: str = ""
    overrides: Mapping[str, rig_map.Rows] = field(default_factory=dict)
    bones: Mapping[str, str] = field(default_factory=dict)


AUTOMATIC = Choice()


@dataclass(frozen=True)
class Scan:
    """What was recognised: the rig, the rig map's name, how many ARKit channels have a control, and remarks.

    match and convention: of the shapes, None where no map fits. maps: those that fit and the channels each finds, best
    first. names: the shape keys that may be driven.
    """

    rig: Rig
    rig_map: str
    matched: int
    remarks: tuple[str, ...]
    match: rig_map.ShapeMatch | None = None
    convention: rig_map.Convention | None = None
    maps: tuple[tuple[rig_map.Convention, int], ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyLimits:
    """A shape key that may be written, with its slider's range."""

    name: str
    minimum: float
    maximum: float


@dataclass(frozen=True)
class _Bones:
    """The driven bones, the way the character faces, and remarks."""

    controls: tuple[BoneControl, ...]
    armature_from_head: np.ndarray
    remarks: tuple[str, ...]


@cache
def conventions() -> tuple[rig_map.Convention, ...]:
    """The rig maps that come with the extension; read once."""
    texts = (path.read_text(encoding="utf-8") for path in paths.convention_files())
    return tuple(rig_map.parse_convention(json.loads(text)) for text in texts)


def scan(parts: Parts, choice: Choice = AUTOMATIC) -> Scan:
    """What is recognised in a character's objects, and what the user decided about it; an empty rig where there is
    nothing to drive."""
    keys, taken = free_keys(parts.meshes)
    names = [limits.name for limits in keys]
    bone_names = [bone.name for bone in parts.armature.data.bones] if parts.armature is not None else []
    ranked = rig_map.rank_conventions((*presets.own_maps(), *conventions()), shapes=names)
    maps = tuple((convention, round(share * len(convention.targets))) for convention, share in ranked)
    convention = _convention(choice, [convention for convention, _ in ranked])
    bones = _scan_bones(parts.armature, _mapped_bones(bone_names, convention), choice.bones)
    rig = Rig((), bones.controls, bones.armature_from_head)
    if convention is None:
        return Scan(rig, "none", 0, bones.remarks, maps=maps, names=tuple(names))
    limits = {key.name: (key.minimum, key.maximum) for key in keys}
    match = rig_map.match_shapes(convention, names, limits=limits, overrides=choice.overrides)
    matched = len(match.report.matched)
    return Scan(
        replace(rig, shapes=match.controls),
        convention.name if matched else "none",
        matched,
        (*_shape_remarks(match.report, convention, taken), *bones.remarks),
        match,
        convention,
        maps,
        tuple(names),
    )


def _convention(choice: Choice, ranked: list[rig_map.Convention]) -> rig_map.Convention | None:
    """The map that the user chose, else the best; ARKit's own for rows that the user made where no map fits."""
    everywhere = (*presets.own_maps(), *conventions())
    chosen = next((own for own in everywhere if own.name == choice.rig_map), None)
    if chosen is None and not ranked and any(choice.overrides.values()):
        return next((own for own in everywhere if own.name == "arkit"), None)
    return chosen or next(iter(ranked), None)


def has_shape_keys(thing: bpy.types.Object) -> bool:
    """Whether the object is a mesh with at least one key beside its basis."""
    return thing.type == "MESH" and thing.data.shape_keys is not None and len(thing.data.shape_keys.key_blocks) > 1


def free_keys(meshes: Iterable[bpy.types.Object]) -> tuple[list[KeyLimits], list[str]]:
    """The shape keys that can be written, each once with the range that suits all meshes, and those that cannot be on
    any mesh."""
    found: dict[str, KeyLimits] = {}
    others: dict[str, None] = {}
    for mesh in meshes:
        free = free_blocks(mesh)
        for block in mesh.data.shape_keys.key_blocks:
            if block.name in free:
                own = KeyLimits(block.name, block.slider_min, block.slider_max)
                found[block.name] = _narrower(found[block.name], own) if block.name in found else own
            elif block != mesh.data.shape_keys.reference_key:
                others[block.name] = None
    return list(found.values()), [name for name in others if name not in found]


def free_blocks(mesh: bpy.types.Object) -> set[str]:
    """The names of the mesh's shape keys that may be written: neither the basis, nor muted, nor set by a driver."""
    keys = mesh.data.shape_keys
    driven = driven_names(keys, _DRIVEN_KEY)
    blocks = [block for block in keys.key_blocks if block != keys.reference_key and not block.mute]
    return {block.name for block in blocks if block.name not in driven}


def driven_names(owner: bpy.types.ID, pattern: re.Pattern[str]) -> set[str]:
    """The names in the data paths of the owner's drivers that the pattern finds."""
    data = owner.animation_data
    if data is None:
        return set()
    found = (pattern.search(driver.data_path) for driver in data.drivers)
    return {match.group(1) for match in found if match is not None}


def _narrower(first: KeyLimits, second: KeyLimits) -> KeyLimits:
    low, high = max(first.minimum, second.minimum), min(first.maximum, second.maximum)
    return replace(first, minimum=low, maximum=max(low, high))


def _mapped_bones(names: list[str], chosen: rig_map.Convention | None) -> dict[str, BoneRole]:
    """The roles under the rig map that knows most of these bones, its head among them; faces and bodies mix freely,
    so this map need not be the one that fits the shape keys, but a map of the user's own comes first."""
    own = rig_map.match_bones(chosen, names) if chosen is not None and chosen.status == "user" else {}
    if own:
        return own
    matches = [rig_map.match_bones(convention, names) for convention in conventions()] if names else []
    return max((match for match in matches if "head" in match.values()), key=len, default={})


def _shape_remarks(report: rig_map.MatchReport, convention: rig_map.Convention, taken: list[str]) -> list[str]:
    mapped = {target for rows in convention.targets.values() for target, _ in rows}
    own = [name for name in taken if name in mapped]
    remarks = [f"Not written, because they are muted or a driver sets them: {', '.join(own)}."] if own else []
    if report.matched and report.unsure:
        remarks.append(f"The rig map {report.convention} is {report.status}: look at the result.")
    return remarks


def _scan_bones(armature: bpy.types.Object | None, by_map: dict[str, BoneRole], chosen: Mapping[str, str]) -> _Bones:
    if armature is None:
        return _Bones((), ARMATURE_FROM_HEAD, ())
    places = {bone.name: _place(bone) for bone in armature.data.bones}
    parents = {name: place.parent for name, place in places.items()}
    by_words = bone_roles.roles_by_words(list(places.values()))
    # The map's names first; words fill in the roles that the map does not know in this rig.
    known = set(by_map.values())
    roles: dict[str, BoneRole] = {
        **by_map,
        **{name: role for name, role in by_words.items() if role not in known and name not in by_map},
    }
    roles = bone_roles.in_order(bone_roles.with_choice(roles, chosen, parents), parents)
    hindered = {name: bone_hindrance(armature, name) for name in roles}
    remarks = tuple(
        f"Bones not written, because {why}: {', '.join(name for name, own in hindered.items() if own == why)}."
        for why in dict.fromkeys(filter(None, hindered.values()))
    )
    driven: dict[str, BoneRole] = {name: role for name, role in roles.items() if not hindered[name]}
    controls = tuple(
        BoneControl(
            name,
            role,
            rest_matrix(armature.data.bones[name]),
            parent=next((above for above in bone_roles.ancestors(name, parents) if above in driven), None),
            inherits_rotation=armature.data.bones[name].use_inherit_rotation,
        )
        for name, role in driven.items()
    )
    remarks = (*remarks, *_lock_remarks(armature, driven))
    return _Bones(controls, bone_roles.armature_from_head(roles, places), remarks)


def _place(bone: bpy.types.Bone) -> BonePlace:
    parent = bone.parent.name if bone.parent is not None else None
    return BonePlace(bone.name, parent, np.array(bone.head_local), np.array(bone.tail_local))


def bone_hindrance(armature: bpy.types.Object, name: str) -> str:
    """Why the rotation of a bone cannot be written, as a part of a sentence; "" where it can."""
    bone = armature.pose.bones[name]
    if all(bone.lock_rotation):
        return "their rotation is locked"
    if name in driven_names(armature, _DRIVEN_BONE):
        return "a driver turns them"
    if any(c.type in _TURNING_CONSTRAINTS and not c.mute and c.influence > 0 for c in bone.constraints):
        return "a constraint turns them"
    return ""


def is_axis_locked(bone: bpy.types.PoseBone, index: int) -> bool:
    """Whether one rotation channel of a bone is locked; only Euler angles can be locked one by one."""
    return bone.rotation_mode not in ("QUATERNION", "AXIS_ANGLE") and bool(bone.lock_rotation[index])


def _lock_remarks(armature: bpy.types.Object, names: Iterable[str]) -> list[str]:
    """What is to be said about bones with some of their rotation locked."""
    partly = [armature.pose.bones[name] for name in names if any(armature.pose.bones[name].lock_rotation)]
    held = [bone.name for bone in partly if bone.rotation_mode not in ("QUATERNION", "AXIS_ANGLE")]
    turned = [bone.name for bone in partly if bone.name not in held]
    remarks = [f"Turned about their free axes only, the others are locked: {', '.join(held)}."] if held else []
    if turned:
        why = "quaternions have no single axes"
        remarks.append(f"Turned about locked axes too, because {why}: {', '.join(turned)}.")
    return remarks


def rest_matrix(bone: bpy.types.Bone) -> np.ndarray:
    """(3, 3): the rotation from the bone to the armature at rest."""
    return np.array(bone.matrix_local.to_3x3(), np.float64)
