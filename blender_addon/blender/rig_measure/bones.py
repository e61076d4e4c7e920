# SPDX-License-Identifier: GPL-3.0-or-later
"""The bones that could move the face: those an animator would take, whose motion can reach the face's skin."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from . import drivers
from .anchors import Anchors
from .controls import Candidate
from .family import Family

_LEAST_HANDLES = 5  # a rig with so many shaped bones has controls for people; the rest of its bones are machinery
_MACHINERY = ("DEF-", "ORG-", "MCH-", "VIS_", "VIS-", "WGT-")
_LEAST_WEIGHT = 0.02
_LIMITS = {"LIMIT_LOCATION": "location", "LIMIT_ROTATION": "rotation"}
_AXES = "xyz"
# Constraints that decide a channel themselves, so that keys on it would not be seen.
_DECIDING = {
    "location": {"COPY_LOCATION", "COPY_TRANSFORMS", "CHILD_OF"},
    "rotation": {"COPY_ROTATION", "COPY_TRANSFORMS", "DAMPED_TRACK", "TRACK_TO", "LOCKED_TRACK", "IK", "STRETCH_TO"},
}


def find_bones(family: Family, anchors: Anchors, objects: list[bpy.types.Object], driving: Iterable[str]) -> list[str]:
    """The names of the bones that could move the points: an animator's handles which reach the face's skin.

    driving: bones that shape keys' drivers read, which are handles in any case.
    """
    armature = family.armature
    if armature is None:
        return []
    reach = carrying_bones(family, anchors, objects)
    driving = set(driving)
    return [
        bone.name
        for bone in armature.pose.bones
        if bone.name in driving or (bone.name in reach and _is_handle(bone, armature))
    ]


def carrying_bones(family: Family, anchors: Anchors, objects: list[bpy.types.Object]) -> set[str]:
    """The names of all bones on which the points depend, machinery and the body's own among them."""
    if family.armature is None:
        return set()
    return _reaching(family.armature, _skin_bones(family.armature, anchors, objects))


def channels(bone: bpy.types.PoseBone, armature: bpy.types.Object) -> list[Candidate]:
    """The bone's places and turns that may be set, with the limits that its constraints give, else infinite ones."""
    found: list[Candidate] = []
    if _is_driven(armature, bone.name):
        return []  # what a driver sets in part is machinery
    euler = bone.rotation_mode not in ("QUATERNION", "AXIS_ANGLE")
    for channel, locks in (("location", bone.lock_location), ("rotation", bone.lock_rotation)):
        if channel == "location" and bone.bone.use_connect:
            continue
        if _decided(bone, channel):
            continue
        if channel == "rotation" and not euler and bone.lock_rotations_4d and bone.lock_rotation_w and any(locks):
            continue
        for axis in range(3):
            if not locks[axis]:
                low, high = _limits(bone, channel, axis)
                found.append(Candidate("bone", bone.name, f"{channel}{axis}", 0.0, min(low, 0.0), max(high, 0.0)))
    return found


def _is_handle(bone: bpy.types.PoseBone, armature: bpy.types.Object) -> bool:
    if bone.name.startswith(_MACHINERY):
        return False
    shaped = sum(1 for other in armature.pose.bones if other.custom_shape is not None)
    return bone.custom_shape is not None or shaped < _LEAST_HANDLES


def _skin_bones(armature: bpy.types.Object, anchors: Anchors, objects: list[bpy.types.Object]) -> set[str]:
    """The bones that carry the points: by the weights of their vertices, or by parenting."""
    found: set[str] = set()
    for number, thing in enumerate(objects):
        above: bpy.types.Object | None = thing
        while above is not None:
            if above.parent == armature and above.parent_type == "BONE":
                found.add(above.parent_bone)
            above = above.parent
        used = np.unique(anchors.vertices[anchors.mesh == number])
        names = [group.name for group in thing.vertex_groups]
        own = thing.data.vertices
        if not len(own):
            continue
        if used.max(initial=0) >= len(own):
            found.update(names)  # mirrored halves have no vertices of their own to ask
            continue
        for vertex in used:
            found.update(names[g.group] for g in own[int(vertex)].groups if g.weight > _LEAST_WEIGHT)
    return {name for name in found if name in armature.pose.bones}


def _reaching(armature: bpy.types.Object, skin: set[str]) -> set[str]:
    """All bones on which one of `skin` depends: by parents, constraints and drivers."""
    needs: dict[str, set[str]] = {}
    for bone in armature.pose.bones:
        own = needs.setdefault(bone.name, set())
        if bone.parent is not None:
            own.add(bone.parent.name)
        for constraint in bone.constraints:
            own.update(_constraint_targets(constraint, armature))
    for driver in drivers.drivers_of(armature):
        name = drivers.driven_bone(driver.data_path)
        if name in needs:
            needs[name] |= drivers.bones_read(driver, armature)
    reach, open_ends = set(skin), list(skin)
    while open_ends:
        for name in needs.get(open_ends.pop(), ()):
            if name not in reach:
                reach.add(name)
                open_ends.append(name)
    return reach


def _constraint_targets(constraint: bpy.types.Constraint, armature: bpy.types.Object) -> set[str]:
    found: set[str] = set()
    for name in ("", "pole_"):
        if getattr(constraint, f"{name}target", None) == armature:
            found.add(getattr(constraint, f"{name}subtarget", ""))
    for target in getattr(constraint, "targets", ()):
        if target.target == armature:
            found.add(target.subtarget)
    return found - {""}


def _is_driven(armature: bpy.types.Object, name: str) -> bool:
    base = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
    ways = ("location", "rotation", "scale")
    return any(
        driver.data_path.startswith(base) and driver.data_path[len(base) :].startswith(ways)
        for driver in drivers.drivers_of(armature)
    )


def _decided(bone: bpy.types.PoseBone, channel: str) -> bool:
    """Whether a constraint at full strength sets the channel whatever its keys say (offsets add to them)."""
    return any(
        constraint.type in _DECIDING[channel]
        and not constraint.mute
        and constraint.influence > 0.99
        and not getattr(constraint, "use_offset", False)
        and getattr(constraint, "mix_mode", "REPLACE") == "REPLACE"
        for constraint in bone.constraints
    )


def _limits(bone: bpy.types.PoseBone, channel: str, axis: int) -> tuple[float, float]:
    """The narrowest range that the bone's limit constraints leave in its own space; infinite without any."""
    low, high = -np.inf, np.inf
    letter = _AXES[axis]
    for constraint in bone.constraints:
        if _LIMITS.get(constraint.type) != channel or constraint.mute or constraint.owner_space != "LOCAL":
            continue
        if channel == "rotation":
            if getattr(constraint, f"use_limit_{letter}"):
                low, high = (
                    max(low, getattr(constraint, f"min_{letter}")),
                    min(high, getattr(constraint, f"max_{letter}")),
                )
            continue
        if getattr(constraint, f"use_min_{letter}"):
            low = max(low, getattr(constraint, f"min_{letter}"))
        if getattr(constraint, f"use_max_{letter}"):
            high = min(high, getattr(constraint, f"max_{letter}"))
    return float(low), float(high)
