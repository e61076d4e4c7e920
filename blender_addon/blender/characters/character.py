# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects are the character: from the selection, or from the whole scene, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from fomm_engine.wire.errors import UserError

from .. import properties
from ..rig_measure import attach, store
from . import match_report, performers, rig_scan
from .rig_scan import Parts

LEAST_MOTION = 1e-5  # of a mesh's size: keys move less by rounding alone
LEAST_CHANNELS = 3
FACE_TO_HEAD = 1.7  # the height of a head over that of the region its face keys move


@dataclass(frozen=True)
class Candidate:
    """A group of objects that could be the character, and what was recognised of it."""

    parts: Parts
    scan: rig_scan.Scan

    @property
    def usable(self) -> bool:
        """Whether there is anything to drive."""
        return not self.scan.rig.is_empty()

    @property
    def has_face(self) -> bool:
        """Whether its shape keys are those of a face: a single name may fit by chance."""
        return self.scan.matched >= LEAST_CHANNELS

    @property
    def is_measured(self) -> bool:
        """Whether a measure is kept with it, of its present state or an older one."""
        main = attach.main_of(self.parts)
        return main is not None and store.kept(main) is not None

    @property
    def name(self) -> str:
        """The name the user knows it by."""
        return (self.parts.armature or self.parts.meshes[0]).name


def choose_character(context: bpy.types.Context, name: str = "") -> str:
    """What was recognised, in one sentence; it is the scene's character from now on.

    name: the object to start from; empty for the selection, or everything where nothing is selected. Raises UserError
    ("no-object", "no-character", "character-ambiguous") with a sentence for each.
    """
    start = _start_objects(context, name)
    candidates = find_candidates(context.scene.objects)
    if not start:
        candidates = _not_others(context.scene, candidates)
    chosen = [candidate for candidate in candidates if not start or _touches(candidate.parts, start)]
    usable = [candidate for candidate in chosen if candidate.usable or candidate.is_measured]
    if not usable and start:
        # Names say nothing here, but its controls can be measured.
        usable = [candidate for candidate in chosen if len(candidate.scan.names) >= LEAST_CHANNELS]
    if not start:
        # A crowd of rigs with head bones does not make the one with a face ambiguous.
        usable = [candidate for candidate in usable if candidate.has_face or candidate.is_measured] or usable
    _require_one(usable, start=start, seen=chosen)
    remember(context.scene, usable[0])
    return sentence(usable[0])


def find_candidates(objects: Iterable[bpy.types.Object]) -> list[Candidate]:
    """The groups of objects that could be characters: an armature with its meshes, or a mesh that stands alone."""
    groups: dict[str, tuple[bpy.types.Object | None, list[bpy.types.Object]]] = {}
    for thing in objects:
        if thing.type == "ARMATURE":
            groups.setdefault(thing.name, (thing, []))
    for thing in objects:
        if thing.type != "MESH" or not rig_scan.has_shape_keys(thing):
            continue
        armature = armature_of(thing)
        key = armature.name if armature is not None else f"mesh {thing.name}"
        groups.setdefault(key, (armature, []))[1].append(thing)
    parts = [Parts(tuple(_one_of_each_mesh(meshes)), armature) for armature, meshes in groups.values()]
    return [Candidate(part, rig_scan.scan(part)) for part in parts]


def armature_of(thing: bpy.types.Object) -> bpy.types.Object | None:
    """The armature that moves an object: by modifier, or the nearest one among its parents."""
    found = thing.find_armature()
    parent = thing.parent
    while found is None and parent is not None:
        found = parent if parent.type == "ARMATURE" else parent.find_armature()
        parent = parent.parent
    return found


def remember(scene: bpy.types.Scene, candidate: Candidate) -> None:
    """Nothing; the candidate is the chosen character. What the user decided about it before still holds.

    It has an entry of the list already, or takes one that has no character (any more), or a new one.
    """
    parts = candidate.parts
    performers.choose_for(scene, parts)
    own = properties.of(scene).character
    same_face = {entry.object for entry in own.meshes} & set(parts.meshes)
    if own.armature != parts.armature or (own.armature is None and not same_face):
        match_report.forget(own)
    own.armature = parts.armature
    own.meshes.clear()
    for mesh in parts.meshes:
        own.meshes.add().object = mesh
    performers.name_by(properties.of(scene).performer, candidate.name)
    refresh(scene)


def refresh(scene: bpy.types.Scene) -> None:
    """Nothing; what is shown of the character is what its objects and the user's choices give now."""
    own, found = properties.of(scene).character, scan_of(scene)
    match_report.fill(own, found)
    own.bones.clear()
    for bone in found.rig.bones:
        entry = own.bones.add()
        entry.name, entry.role = bone.name, bone.role
    own.rig_map, own.matched = found.rig_map, found.matched
    own.summary = sentence(Candidate(parts_of(scene), found))
    own.remarks = "\n".join(found.remarks)


def scan_of(scene: bpy.types.Scene) -> rig_scan.Scan:
    """What the scene's character can do, the user's choices and its measure counted. Raises
    UserError("no-character")."""
    parts = parts_of(scene)
    found = rig_scan.scan(parts, match_report.choice_of(properties.of(scene).character))
    return attach.with_measure(found, parts, scene.objects)


