# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves on a character at one frame: every value that a bake would key, set without a key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np

from ...core.array_types import FloatArray, IntArray
from ...core.curves import Curves
from ..baking import bake_writer
from ..baking.action_writer import Channel
from ..characters.rig_scan import Parts, Scan
from ..rig_measure import address, property_channels
from ..rig_measure.family import Family, family_of
from .standing import Place, owner_of, plain, set_value


@dataclass(frozen=True)
class _Track:
    """One property over all frames: which of its components (None for a single value) and their values (N, k)."""

    place: Place
    path: str
    indices: tuple[int, ...] | None
    values: FloatArray


class Player:
    """Sets a character to any frame of its curves; before and after them it holds their ends."""

    def __init__(self, curves: Curves, parts: Parts, scan: Scan, objects: Iterable[bpy.types.Object]) -> None:
        self.frames: IntArray = curves.frames
        self._tracks = _tracks(curves, parts, scan, objects)

    @property
    def paths(self) -> dict[Place, list[str]]:
        """What is set, by data-block."""
        found: dict[Place, list[str]] = {}
        for track in self._tracks:
            found.setdefault(track.place, []).append(track.path)
        return found

    def show(self, frame: float) -> None:
        """Nothing; the character stands as on this scene frame, parts of frames included."""
        at = float(np.clip(frame - self.frames[0], 0, len(self.frames) - 1))
        lower = int(at)
        upper, share = min(lower + 1, len(self.frames) - 1), at - lower
        touched: dict[Place, bpy.types.ID] = {}
        for track in self._tracks:
            owner = touched.get(track.place) or owner_of(track.place)
            if owner is None:
                continue
            touched[track.place] = owner
            values = track.values[lower] + share * (track.values[upper] - track.values[lower])
            _set(owner, track, values)


def _set(owner: bpy.types.ID, track: _Track, values: FloatArray) -> None:
    try:
        old = plain(address.read(owner, track.path))
    except ValueError:
        return  # gone since
    if track.indices is None:
        set_value(owner, track.path, round(float(values[0])) if isinstance(old, int) else float(values[0]))
        return
    for index, value in zip(track.indices, values, strict=True):
        old[index] = float(value)
    set_value(owner, track.path, old)


def _tracks(curves: Curves, parts: Parts, scan: Scan, objects: Iterable[bpy.types.Object]) -> list[_Track]:
    found: list[_Track] = []
    for mesh in parts.meshes:
        found += _grouped((mesh, "keys"), bake_writer.shape_channels(mesh, curves), single=True)
    if parts.armature is not None:
        found += _grouped((parts.armature, "object"), bake_writer.bone_channels(parts.armature, curves), single=False)
    if not curves.control_values:
        return found
    places = _places(family_of(parts, objects))
    for owner, _, channels in property_channels.wanted(curves, scan.rig.basis, parts, objects):
        if owner in places:
            found += _grouped(places[owner], channels, single=True)
    return found


def _grouped(place: Place, channels: Iterable[Channel], *, single: bool) -> list[_Track]:
    together: dict[str, list[Channel]] = {}
    for channel in channels:
        together.setdefault(channel.data_path, []).append(channel)
    return [
        _Track(
            place,
            path,
            None if single else tuple(channel.index for channel in own),
            np.stack([channel.values for channel in own], 1),
        )
        for path, own in together.items()
    ]


def _places(family: Family) -> dict[bpy.types.ID, Place]:
    """Where a character's data-blocks hang."""
    found: dict[bpy.types.ID, Place] = {}
    for thing in family.objects:
        for kind in ("object", "data", "keys"):
            owner = owner_of((thing, kind))
            if owner is not None:
                found[owner] = (thing, kind)
    return found
