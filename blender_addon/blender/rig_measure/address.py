# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom properties by address: which of the character's data-blocks holds one, its path there, and its range."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import bpy

from .family import Family

_LAST = re.compile(r'^(?P<base>.*?)\.?(?:\["(?P<key>(?:[^"\\]|\\.)*)"\]|(?P<attribute>\w+))$')
_BOUNDLESS = 1e6


@dataclass(frozen=True)
class Address:
    """A property: the owner as the character knows it ("armature", "armature data", "mesh NAME", "mesh data NAME",
    "keys NAME") and the data path from there."""

    owner: str
    path: str

    @property
    def text(self) -> str:
        """The address in one line: what a measured control's target holds."""
        return f"{self.owner}|{self.path}"


def parse_address(text: str) -> Address:
    """The address that `Address.text` wrote. Raises ValueError for another text."""
    owner, divider, path = text.partition("|")
    if not divider or not path:
        raise ValueError(f"{text!r} is no property's address.")
    return Address(owner, path)


def owners(family: Family) -> dict[str, bpy.types.ID]:
    """The data-blocks of a character that may hold properties, by the name that addresses use."""
    found: dict[str, bpy.types.ID] = {}
    if family.armature is not None:
        found["armature"], found["armature data"] = family.armature, family.armature.data
    for mesh in family.meshes:
        found[f"mesh {mesh.name}"], found[f"mesh data {mesh.name}"] = mesh, mesh.data
        if mesh.data.shape_keys is not None:
            found[f"keys {mesh.name}"] = mesh.data.shape_keys
    return found


def resolve(family: Family, address: Address) -> tuple[bpy.types.ID, str]:
    """(data-block, data path) of an address. Raises ValueError where the character has no such block."""
    owner = owners(family).get(address.owner)
    if owner is None:
        raise ValueError(f"The character has no {address.owner} any more; measure it again.")
    return owner, address.path


def read(owner: bpy.types.ID, path: str) -> Any:
    """The property's value. Raises ValueError where it is not there."""
    base, key, attribute = _parts(owner, path)
    try:
        return base[key] if key is not None else getattr(base, attribute)
    except (KeyError, AttributeError) as error:
        raise ValueError(f"{owner.name} has no property {path}; measure the character again.") from error


def write(owner: bpy.types.ID, path: str, value: Any) -> None:
    """Nothing; the property has the value, and what depends on its owner knows."""
    base, key, attribute = _parts(owner, path)
    if key is not None:
        base[key] = value
    else:
        setattr(base, attribute, value)
    owner.update_tag()


def limits(owner: bpy.types.ID, path: str) -> tuple[float, float] | None:
    """The range that a custom property's slider shows; None for one without a range or that is no float."""
    base, key, _ = _parts(owner, path)
    if key is None or key not in base.keys() or not isinstance(base[key], float):  # noqa: SIM118 - ID data is no dict
        return None
    shown = base.id_properties_ui(key).as_dict()
    low = max(shown.get("min", -_BOUNDLESS), shown.get("soft_min", -_BOUNDLESS))
    high = min(shown.get("max", _BOUNDLESS), shown.get("soft_max", _BOUNDLESS))
    return (float(low), float(high)) if -_BOUNDLESS < low < high < _BOUNDLESS else None


def default(owner: bpy.types.ID, path: str) -> float:
    """The value to which a custom property's slider is reset."""
    base, key, _ = _parts(owner, path)
    return float(base.id_properties_ui(key).as_dict().get("default", 0.0)) if key is not None else 0.0


def _parts(owner: bpy.types.ID, path: str) -> tuple[Any, str | None, str]:
    match = _LAST.match(path)
    if match is None:
        raise ValueError(f"{path!r} is no property's path.")
    base: Any = owner.path_resolve(match["base"]) if match["base"] else owner
    key = match["key"]
    return base, None if key is None else bpy.utils.unescape_identifier(key), match["attribute"] or ""
