# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth, one-to-one blends of affine maps of the plane, by averaging their logarithms.

Source: V. Arsigny, O. Commowick, N. Ayache, X. Pennec, "A fast and log-Euclidean polyaffine framework for locally
linear registration", 2009. Affine maps are (2,3): linear part and translation; their logarithms too.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_ROOTS = 7


def applied(affine: Array, points: Array) -> Array:
    """(...,2) `points` moved by the affine map; or, of a logarithm, the velocities at `points`."""
    return points @ affine[:, :2].T + affine[:, 2]


def logarithms(affine: Array) -> Array:
    """(...,2,3) velocity fields whose flows for unit time are the maps `affine` (...,2,3), which turn by less than half
    a turn and do not mirror.

    By square roots until the map is near the identity, where its logarithm is a short series: log(M) = 2^n
    log(M^(1/2^n)).
    """
    for _ in range(_ROOTS):
        affine = _square_root(affine)
    near = affine - np.eye(2, 3)
    linear = near[..., :2]
    series = near - linear @ near / 2 + linear @ (linear @ near) / 3
    return series * 2**_ROOTS


def _square_root(affine: Array) -> Array:
    """The maps that, done twice, are `affine`: (A + r I) / sqrt(trace A + 2 r) for the linear part, r = sqrt(det A)."""
    linear, shift = affine[..., :2], affine[..., 2:]
    r = np.sqrt(np.maximum(np.linalg.det(linear), 1e-12))[..., None, None]
    trace = np.trace(linear, axis1=-2, axis2=-1)[..., None, None]
    root = (linear + r * np.eye(2)) / np.sqrt(np.maximum(trace + 2 * r, 1e-12))
    return np.concatenate([root, np.linalg.solve(root + np.eye(2), shift)], -1)


def carried(points: Array, velocity: Callable[[Array], Array], steps: int) -> Array:
    """(...,2) `points` after unit time in a velocity field (midpoint rule, so `steps` steps look it up twice each)."""
    for _ in range(steps):
        half = points + velocity(points) / (2 * steps)
        points = points + velocity(half) / steps
    return points


def tamed(linear: Array, stretch: float, turn_rad: float) -> Array:
    """`linear` (2,2), its stretches kept between 1/stretch and stretch, its turn within turn_rad, without mirroring."""
    left, sizes, right = np.linalg.svd(linear)
    if np.linalg.det(linear) < 0:
        right[1] *= -1
    turned = left @ right
    angle = float(np.clip(np.arctan2(turned[1, 0], turned[0, 0]), -turn_rad, turn_rad))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return rotation @ right.T @ np.diag(np.clip(sizes, 1 / stretch, stretch)) @ right


def unsheared(linear: Array, axes: Array, kept: float, stretch: float) -> Array:
    """`linear` (2,2) with only the share `kept` of its shear along `axes` (2,2), whose rows are unit vectors, and its
    stretches along them within 1/stretch and stretch. Turning is left alone.

    By the polar decomposition: a turn after a stretch, whose matrix in these axes has the shear off its diagonal.
    """
    left, sizes, right = np.linalg.svd(linear)
    turn, grown = left @ right, right.T @ np.diag(sizes) @ right
    along = axes @ grown @ axes.T
    limited = np.diag(np.clip(np.diag(along), 1 / stretch, stretch)) + kept * (along - np.diag(np.diag(along)))
    return turn @ axes.T @ limited @ axes


def affine_fit(points: Array, images: Array, share: Array, stiffness: float) -> Array:
    """(2,3) the map taking `points` (N,2) nearest to `images`, weighted by `share` (N,) which sums to 1.

    stiffness: 0 leaves the map free; large values leave it only turn, scale and shift (Umeyama's least squares).
    """
    before, after = share @ points, share @ images
    moved, still = points - before, images - after
    spread = (moved * share[:, None]).T @ moved
    turn = _similarity(moved, still, share)
    rest = (moved * share[:, None]).T @ (still - moved @ turn.T)
    linear = turn + np.linalg.solve(spread + stiffness * np.trace(spread) * np.eye(2), rest).T
    return np.column_stack([linear, after - linear @ before])


def _similarity(moved: Array, still: Array, share: Array) -> Array:
    along = (share * (moved * still).sum(1)).sum()
    across = (share * (moved[:, 0] * still[:, 1] - moved[:, 1] * still[:, 0])).sum()
    return np.array([[along, -across], [across, along]]) / (share * (moved**2).sum(1)).sum()
