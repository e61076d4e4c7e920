# SPDX-License-Identifier: GPL-3.0-or-later
"""The character's surfaces as one set of triangles that rays can meet, island by island."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from ...core.array_types import BoolArray, FloatArray, IntArray
from . import islands
from .stage import Stage, triangles


@dataclass(frozen=True)
class Hit:
    """Where a ray met the surface: the place (3,), the triangle's number, and how far the ray went."""

    place: FloatArray
    triangle: int
    distance: float


@dataclass(frozen=True)
class Surface:
    """All triangles of a character in world space.

    meshes: the objects. points (V, 3), triangles (F, 3) into points, island (F,) of each triangle, mesh (F,) the number
    of each triangle's object and first (M,) where each object's vertices begin among the points.
    """

    meshes: tuple[bpy.types.Object, ...]
    points: FloatArray
    triangles: IntArray
    island: IntArray
    mesh: IntArray
    first: IntArray
    tree: BVHTree

    def only(self, chosen: BoolArray) -> Part:
        """The part of the surface whose triangles are chosen, (F,)."""
        numbers = np.flatnonzero(chosen)
        return Part(self, numbers, _tree(self.points, self.triangles[numbers]))


@dataclass(frozen=True)
class Part:
    """Some triangles of a surface: `numbers` (K,) are theirs in the whole."""

    surface: Surface
    numbers: IntArray
    tree: BVHTree

    def cast(self, origin: FloatArray, direction: FloatArray) -> Hit | None:
        """The first place that a ray meets, None where it goes by."""
        place, _, number, distance = self.tree.ray_cast(Vector(origin), Vector(direction))
        return None if number is None else Hit(np.array(place), int(self.numbers[number]), float(distance))

    def nearest(self, point: FloatArray) -> Hit | None:
        """The place of the part that is nearest to a point."""
        place, _, number, distance = self.tree.find_nearest(Vector(point))
        return None if number is None else Hit(np.array(place), int(self.numbers[number]), float(distance))


def read_surface(stage: Stage, meshes: tuple[bpy.types.Object, ...]) -> Surface:
    """The surfaces of the meshes as the stage evaluates them."""
    points: list[FloatArray] = []
    faces: list[IntArray] = []
    names: list[IntArray] = []
    first, count = [], 0
    for mesh in meshes:
        own, tri = stage.vertices(mesh), triangles(mesh, stage.graph)
        weld = islands.welded(own, tri)
        names.append(islands.labels(len(own), weld[tri])[weld[tri[:, 0]]] + count)
        points.append(own)
        faces.append(tri + count)
        first.append(count)
        count += len(own)
    whole, all_faces = np.concatenate(points), np.concatenate(faces)
    mesh_numbers = np.repeat(np.arange(len(meshes)), [len(tri) for tri in faces])
    tree = _tree(whole, all_faces)
    return Surface(meshes, whole, all_faces, np.concatenate(names), mesh_numbers, np.array(first), tree)


def barycentric(point: FloatArray, corners: FloatArray) -> FloatArray:
    """(3,) the shares of a triangle's corners (3, 3) in a point on it, none below zero."""
    edge_one, edge_two, way = corners[1] - corners[0], corners[2] - corners[0], point - corners[0]
    products = np.array([[edge_one @ edge_one, edge_one @ edge_two], [edge_one @ edge_two, edge_two @ edge_two]])
    if abs(np.linalg.det(products)) < 1e-30:
        return np.array([1.0, 0.0, 0.0])
    second, third = np.linalg.solve(products, [edge_one @ way, edge_two @ way])
    shares = np.clip([1.0 - second - third, second, third], 0.0, 1.0)
    return shares / shares.sum()


def _tree(points: FloatArray, faces: IntArray) -> BVHTree:
    used, local = np.unique(faces, return_inverse=True)
    return BVHTree.FromPolygons(points[used].tolist(), local.reshape(-1, 3).tolist(), all_triangles=True)
