# SPDX-License-Identifier: GPL-3.0-or-later
"""The landmark points as places on triangles of the character's meshes: they go where the mesh goes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from fomm_engine.wire.names import POINT_COUNT
from fomm_engine.wire.strict_json import parse_json

from ...core.array_types import FloatArray, IntArray
from . import keeping
from .family import Family
from .stage import world_vertices
from .surface import Surface, barycentric

PROPERTY = "understudy_points"
VERSION = 1
_COPY = re.compile(r"\.\d{3,}$")


@dataclass(frozen=True)
class Anchors:
    """70 points on meshes.

    meshes: (name, count of evaluated vertices) of the objects that carry points. mesh (70,): which of them; vertices
    (70, 3) of the triangle and shares (70, 3) of its corners. confidence (70,) in 0..1. by_hand: the points that the
    user has set. doubt: what the engine thought of the pictures (mean log sigma; below -2.5 is sure), None by hand.
    """

    meshes: tuple[tuple[str, int], ...]
    mesh: IntArray
    vertices: IntArray
    shares: FloatArray
    confidence: FloatArray
    by_hand: tuple[int, ...] = ()
    doubt: float | None = None
    notes: tuple[str, ...] = ()

    def places(self, objects: list[bpy.types.Object], graph: bpy.types.Depsgraph) -> FloatArray:
        """(70, 3) the points in world space now; objects: those that `match` found."""
        result = np.empty((POINT_COUNT, 3))
        for number, thing in enumerate(objects):
            own = self.mesh == number
            if own.any():
                points = world_vertices(thing, graph)
                result[own] = (points[self.vertices[own]] * self.shares[own][..., None]).sum(axis=1)
        return result


def anchors_at(surface: Surface, points: FloatArray, triangles: IntArray) -> Anchors:
    """The anchors of points (70, 3) that lie on triangles (70,) of a surface; confidence 1 everywhere."""
    corners = surface.triangles[triangles]
    owner = surface.mesh[triangles]
    used = np.unique(owner)
    ends = np.append(surface.first, len(surface.points))
    meshes = tuple((surface.meshes[number].name, int(ends[number + 1] - ends[number])) for number in used)
    shares = [barycentric(point, surface.points[three]) for point, three in zip(points, corners, strict=True)]
    local = corners - surface.first[owner][:, None]
    return Anchors(meshes, np.searchsorted(used, owner), local, np.array(shares), np.ones(len(points)))


def moved_anchor(anchors: Anchors, index: int, mesh: tuple[str, int], place: tuple[IntArray, FloatArray]) -> Anchors:
    """The anchors with one point set by hand: on an object (name, vertices), at (corners (3,), shares (3,))."""
    meshes = anchors.meshes if mesh in anchors.meshes else (*anchors.meshes, mesh)
    numbers, vertices, shares = anchors.mesh.copy(), anchors.vertices.copy(), anchors.shares.copy()
    confidence = anchors.confidence.copy()
    numbers[index], vertices[index], shares[index], confidence[index] = meshes.index(mesh), *place, 1.0
    by_hand = tuple(sorted({*anchors.by_hand, index}))
    return Anchors(meshes, numbers, vertices, shares, confidence, by_hand, anchors.doubt, anchors.notes)


def keep(family: Family, anchors: Anchors) -> None:
    """Nothing; the points are kept with the character and saved with the file."""
    plain: dict[str, Any] = {
        "version": VERSION,
        "meshes": [list(entry) for entry in anchors.meshes],
        "mesh": anchors.mesh.tolist(),
        "vertices": anchors.vertices.tolist(),
        "shares": anchors.shares.round(6).tolist(),
        "confidence": anchors.confidence.round(4).tolist(),
        "by_hand": list(anchors.by_hand),
        "doubt": anchors.doubt,
        "notes": list(anchors.notes),
    }
    keeping.put(family.main, PROPERTY, json.dumps(plain, ensure_ascii=True, allow_nan=False))


def kept(main: bpy.types.Object) -> Anchors | None:
    """The points that are kept with a character, None where there are none or they are of another version."""
    text = keeping.get(main, PROPERTY)
    try:
        plain = parse_json(text) if text else {}
        return _from_plain(plain) if isinstance(plain, dict) and plain.get("version") == VERSION else None
    except (KeyError, TypeError, ValueError):  # a .blend may come from anywhere
        return None


def _from_plain(plain: dict[str, Any]) -> Anchors:
    """The points as they were kept. Raises KeyError, TypeError or ValueError for anything else."""
    return Anchors(
        tuple((str(name), int(count)) for name, count in plain["meshes"]),
        np.array(plain["mesh"], np.int64),
        np.array(plain["vertices"], np.int64),
        np.array(plain["shares"], np.float64),
        np.array(plain["confidence"], np.float64),
        tuple(plain["by_hand"]),
        plain["doubt"],
        tuple(plain["notes"]),
    )


def match(anchors: Anchors, family: Family) -> list[bpy.types.Object] | None:
    """The family's objects for the anchors' meshes, None where one is gone.

    An appended or copied character's objects have a number behind their names.
    """
    found: list[bpy.types.Object] = []
    for name, _ in anchors.meshes:
        thing = next((mesh for mesh in family.meshes if mesh.name == name), None)
        if thing is None:
            alike = [mesh for mesh in family.meshes if _COPY.sub("", mesh.name) == _COPY.sub("", name)]
            thing = alike[0] if len(alike) == 1 else None
        if thing is None:
            return None
        found.append(thing)
    return found


def fits(anchors: Anchors, objects: list[bpy.types.Object], graph: bpy.types.Depsgraph) -> bool:
    """Whether the evaluated meshes still have the vertices that the points were set on."""
    pairs = zip(anchors.meshes, objects, strict=True)
    return all(len(thing.evaluated_get(graph).data.vertices) == count for (_, count), thing in pairs)
