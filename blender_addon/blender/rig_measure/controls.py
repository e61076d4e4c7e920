# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of a character that could move its face: shape keys, the properties behind drivers, bones' channels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import bpy

from fomm_engine.wire.names import ARKIT_CHANNELS

from ...core.rig_basis import ControlKind, RigBasis
from .. import compat
from ..characters import rig_scan
from . import address, drivers
from .family import Family

_ARKIT = {name.lower() for name in ARKIT_CHANNELS}


@dataclass(frozen=True)
class Candidate:
    """A number that could be a control: as MeasuredControl names it, before anything was measured."""

    kind: ControlKind
    target: str
    component: str = ""
    rest: float = 0.0
    minimum: float = 0.0
    maximum: float = 1.0

    @property
    def name(self) -> str:
        """A name for people, unique among the character's candidates."""
        if self.kind == "property":
            return self.target.partition("|")[2].rpartition('["')[2].removesuffix('"]')
        return f"{self.target} {self.component}" if self.component else self.target


@dataclass(frozen=True)
class Found:
    """The shape keys and properties of a character, the bones that drivers read, and remarks for the user."""

    sliders: tuple[Candidate, ...]
    driving_bones: frozenset[str]
    remarks: tuple[str, ...]


def find_sliders(family: Family, earlier: RigBasis | None = None, carrying: Collection[str] = ()) -> Found:
    """The shape keys that may be set, and for those that drivers set the properties behind them.

    earlier: an older measure of the same character, whose rest values are kept. carrying: the bones that carry the
    face; properties behind their drivers count too.
    """
    keyed = [mesh for mesh in family.meshes if rig_scan.has_shape_keys(mesh)]
    free, taken = rig_scan.free_keys(keyed)
    rests = {control.target: control.rest for control in earlier.controls} if earlier is not None else {}
    shapes = [
        Candidate("shape", key.name, "", _shape_rest(keyed, key, rests), key.minimum, key.maximum)
        for key in free
        if key.maximum > key.minimum
    ]
    behind = drivers.behind(family, carrying)
    properties = [_property(family, place, rests) for place in behind.properties]
    usable = [candidate for candidate in properties if candidate is not None]
    remarks = []
    if taken and not (usable or behind.bones or behind.keys):
        remarks.append(f"Not measured, because they are muted or a driver sets them: {', '.join(taken[:8])}.")
    of_shapes = drivers.behind(family).properties
    odd = [p.text for p, own in zip(behind.properties, properties, strict=True) if own is None and p in of_shapes]
    if odd:
        remarks.append(f"Properties that drive shapes but are no sliders with a range: {', '.join(odd[:8])}.")
    return Found(_unique(shapes + usable), frozenset(behind.bones), tuple(remarks))


def _shape_rest(meshes: list[bpy.types.Object], key: rig_scan.KeyLimits, rests: dict[str, float]) -> float:
    """The value at which the key is at rest: the earlier measure's; 0 for keys that are animated or known; else the
    value it has, which may be part of the character's looks."""
    if key.name in rests:
        rest = rests[key.name]
    elif key.name.lower() in _ARKIT or _is_animated(meshes, key.name):
        rest = 0.0
    else:
        rest = next(m.data.shape_keys.key_blocks[key.name].value for m in meshes if key.name in rig_scan.free_blocks(m))
    return min(max(rest, key.minimum), key.maximum)


def _is_animated(meshes: list[bpy.types.Object], name: str) -> bool:
    path = f'key_blocks["{bpy.utils.escape_identifier(name)}"].value'
    return any(curve.data_path == path for mesh in meshes for curve in compat.assigned_curves(mesh.data.shape_keys))


def _property(family: Family, place: address.Address, rests: dict[str, float]) -> Candidate | None:
    owner, path = address.resolve(family, place)
    limits = address.limits(owner, path)
    if limits is None:
        return None
    low, high = limits
    if place.text in rests:
        rest = rests[place.text]
    elif any(curve.data_path == path for curve in compat.assigned_curves(owner)):
        rest = address.default(owner, path)
    else:
        rest = float(address.read(owner, path))
    return Candidate("property", place.text, "", min(max(rest, low), high), low, high)


def _unique(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    found = {(candidate.kind, candidate.target, candidate.component): candidate for candidate in reversed(candidates)}
    return tuple(reversed(found.values()))
