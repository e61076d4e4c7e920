# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets a character's controls to values: shape keys on all meshes, properties, and the channels of bones together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import bpy
import numpy as np
from mathutils import Quaternion, Vector

from ...core.array_types import FloatArray
from ..characters import rig_scan
from . import address
from .family import Family


class Settable(Protocol):
    """What is set: a candidate, or a measured control."""

    @property
    def kind(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def component(self) -> str: ...
    @property
    def rest(self) -> float: ...


class Setter:
    """Sets some controls of a character; what two controls add to one target is added up about its rest.

    Raises ValueError where a control is no longer there.
    """

    def __init__(self, family: Family, controls: Sequence[Settable]) -> None:
        self.controls = tuple(controls)
        self._rests = np.array([control.rest for control in controls], np.float64)
        self._keys = _keys(family, {control.target for control in controls if control.kind == "shape"})
        self._places = {
            control.target: address.resolve(family, address.parse_address(control.target))
            for control in controls
            if control.kind == "property"
        }
        self._bones = _bones(family, {control.target for control in controls if control.kind == "bone"})
        self._now = np.full(len(self.controls), np.nan)
        self._members: dict[tuple[str, str], list[int]] = {}
        for number, control in enumerate(self.controls):
            self._members.setdefault((control.kind, control.target), []).append(number)

    @property
    def properties(self) -> list[tuple[bpy.types.ID, str]]:
        """The properties that are set, for keeping them."""
        return list(self._places.values())

    def rest(self) -> None:
        """Nothing; all controls are at rest."""
        self.set(self._rests)

    def set(self, values: FloatArray) -> None:
        """Nothing; the controls have these absolute values (C,); what has not changed is left alone."""
        changed = np.flatnonzero(~(self._now == values))
        self._now = np.array(values, np.float64)
        touched = dict.fromkeys((self.controls[n].kind, self.controls[n].target) for n in changed)
        for kind, target in touched:
            members = self._members[kind, target]
            offsets = {number: values[number] - self._rests[number] for number in members}
            if kind == "bone":
                self._pose(target, offsets)
                continue
            value = float(self._rests[members[0]] + sum(offsets.values()))
            if kind == "shape":
                for block in self._keys[target]:
                    block.value = value
            else:
                owner, path = self._places[target]
                address.write(owner, path, value)

    def _pose(self, name: str, offsets: dict[int, float]) -> None:
        parts = {"location": np.zeros(3), "rotation": np.zeros(3), "scale": np.zeros(3)}
        for number, offset in offsets.items():
            component = self.controls[number].component
            parts[component[:-1]][int(component[-1])] += offset
        bone = self._bones[name]
        bone.location = Vector(parts["location"])
        bone.scale = Vector(1.0 + parts["scale"])
        turn_bone(bone, parts["rotation"])


def turn_bone(bone: bpy.types.PoseBone, vector_rad: FloatArray) -> None:
    """Nothing; the bone is turned by a rotation vector (3,) of its own space, in its own rotation mode."""
    angle = float(np.linalg.norm(vector_rad))
    turn = Quaternion(Vector(vector_rad), angle) if angle > 0 else Quaternion()
    if bone.rotation_mode == "QUATERNION":
        bone.rotation_quaternion = turn
    elif bone.rotation_mode == "AXIS_ANGLE":
        axis, size = turn.to_axis_angle()
        bone.rotation_axis_angle = (size, *axis)
    else:
        bone.rotation_euler = turn.to_euler(bone.rotation_mode)


def _keys(family: Family, names: set[str]) -> dict[str, list[bpy.types.ShapeKey]]:
    found: dict[str, list[bpy.types.ShapeKey]] = {name: [] for name in names}
    for mesh in family.meshes:
        if rig_scan.has_shape_keys(mesh):
            for name in names & rig_scan.free_blocks(mesh):
                found[name].append(mesh.data.shape_keys.key_blocks[name])
    _require_all(name for name, blocks in found.items() if not blocks)
    return found


def _bones(family: Family, names: set[str]) -> dict[str, bpy.types.PoseBone]:
    own = family.armature.pose.bones if family.armature is not None else {}
    _require_all(name for name in names if name not in own)
    return {name: own[name] for name in names}


def _require_all(missing: object) -> None:
    gone = sorted(missing)  # type: ignore[call-overload]
    if gone:
        raise ValueError(f"The character has no {', '.join(gone[:5])} any more; measure it again.")
