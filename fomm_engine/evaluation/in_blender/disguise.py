# SPDX-License-Identifier: GPL-3.0-or-later
"""Hides what a character's shape keys are: names that say nothing, and half of them scaled, flipped or merged."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

import bpy
import numpy as np

SEED = 7
SCALES = (0.5, 1.6, 2.5)
MERGED_PAIRS = 4  # eight keys; the rest of the half is scaled and flipped in equal parts
_BLOCK = re.compile(r'key_blocks\["(.+)"\]')


@dataclass(frozen=True)
class Disguise:
    """What was done: how many keys were renamed, scaled, flipped, and the pairs that became one."""

    renamed: int
    scaled: int
    flipped: int
    merged: int


def disguise(mesh: bpy.types.Object) -> Disguise:
    """What was done to the mesh's free shape keys; keys that drivers set keep their names and their effect.

    A scaled key needs its value times a factor for the same motion, a flipped one the negative value; sliders are set
    so that the whole motion can still be reached. Drivers that read the keys are told, so the character can do what it
    could. A pair that became one moves both sides with one slider; the other key is gone.
    """
    keys = mesh.data.shape_keys
    chance = random.Random(SEED)
    driven = {found.group(1) for curve in _drivers(keys) if (found := _BLOCK.search(curve.data_path))}
    free = [block.name for block in keys.key_blocks[1:] if block.name not in driven]
    pairs = [(name, name.replace("Left", "Right")) for name in free if name.endswith("Left")]
    pairs = [pair for pair in pairs if pair[1] in free and not pair[0].startswith(("jaw", "mouthLeft"))]
    merged = chance.sample(pairs, MERGED_PAIRS)
    for left, right in merged:
        _merge(mesh, left, right)
    left_over = [name for name in free if name not in {name for pair in merged for name in pair}]
    half = (len(free) - 2 * MERGED_PAIRS) // 2 - MERGED_PAIRS
    changed = chance.sample(left_over, half)
    flipped, scaled = changed[: half // 2], changed[half // 2 :]
    for name in flipped:
        _scale(mesh, name, -1.0)
    for name in scaled:
        _scale(mesh, name, chance.choice(SCALES))
    names = [block.name for block in keys.key_blocks[1:] if block.name not in driven]
    for number, name in enumerate(names):
        keys.key_blocks[name].name = f"k{number:03d}"
    return Disguise(len(names), len(scaled), len(flipped), len(merged))


def _scale(mesh: bpy.types.Object, name: str, factor: float) -> None:
    block = mesh.data.shape_keys.key_blocks[name]
    rest, own = _places(block.relative_key), _places(block)
    block.data.foreach_set("co", (rest + (own - rest) / factor).astype(np.float32).ravel())
    ends = sorted((block.slider_min * factor, block.slider_max * factor))
    block.slider_min, block.slider_max = ends
    _tell_drivers(mesh, name, f"/({factor})", name)


def _merge(mesh: bpy.types.Object, name: str, other: str) -> None:
    blocks = mesh.data.shape_keys.key_blocks
    both = _places(blocks[name]) + _places(blocks[other]) - _places(blocks[other].relative_key)
    blocks[name].data.foreach_set("co", both.astype(np.float32).ravel())
    _tell_drivers(mesh, other, "", name)
    mesh.shape_key_remove(blocks[other])


def _places(block: bpy.types.ShapeKey) -> np.ndarray:
    places = np.empty(len(block.data) * 3, np.float32)
    block.data.foreach_get("co", places)
    return places.reshape(-1, 3).astype(np.float64)


def _drivers(owner: bpy.types.ID) -> list[bpy.types.FCurve]:
    return list(owner.animation_data.drivers) if owner.animation_data is not None else []


def _tell_drivers(mesh: bpy.types.Object, name: str, change: str, becomes: str) -> None:
    """Nothing; every driver's variable that reads the key reads `becomes`, and `change` follows it in the
    expression."""
    owners = [*bpy.data.objects, *bpy.data.armatures, *bpy.data.shape_keys]
    for curve in (curve for owner in owners for curve in _drivers(owner)):
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.id == mesh.data.shape_keys and target.data_path == f'key_blocks["{name}"].value':
                    target.data_path = f'key_blocks["{becomes}"].value'
                    if change:
                        word = re.compile(rf"\b{re.escape(variable.name)}\b")
                        curve.driver.expression = word.sub(f"({variable.name}{change})", curve.driver.expression)