def sentence(candidate: Candidate) -> str:
    """What was recognised, for the user."""
    bones = ", ".join(sorted({bone.role.replace("_", " ") for bone in candidate.scan.rig.bones}))
    basis = candidate.scan.rig.basis
    face = (
        f"{candidate.scan.matched} of 52 face channels" if basis is None else f"{len(basis.controls)} measured controls"
    )
    driven = face + (f", bones for {bones}" if bones else ", no head bone")
    unknown = basis is None and not candidate.scan.matched
    return f"{candidate.name}: {driven}." + (" Measure it to drive its face." if unknown else "")


def is_chosen(scene: bpy.types.Scene) -> bool:
    """Whether the scene has a chosen character whose objects are still in it."""
    return performers.is_alive(scene, properties.of(scene).performer)


def parts_of(scene: bpy.types.Scene) -> Parts:
    """The character's objects. Raises UserError("no-character") where they are gone."""
    objects = performers.objects_of(scene, properties.of(scene).performer)
    meshes = tuple(thing for thing in objects if rig_scan.has_shape_keys(thing))
    armature = next((thing for thing in objects if thing.type == "ARMATURE"), None)
    if armature is None and not meshes:
        raise UserError("no-character", "The character is no longer in this scene.", "Detect it again.")
    return Parts(meshes, armature)


def main_object(scene: bpy.types.Scene) -> bpy.types.Object:
    """The object that the user knows the character by. Raises UserError("no-character")."""
    parts = parts_of(scene)
    return parts.armature or parts.meshes[0]


def face_box(scene: bpy.types.Scene) -> tuple[Vector, float]:
    """The centre of the character's head and about its height, in world units; from what its face keys move."""
    points = [point for mesh in parts_of(scene).meshes for point in _moved_points(mesh)]
    if not points:
        points = [mesh.matrix_world @ Vector(corner) for mesh in scene.objects for corner in mesh.bound_box]
    low = Vector(min(point[axis] for point in points) for axis in range(3))
    high = Vector(max(point[axis] for point in points) for axis in range(3))
    return (low + high) / 2, max(1e-3, FACE_TO_HEAD * (high.z - low.z))


def _moved_points(mesh: bpy.types.Object) -> list[Vector]:
    blocks = mesh.data.shape_keys.key_blocks
    basis = _coordinates(mesh.data.shape_keys.reference_key)
    moved = np.zeros(len(basis), bool)
    least = LEAST_MOTION * max(1e-9, float(np.ptp(basis, axis=0).max()))
    for block in blocks:
        moved |= np.abs(_coordinates(block) - basis).max(axis=1) > least
    used = basis[moved]
    if not len(used):
        return []
    low, high = used.min(axis=0), used.max(axis=0)
    corners = [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    return [mesh.matrix_world @ Vector(corner) for corner in corners]


def _coordinates(block: bpy.types.ShapeKey) -> np.ndarray:
    values = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", values)
    return values.reshape(-1, 3)


def _not_others(scene: bpy.types.Scene, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates that are not characters of the list already, where the chosen entry looks for a new one."""
    if is_chosen(scene):
        return candidates
    taken = {thing.name for other in properties.of(scene).performers for thing in performers.objects_of(scene, other)}
    free = [candidate for candidate in candidates if candidate.name not in taken]
    return free or candidates


def _one_of_each_mesh(meshes: list[bpy.types.Object]) -> list[bpy.types.Object]:
    # Two objects may share one mesh, and with it the keys: one Action serves both.
    return list({mesh.data.name: mesh for mesh in reversed(meshes)}.values())[::-1]


def _start_objects(context: bpy.types.Context, name: str) -> list[bpy.types.Object]:
    if name:
        named = context.scene.objects.get(name)
        if named is None:
            raise UserError("no-object", f"There is no object named {name} in this scene.", "Look at the Outliner.")
        return [named]
    return list(context.selected_objects)


def _touches(parts: Parts, start: list[bpy.types.Object]) -> bool:
    own = {mesh.name for mesh in parts.meshes}
    if parts.armature is not None:
        own.add(parts.armature.name)
    for thing in start:
        armature = armature_of(thing)
        if thing.name in own or (armature is not None and armature.name in own):
            return True
        # An empty over the character, or a collection's root: what hangs below it counts.
        if any(child.name in own for child in thing.children_recursive):
            return True
    return False


def _require_one(usable: list[Candidate], *, start: list[bpy.types.Object], seen: list[Candidate]) -> None:
    if len(usable) > 1:
        names = ", ".join(candidate.name for candidate in usable)
        hint = "Select the one that is meant." if not start else "Select only one of them."
        raise UserError("character-ambiguous", f"There are {len(usable)} characters here: {names}.", hint)
    if usable:
        return
    if start and not seen:
        what = f"{start[0].name} has no shape keys and no armature"
    elif start:
        what = f"{start[0].name} has no shape keys or bones with names that Understudy knows"
    else:
        what = "There is no character with face shape keys or head bones in this scene"
    raise UserError("no-character", f"{what}.", "A character needs shape keys (for example ARKit's) or a head bone.")
