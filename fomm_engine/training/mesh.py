# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangle meshes: normals of the head, and the simple solids that are put around it."""

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int32]
Solid = tuple[FloatArray, IntArray]


@numba.njit(cache=True, fastmath=True)
def vertex_normals(vertices, triangles):  # noqa: ANN001, ANN201 - numba infers float32 (N, 3) and int32 (T, 3)
    """Unit normals (N, 3): the area-weighted mean over each vertex's triangles."""
    normals = np.zeros_like(vertices)
    for row in range(triangles.shape[0]):
        a, b, c = triangles[row, 0], triangles[row, 1], triangles[row, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz
    for row in range(normals.shape[0]):
        length = np.sqrt(normals[row, 0] ** 2 + normals[row, 1] ** 2 + normals[row, 2] ** 2) + 1e-9
        for axis in range(3):
            normals[row, axis] /= length
    return normals


def join(solids: list[Solid]) -> Solid:
    """One solid of several."""
    starts = np.cumsum([0] + [len(points) for points, _ in solids[:-1]])
    triangles = [ids + start for (_, ids), start in zip(solids, starts, strict=True)]
    return np.concatenate([points for points, _ in solids]), np.concatenate(triangles).astype(np.int32)


def tube(path: FloatArray, radius: float | FloatArray, sides: int = 6, *, closed: bool = False) -> Solid:
    """A tube around a polyline (n, 3); `radius` in cm may differ from point to point."""
    path = np.asarray(path, np.float64)
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9
    side = np.cross(ahead, (0.02, 0.05, 1.0))
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
    up = np.cross(side, ahead)
    angle = np.arange(sides) * (2 * np.pi / sides)
    ring = np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * up[:, None]
    points = path[:, None] + np.broadcast_to(radius, len(path))[:, None, None] * ring
    return points.reshape(-1, 3).astype(np.float32), grid_triangles(len(path), sides, closed=closed)


def grid_triangles(rings: int, sides: int, *, closed: bool = False) -> IntArray:
    """Triangles between consecutive rings of `sides` points each; `closed` joins the last ring to the first."""
    here = np.arange(rings if closed else rings - 1)[:, None] * sides
    after = (here + sides) % (rings * sides)
    step = np.arange(sides)[None]
    turn = (step + 1) % sides
    first = np.stack([here + step, after + step, after + turn], -1)
    second = np.stack([here + step, after + turn, here + turn], -1)
    return np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)]).astype(np.int32)


def fan(outline: FloatArray) -> Solid:
    """A disc: the outline (n, 3) joined to its centre."""
    count = len(outline)
    edge = np.arange(count)
    triangles = np.stack([np.zeros(count, np.int64), 1 + edge, 1 + (edge + 1) % count], 1)
    return np.concatenate([outline.mean(0)[None], outline]).astype(np.float32), triangles.astype(np.int32)


def torso(shoulder_width: float, top: float) -> Solid:
    """Neck base and shoulders as stacked ellipses, in cm of the head frame; `top` is the height of the collar."""
    heights = top + np.array([1.5, 0.0, -2.0, -4.0, -7.0, -12.0, -40.0])
    widths = np.array([5.5, 7.0, 10.0, 14.0, shoulder_width * 0.9, shoulder_width, shoulder_width])
    depths = np.array([5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0])
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rings = np.stack(
        [
            widths[:, None] * np.cos(angle),
            np.repeat(heights[:, None], len(angle), 1),
            depths[:, None] * np.sin(angle) - 2.0,
        ],
        -1,
    )
    return rings.reshape(-1, 3).astype(np.float32), grid_triangles(len(heights), len(angle))
