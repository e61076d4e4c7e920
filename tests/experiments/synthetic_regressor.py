# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the engine's regressor: random features and ridge regression on synthetic faces, r about .75."""

import numpy as np

from blender_addon.core import rotation
from blender_addon.core.array_types import FloatArray

from .synthetic_take import Errors, PointModel, make_take


def features(points_px: FloatArray, pose: FloatArray, neutral_frame: int) -> FloatArray:
    """Shape differences from neutral with roll, scale and place taken out, and the pose: (T, F)."""
    x = points_px - points_px[:, 27:36].mean(1, keepdims=True)
    x = x / np.linalg.norm(points_px[:, 36] - points_px[:, 45], axis=1)[:, None, None]
    roll = np.arctan2(pose[:, 1, 0], pose[:, 0, 0])
    c, s = np.cos(roll), np.sin(roll)
    x = np.stack([c[:, None] * x[..., 0] - s[:, None] * x[..., 1], s[:, None] * x[..., 0] + c[:, None] * x[..., 1]], -1)
    angles = rotation.rotvec_from_matrix(pose)
    return np.concatenate([(x - x[neutral_frame]).reshape(len(x), -1) * 10, angles * 2], 1)


def train(points: PointModel, rng: np.random.Generator, *, takes: int = 120, width: int = 900):
    """A function (points_px, pose, neutral_frame=) -> (T, 52) trained on `takes` takes."""
    xs, ys = [], []
    for _ in range(takes):
        take = make_take(points, rng, errors=Errors(), seconds=4.0)
        angle = np.linalg.norm(rotation.rotvec_from_matrix(take.rotation), axis=1)
        calm = int(np.argmin(take.weights.sum(1) + 2 * angle))
        seen = take.tracks.points_px
        xs.append(features(seen, take.tracks.head_rotation, calm)[::2])
        ys.append(take.weights[::2])
    x, y = np.concatenate(xs), np.concatenate(ys)
    hidden, offset = rng.normal(0, 0.35, (x.shape[1], width)), rng.normal(0, 1, width)

    def lift(v: FloatArray) -> FloatArray:
        return np.concatenate([v, np.maximum(v @ hidden / 3 + offset, 0), np.ones((len(v), 1))], 1)

    z = lift(x)
    table = np.linalg.solve(z.T @ z + 40.0 * np.eye(z.shape[1]), z.T @ y)

    def regressor(points_px: FloatArray, pose: FloatArray, *, neutral_frame: int) -> FloatArray:
        return np.clip(lift(features(points_px, pose, neutral_frame)) @ table, 0, 1)

    return regressor
