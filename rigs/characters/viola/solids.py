# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain meshes and the ways the smaller parts are made: swept tubes, grids and turned profiles, mirrored and joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rigs.characters.viola.proportions import FloatArray

Face = tuple[int, ...]


@dataclass(frozen=True)
class Solid:
    """Points (N, 3) in cm, faces wound counter-clockwise seen from outside, and for each face its material's name.

    `lid` is 1 where the whole solid rides on the upper lids and -1 on the lower ones. `tint` (N, 3) is linear RGB.
    """

    points: FloatArray
    faces: list[Face]
    materials: list[str]
    tint: FloatArray
    lid: int = 0


def solid(points: FloatArray, faces: list[Face], material: str, tint: tuple[float, ...], lid: int = 0) -> Solid:
    """A solid of one material and one tint."""
    return Solid(points, faces, [material] * len(faces), np.tile(np.array(tint[:3]), (len(points), 1)), lid)


def joined(parts: list[Solid]) -> Solid:
    """The parts as one solid, in their order; `lid` is the first part's."""
    faces: list[Face] = []
    first = 0
    for part in parts:
        faces += [tuple(v + first for v in face) for face in part.faces]
        first += len(part.points)
    return Solid(
        np.concatenate([part.points for part in parts]),
        faces,
        [name for part in parts for name in part.materials],
        np.concatenate([part.tint for part in parts]),
        parts[0].lid,
    )


def with_mirror_image(part: Solid) -> Solid:
    """The part followed by its image across x = 0, vertex for vertex."""
    image = Solid(
        part.points * np.array([-1.0, 1.0, 1.0]), [f[::-1] for f in part.faces], part.materials, part.tint, part.lid
    )
    return joined([part, image])


def grid_faces(rows: int, columns: int, *, wrap: bool = False) -> list[Face]:
    """Quads of a grid of points stored row by row; `wrap` joins the last column to the first.

    Outside is where rows run down and columns to the right.
    """
    faces: list[Face] = []
    for r in range(rows - 1):
        for c in range(columns if wrap else columns - 1):
            d = (c + 1) % columns
            faces.append((r * columns + c, (r + 1) * columns + c, (r + 1) * columns + d, r * columns + d))
    return faces


def capped_tube_faces(rows: int, columns: int) -> list[Face]:
    """Faces of a wrapped grid whose first and last rows are closed by one polygon each."""
    faces = grid_faces(rows, columns, wrap=True)
    faces.append(tuple(range(columns)))
    faces.append(tuple(reversed(range((rows - 1) * columns, rows * columns))))
    return faces


def frames_along(path: FloatArray, up: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Unit side and normal vectors (N, 3) along a path (N, 3), the normals as near `up` (N, 3) as they can be."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    side = np.cross(tangent, up)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    return side, np.cross(side, tangent)


def swept(path: FloatArray, up: FloatArray, half_size: FloatArray, sides: int) -> FloatArray:
    """Points (N * sides, 3) of an elliptic tube along a path; `half_size` (N, 2) is half its width and thickness."""
    side, normal = frames_along(path, up)
    turn = np.linspace(0.0, 2.0 * np.pi, sides, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    across = half_size[:, None, 0:1] * ring[None, :, 0:1] * side[:, None]
    outward = half_size[:, None, 1:2] * ring[None, :, 1:2] * normal[:, None]
    return (path[:, None] + across + outward).reshape(-1, 3)
