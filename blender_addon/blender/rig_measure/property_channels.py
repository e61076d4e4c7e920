# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of measured custom properties as channels of the data-blocks that hold them."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ...core.array_types import FloatArray, IntArray
from ...core.curves import Curves
from ...core.rig_basis import RigBasis
from ..baking.action_writer import Channel
from ..baking.bake_writer import Wanted
from ..characters.rig_scan import Parts
from . import address
from .family import family_of

GROUP = "Face"


def wanted(curves: Curves, basis: RigBasis | None, parts: Parts, objects: Iterable[bpy.types.Object]) -> list[Wanted]:
    """What is to be keyed for the curves' properties: (data-block, name, channels); what two controls add to one
    property is added up about its rest. Raises ValueError where the character has lost a property."""
    if basis is None or not curves.control_values:
        return []
    sums: dict[str, FloatArray] = {}
    kept: dict[str, IntArray] = {}
    for control in basis.controls:
        if control.kind == "property" and control.name in curves.control_values:
            offset = curves.control_values[control.name] - control.rest
            sums[control.target] = sums.get(control.target, control.rest) + offset
            held = curves.kept_frames.get(control.name, np.empty(0, np.int64))
            kept[control.target] = np.union1d(kept.get(control.target, held), held)
    family = family_of(parts, objects)
    found: list[Wanted] = []
    for target, values in sums.items():
        owner, path = address.resolve(family, address.parse_address(target))
        address.read(owner, path)
        found.append((owner, owner.name, [Channel(path, 0, GROUP, values, kept[target])]))
    return found
