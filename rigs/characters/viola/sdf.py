# SPDX-License-Identifier: GPL-3.0-or-later
"""Distance fields of simple solids, ways to blend them, and moves of points onto the blended surface.

The formulas are the well-known ones of Inigo Quilez (https://iquilezles.org/articles/distfunctions/), vectorised.
Every field takes points (N, 3) and gives signed distances (N,), negative inside, in the unit of the points.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rigs.characters.viola.proportions import FloatArray

Field = Callable[[FloatArray], FloatArray]

_TETRAHEDRON = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], dtype=np.float64)


def ellipsoid(points: FloatArray, center: tuple[float, ...], radii: tuple[float, ...]) -> FloatArray:
    """Distances (first order near the surface) to an axis-aligned ellipsoid."""
    inverse = 1.0 / np.array(radii)
    scaled = (points - np.array(center)) * inverse
    steep = scaled * inverse
    near = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    slope = np.sqrt(np.einsum("ij,ij->i", steep, steep))
    return near * (near - 1.0) / np.maximum(slope, 1e-9)


def round_cone(
    points: FloatArray, start: tuple[float, ...], end: tuple[float, ...], radius_start: float, radius_end: float
) -> FloatArray:
    """Distances to a capsule whose radius runs linearly from one end to the other."""
    origin, axis = np.array(start), np.array(end) - np.array(start)
    local = points - origin
    share = np.clip(np.einsum("ij,j->i", local, axis / (axis @ axis)), 0.0, 1.0)
    local -= share[:, None] * axis
    return np.sqrt(np.einsum("ij,ij->i", local, local)) - (radius_start + share * (radius_end - radius_start))


def smooth_union(first: FloatArray, second: FloatArray, width: float) -> FloatArray:
    """The union of two fields with a fillet about `width` wide."""
    share = np.clip(0.5 + 0.5 * (second - first) / width, 0.0, 1.0)
    return second + (first - second) * share - width * share * (1.0 - share)


def smooth_cut(body: FloatArray, tool: FloatArray, width: float) -> FloatArray:
    """`body` with `tool` taken away, the edge rounded over about `width`."""
    return -smooth_union(-body, tool, width)


def gradient(field: Field, points: FloatArray, step: float = 0.01) -> FloatArray:
    """Unit outward directions (N, 3) of a field, from four samples around each point."""
    total = np.zeros_like(points)
    for corner in _TETRAHEDRON:
        total += corner * field(points + step * corner)[:, None]
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def project(field: Field, points: FloatArray, steps: int = 6) -> FloatArray:
    """The points moved onto the zero surface by Newton steps along the field's direction."""
    moved = points.copy()
    for _ in range(steps):
        moved -= np.clip(field(moved), -1.5, 1.5)[:, None] * gradient(field, moved)
    return moved


def depth_along_y(field: Field, x: FloatArray, z: FloatArray, start_y: float = -5.0) -> FloatArray:
    """The y (N,) at which rays from the front (travelling to +y) first meet the surface, by sphere tracing."""
    points = np.stack([x, np.full_like(x, start_y), z], axis=1)
    for _ in range(40):
        points[:, 1] += 0.85 * field(points)
    return points[:, 1].copy()
