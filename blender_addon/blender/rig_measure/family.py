# SPDX-License-Identifier: GPL-3.0-or-later
"""All objects of one character: the meshes that make up its face and body, and the armature that moves them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy

from fomm_engine.wire.errors import UserError

from ..characters.rig_scan import Parts

_EDITING = {"EDIT", "SCULPT", "VERTEX_PAINT", "WEIGHT_PAINT", "TEXTURE_PAINT", "PARTICLE_EDIT"}


@dataclass(frozen=True)
class Family:
    """The meshes (face, eyes, teeth, brows, clothes) and the armature of one character."""

    meshes: tuple[bpy.types.Object, ...]
    armature: bpy.types.Object | None

    @property
    def main(self) -> bpy.types.Object:
        """The object that the measure is kept with: the armature, else the first mesh."""
        return self.armature or self.meshes[0]

    @property
    def objects(self) -> tuple[bpy.types.Object, ...]:
        """Meshes and armature."""
        return (*self.meshes, self.armature) if self.armature is not None else self.meshes


def family_of(parts: Parts, objects: Iterable[bpy.types.Object]) -> Family:
    """The character's whole family among the scene's objects.

    Meshes belong to it that the armature moves, that hang under the same root, or that follow one of its meshes by a
    modifier. Raises UserError("no-mesh") where there is none to be seen.
    """
    seen = [thing for thing in objects if thing.type == "MESH" and not (thing.hide_render or thing.hide_viewport)]
    own = [mesh for mesh in parts.meshes if mesh in seen]
    roots = {_root(mesh) for mesh in own}
    for thing in seen:
        if thing in own:
            continue
        belongs = _root(thing) in roots if parts.armature is None else _moved_by(thing, parts.armature)
        if belongs or any(target in own for target in _followed(thing)):
            own.append(thing)
    if not own:
        name = parts.armature.name if parts.armature is not None else "The character"
        raise UserError("no-mesh", f"{name} moves no mesh that can be seen.", "Bind the character's meshes to it.")
    return Family(tuple(own), parts.armature)


def require_measurable(family: Family) -> None:
    """Nothing, if the character's objects can be moved and put back now. Raises UserError("editing", "tweak-mode",
    "linked")."""
    for thing in family.objects:
        if thing.mode in _EDITING:
            raise UserError("editing", f"{thing.name} is being edited.", "Go back to Object or Pose Mode first.")
        for owner in (thing, thing.data, getattr(thing.data, "shape_keys", None)):
            data = owner.animation_data if owner is not None else None
            if data is not None and data.use_tweak_mode:
                message = f"{thing.name} is in NLA tweak mode."
                raise UserError("tweak-mode", message, "Leave it (Tab in the NLA editor) first.")
    if family.main.library is not None:
        message = f"{family.main.name} is linked from another file, and the measure could not be kept with it."
        raise UserError("linked", message, "Make a library override of it first.")


def _moved_by(thing: bpy.types.Object, armature: bpy.types.Object) -> bool:
    above: bpy.types.Object | None = thing
    while above is not None:
        modified = any(modifier.type == "ARMATURE" and modifier.object == armature for modifier in above.modifiers)
        if modified or above.parent == armature:
            return True
        above = above.parent
    return False


def _root(thing: bpy.types.Object) -> bpy.types.Object:
    while thing.parent is not None:
        thing = thing.parent
    return thing


def _followed(thing: bpy.types.Object) -> list[bpy.types.Object]:
    """The objects whose surface the modifiers of this one follow."""
    kinds = {"SURFACE_DEFORM", "SHRINKWRAP", "MESH_DEFORM"}
    targets = [modifier.object if modifier.type == "MESH_DEFORM" else modifier.target for modifier in thing.modifiers
               if modifier.type in kinds]  # fmt: skip
    return [target for target in targets if target is not None]
