# SPDX-License-Identifier: GPL-3.0-or-later
"""What hangs together on a mesh, and how far it is along its surface. No bpy."""

from __future__ import annotations

import heapq

import numpy as np

from ...core.array_types import FloatArray, IntArray

_SAME_PLACE = 1e-6  # of a mesh's extent: seams of imported meshes are doubled vertices at one place


def welded(points: FloatArray, triangles: IntArray) -> IntArray:
    """(V,) the number that stands for each vertex: doubled vertices on open edges are one, as at a UV seam.

    Inner vertices that only touch (lips that lie on each other) stay apart.
    """
    names = np.arange(len(points))
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    single, count = np.unique(edges, axis=0, return_counts=True)
    border = np.unique(single[count == 1])
    if len(border):
        extent = max(float(np.ptp(points, axis=0).max()), 1e-12)
        grid = np.round(points[border] / (extent * _SAME_PLACE)).astype(np.int64)
        _, first, place = np.unique(grid, axis=0, return_index=True, return_inverse=True)
        names[border] = border[first[place.reshape(-1)]]
    return names


def labels(count: int, triangles: IntArray) -> IntArray:
    """(count,) the island of each vertex, named by its least vertex; vertices without a triangle are their own."""
    found = np.arange(count)
    if not len(triangles):
        return found
    while True:
        least = found[triangles].min(axis=1)
        new = found.copy()
        for corner in range(3):
            np.minimum.at(new, triangles[:, corner], least)
        new = new[new]  # jump to the name's own name, so that long islands need few rounds
        if np.array_equal(new, found):
            return found
        found = new


def surface_distance(points: FloatArray, triangles: IntArray, seeds: IntArray, *, reach: float) -> FloatArray:
    """(V,) the length of the shortest way along edges from any seed; infinite beyond `reach` (Dijkstra)."""
    near = neighbours(points, triangles)
    distance = np.full(len(points), np.inf)
    distance[seeds] = 0.0
    queue = [(0.0, int(seed)) for seed in seeds]
    while queue:
        so_far, vertex = heapq.heappop(queue)
        if so_far > distance[vertex]:
            continue
        for other, length in near.get(vertex, ()):
            through = so_far + length
            if through < distance[other] and through <= reach:
                distance[other] = through
                heapq.heappush(queue, (through, other))
    return distance


def neighbours(points: FloatArray, triangles: IntArray) -> dict[int, list[tuple[int, float]]]:
    """{vertex: [(neighbour, length of the edge)]}."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    edges = np.unique(edges, axis=0)
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    near: dict[int, list[tuple[int, float]]] = {}
    for (one, other), length in zip(edges.tolist(), lengths.tolist(), strict=True):
        near.setdefault(one, []).append((other, length))
        near.setdefault(other, []).append((one, length))
    return near
