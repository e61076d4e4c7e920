# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras around a head, and what points seen by several of them say about places in space. No bpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.array_types import FloatArray

HALF_VIEW = 0.12  # tangent of half the angle of view: a long lens, so that the face looks as it is
ROUNDS = 4  # of re-weighting in the triangulation
_LOOSE = 2.5  # residuals beyond this many sigmas count less and less


@dataclass(frozen=True)
class Frame:
    """Which way a head looks in world space: a rotation world from head (3, 3; x the subject's left, y up, z out of the
    face), its middle (3,), and about its height."""

    rotation: FloatArray
    centre: FloatArray
    height: float

    def turned(self, yaw_rad: float, pitch_rad: float) -> Frame:
        """The frame of a viewer who walks around the head: to its left by yaw, up by pitch."""
        cy, sy, cp, sp = np.cos(yaw_rad), np.sin(yaw_rad), np.cos(pitch_rad), np.sin(pitch_rad)
        about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
        about_x = np.array([[1.0, 0.0, 0.0], [0.0, cp, sp], [0.0, -sp, cp]])
        return Frame(self.rotation @ about_y @ about_x, self.centre, self.height)


@dataclass(frozen=True)
class View:
    """A camera that looks at a head from its frame's z: its axes in the world are the frame's."""

    frame: Frame
    size_px: int

    @property
    def place(self) -> FloatArray:
        """(3,) where the camera stands."""
        distance = self.frame.height / 2 / HALF_VIEW
        return self.frame.centre + distance * self.frame.rotation[:, 2]

    def rays(self, points_px: FloatArray) -> FloatArray:
        """(..., 3) directions of unit length in the world through picture points (..., 2), y down."""
        flat = (points_px / self.size_px * 2.0 - 1.0) * HALF_VIEW * [1.0, -1.0]
        local = np.concatenate([flat, -np.ones((*flat.shape[:-1], 1))], axis=-1)
        world = local @ self.frame.rotation.T
        return world / np.linalg.norm(world, axis=-1, keepdims=True)

    def project(self, points: FloatArray) -> FloatArray:
        """(..., 2) where points (..., 3) of the world are seen, pixels, y down."""
        local = (points - self.place) @ self.frame.rotation
        flat = local[..., :2] / -local[..., 2:] / HALF_VIEW * [1.0, -1.0]
        return (flat + 1.0) / 2.0 * self.size_px


@dataclass(frozen=True)
class Triangulated:
    """points (P, 3) in the world; spread (P,) the mean distance of the rays from each, in world units."""

    points: FloatArray
    spread: FloatArray


def triangulate(views: list[View], points_px: FloatArray, sigma_px: FloatArray) -> Triangulated:
    """Where rays of V views through points_px (V, P, 2), with sigmas (V, P), come nearest to meeting.

    Weighted least squares over the distances from the rays, re-weighted so that a view which errs does not pull.
    """
    origins = np.stack([view.place for view in views])
    directions = np.stack([view.rays(points) for view, points in zip(views, points_px, strict=True)])
    across = np.eye(3) - directions[..., :, None] * directions[..., None, :]
    unit = np.array([view.frame.height / view.size_px for view in views])[:, None]
    sigma = np.maximum(sigma_px, 0.5) * unit
    weights = sigma**-2.0
    for _ in range(ROUNDS):
        matrix = (weights[..., None, None] * across).sum(axis=0)
        right = (weights[..., None] * np.einsum("vpij,vj->vpi", across, origins)).sum(axis=0)
        points = np.linalg.solve(matrix, right[..., None])[..., 0]
        miss = np.linalg.norm(np.einsum("vpij,vpj->vpi", across, points[None] - origins[:, None]), axis=-1)
        weights = sigma**-2.0 / np.maximum(1.0, miss / (_LOOSE * sigma))
    return Triangulated(points, (weights * miss).sum(axis=0) / weights.sum(axis=0))


def fitted_frame(standard: FloatArray, points: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(rotation (3, 3) world from head, its head-frame origin (3,)) that lay a face over points, (P, 3) both.

    The best similarity in the weighted least-squares sense (S. Umeyama, "Least-Squares Estimation of Transformation
    Parameters Between Two Point Patterns", PAMI 1991), its scale left to the caller.
    """
    share = weights / weights.sum()
    own, other = share @ standard, share @ points
    left, sizes, right = np.linalg.svd((share[:, None] * (points - other)).T @ (standard - own))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ np.diag(sign) @ right
    scale = float((sizes * sign).sum() / (share @ ((standard - own) ** 2).sum(axis=1)))
    return rotation, other - scale * rotation @ own


def mirrored_mean(points: FloatArray, partners: list[int], weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(points (P, 3) made the same on both sides, plane (4,) normal and offset) about their own middle plane."""
    side = np.sign(np.asarray(partners) - np.arange(len(partners)))  # halves by the order of the points themselves
    normal = _unit((weights[:, None] * (points - points[partners]) * side[:, None]).sum(axis=0))
    middle = (weights[:, None] * (points + points[partners]) / 2).sum(axis=0) / weights.sum()
    plane = np.append(normal, normal @ middle)
    return (points + mirror(points[partners], plane)) / 2, plane


def mirror(points: FloatArray, plane: FloatArray) -> FloatArray:
    """(P, 3) points on the other side of a plane (4,)."""
    return points - 2.0 * (points @ plane[:3] - plane[3])[:, None] * plane[:3]


def _unit(vector: FloatArray) -> FloatArray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
