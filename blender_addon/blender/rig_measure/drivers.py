# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind drivers: the properties, shape keys and bones that a person would move instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import bpy

from . import address
from .address import Address
from .family import Family

_KEY = re.compile(r'^key_blocks\["(?P<name>.+)"\]\.value$')
_BONE = re.compile(r'^pose\.bones\["(?P<name>.+?)"\](?P<rest>.*)$')
_CHANNEL = re.compile(r"^\.(location|rotation_quaternion|rotation_euler|rotation_axis_angle|scale)")
_DEPTH = 5  # a property behind a property behind a property


@dataclass
class Behind:
    """properties: those that nothing drives themselves; keys: names of shape keys; bones: names of bones whose place or
    channels are read."""

    properties: list[Address] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    bones: set[str] = field(default_factory=set)


def behind(family: Family, carrying: Collection[str] = ()) -> Behind:
    """What stands behind the drivers of the character's shape keys, and of the bones that carry its face."""
    found = Behind()
    blocks = address.owners(family)
    for mesh in family.meshes:
        if mesh.data.shape_keys is not None:
            for driver in drivers_of(mesh.data.shape_keys):
                _look(driver, blocks, found, 0)
    if family.armature is not None:
        for driver in drivers_of(family.armature):
            if driven_bone(driver.data_path) in carrying:
                _look(driver, blocks, found, 0)
    return found


def drivers_of(owner: bpy.types.ID) -> list[bpy.types.FCurve]:
    """The driver curves of a data-block."""
    return list(owner.animation_data.drivers) if owner.animation_data is not None else []


def driven_bone(path: str) -> str:
    """The name of the bone that a driver's data path belongs to; "" for none."""
    match = _BONE.match(path)
    return match["name"] if match is not None else ""


def bones_read(driver: bpy.types.FCurve, armature: bpy.types.Object) -> set[str]:
    """The names of the armature's bones that a driver reads."""
    found: set[str] = set()
    for variable in driver.driver.variables:
        for target in variable.targets:
            if target.id != armature:
                continue
            match = _BONE.match(target.data_path or "") if variable.type == "SINGLE_PROP" else None
            name = match["name"] if match else target.bone_target
            if name:
                found.add(name)
    return found


def _look(driver: bpy.types.FCurve, blocks: dict[str, bpy.types.ID], found: Behind, depth: int) -> None:
    for owner, path, bone in _sources(driver):
        name = next((name for name, block in blocks.items() if block == owner), None)
        if name is None:
            continue  # another object's: it is not the character's to move
        key = _KEY.match(path)
        if bone:
            found.bones.add(bone)
        elif key is not None:
            found.keys.add(key["name"])
        elif path.endswith('"]'):
            _property(Address(name, path), owner, blocks, found, depth)


def _property(place: Address, owner: bpy.types.ID, blocks: dict[str, bpy.types.ID], found: Behind, depth: int) -> None:
    above = [driver for driver in drivers_of(owner) if driver.data_path == place.path]
    if above and depth < _DEPTH:
        for driver in above:
            _look(driver, blocks, found, depth + 1)
    elif not above and place not in found.properties:
        found.properties.append(place)


def _sources(driver: bpy.types.FCurve) -> Iterator[tuple[bpy.types.ID, str, str]]:
    """(data-block, data path, bone) of each thing that a driver reads; one of the two last is empty."""
    for variable in driver.driver.variables:
        for target in variable.targets:
            if target.id is None:
                continue
            path = target.data_path or ""
            match = _BONE.match(path)
            if variable.type in ("TRANSFORMS", "ROTATION_DIFF", "LOC_DIFF"):
                yield target.id, "", target.bone_target
            elif match is not None and _CHANNEL.match(match["rest"]):
                yield target.id, "", match["name"]
            else:
                yield target.id, path, ""
