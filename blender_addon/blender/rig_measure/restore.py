# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what measuring moves, and puts it back exactly: after success, error and cancel alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import bpy
import numpy as np

from . import address
from .family import Family

_BONE_CHANNELS = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale")
# These change how many vertices there are and where they lie a little, cost most of the time, and move no control.
_REFINING = {"SUBSURF", "MULTIRES", "BEVEL", "SOLIDIFY", "DECIMATE", "REMESH", "WEIGHTED_NORMAL", "EDGE_SPLIT"}


class Kept:
    """The state of a character before it is moved; `put_back` may be called more than once."""

    def __init__(self, family: Family) -> None:
        self._undo: list[Callable[[], None]] = []
        self._family = family
        for mesh in family.meshes:
            self._keep_keys(mesh)
        if family.armature is not None:
            self._keep_pose(family.armature)

    def rest(self) -> None:
        """Nothing; no animation plays, and every bone stands at rest."""
        for owner in self._animated():
            self._silence(owner.animation_data)
        for bone in self._family.armature.pose.bones if self._family.armature is not None else ():
            bone.location, bone.scale = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
            bone.rotation_quaternion, bone.rotation_euler = (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
            bone.rotation_axis_angle = (0.0, 0.0, 1.0, 0.0)

    def put_back(self) -> None:
        """Nothing; the character is as it was."""
        for undo in reversed(self._undo):
            undo()
        for thing in self._family.objects:
            thing.update_tag()
        bpy.context.view_layer.update()

    def keep_properties(self, places: Iterable[tuple[bpy.types.ID, str]]) -> None:
        """Nothing; these properties are kept too."""
        for owner, path in places:
            value = address.read(owner, path)
            self._undo.append(lambda owner=owner, path=path, value=value: address.write(owner, path, value))

    def make_plain(self) -> None:
        """Nothing; the meshes are evaluated as they were modelled, posed, with all their keys."""
        for mesh in self._family.meshes:
            self._set(mesh, "show_only_shape_key", False)
            if _is_followed(mesh, self._family):
                continue  # what is bound to the refined surface would lose its hold
            for modifier in mesh.modifiers:
                if modifier.type in _REFINING:
                    self._set(modifier, "show_viewport", False)
        if self._family.armature is not None:
            self._set(self._family.armature.data, "pose_position", "POSE")

    def _animated(self) -> list[bpy.types.ID]:
        owners: list[Any] = [*self._family.objects, *(thing.data for thing in self._family.objects)]
        owners += [mesh.data.shape_keys for mesh in self._family.meshes]
        return [owner for owner in dict.fromkeys(owners) if owner is not None and owner.animation_data is not None]

    def _silence(self, data: bpy.types.AnimData) -> None:
        self._set(data, "use_nla", False)
        action = data.action
        if action is None:
            return
        slot = getattr(data, "action_slot", None)

        def undo() -> None:
            data.action = action
            if slot is not None:
                data.action_slot = slot  # type: ignore[attr-defined]

        self._undo.append(undo)
        data.action = None

    def _set(self, owner: Any, name: str, value: Any) -> None:
        old = getattr(owner, name)
        if old != value:
            self._undo.append(lambda: setattr(owner, name, old))
            setattr(owner, name, value)

    def _keep_keys(self, mesh: bpy.types.Object) -> None:
        keys = mesh.data.shape_keys
        if keys is None:
            return
        values = np.empty(len(keys.key_blocks), np.float32)
        keys.key_blocks.foreach_get("value", values)

        def undo() -> None:
            now = np.empty(len(values), np.float32)
            keys.key_blocks.foreach_get("value", now)
            for place in np.flatnonzero(now != values):
                keys.key_blocks[int(place)].value = float(values[place])
            keys.update_tag()

        self._undo.append(undo)

    def _keep_pose(self, armature: bpy.types.Object) -> None:
        kept = {
            bone.name: {name: tuple(getattr(bone, name)) for name in _BONE_CHANNELS} for bone in armature.pose.bones
        }

        def undo() -> None:
            for bone in armature.pose.bones:
                for name, value in kept[bone.name].items():
                    if repr(tuple(getattr(bone, name))) != repr(value):  # 0.0 and -0.0 are not the same here
                        setattr(bone, name, value)

        self._undo.append(undo)


def _is_followed(mesh: bpy.types.Object, family: Family) -> bool:
    return any(
        modifier.type == "SURFACE_DEFORM" and modifier.target == mesh
        for other in family.meshes
        for modifier in other.modifiers
    )
