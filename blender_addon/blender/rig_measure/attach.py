# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a character's kept measure into what was recognised of it, so that the bake uses it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import bpy

from fomm_engine.wire.errors import UserError

from ...core.rig_basis import RigBasis
from .. import properties
from ..characters.rig_scan import Parts, Scan
from . import anchors, keeping, store
from .family import Family, family_of
from .probe import Probe, probe_of

STALE = "The character has changed since it was measured: measure it again. Until then it is driven by names."


def with_measure(scan: Scan, parts: Parts, objects: Iterable[bpy.types.Object]) -> Scan:
    """The scan whose rig has the measured basis; with a remark where the measure is of another state of the rig."""
    main = main_of(parts)
    basis = store.kept(main) if main is not None else None
    if basis is None:
        return scan
    family = _family(parts, objects)
    if family is None or store.state(basis, family) != "measured":
        return replace(scan, remarks=(*scan.remarks, STALE))
    rig_map = scan.rig_map if scan.matched else "measured"
    return replace(scan, rig=replace(scan.rig, basis=basis), rig_map=rig_map)


def probe_for(scan: Scan, parts: Parts, scene: bpy.types.Scene) -> Probe | None:
    """What closes contacts on the character's true mesh; None without a measure or without its points."""
    basis, family = scan.rig.basis, _family(parts, scene.objects)
    if basis is None or family is None:
        return None
    points = anchors.kept(family.main)
    if points is None or anchors.match(points, family) is None:
        return None
    return probe_of(family, basis, scene.frame_current)


def main_of(parts: Parts) -> bpy.types.Object | None:
    """The object with which points and measure are kept."""
    return parts.armature or next(iter(parts.meshes), None)


def basis_of(scan: Scan) -> RigBasis:
    """The measure that a scan carries. Raises UserError("not-measured")."""
    if scan.rig.basis is None:
        raise UserError("not-measured", "The character is not measured, or has changed since.", "Measure it first.")
    return scan.rig.basis


def chosen_main(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The object with which the points and the measure of the scene's character are kept; None without a character."""
    own = properties.of(scene).character
    return own.armature or next((entry.object for entry in own.meshes if entry.object is not None), None)


def has_points(scene: bpy.types.Scene) -> bool:
    """Whether the scene's character has landmark points."""
    main = chosen_main(scene)
    return main is not None and keeping.get(main, anchors.PROPERTY) != ""


def has_measure(scene: bpy.types.Scene) -> bool:
    """Whether a measure, of whatever state of the character, is kept with it."""
    main = chosen_main(scene)
    return main is not None and keeping.get(main, store.PROPERTY) != ""


def _family(parts: Parts, objects: Iterable[bpy.types.Object]) -> Family | None:
    try:
        return family_of(parts, objects)
    except UserError:
        return None
