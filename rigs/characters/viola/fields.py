# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights over space from which the shape keys are made: soft bumps, soft steps, and the split of left from right."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola.proportions import FloatArray


def soft_step(values: FloatArray, low: float, high: float) -> FloatArray:
    """0 below `low`, 1 above `high` (which may be the smaller one), smooth between (3 s^2 - 2 s^3)."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def bump(points: FloatArray, center: tuple[float, ...], radii: tuple[float, ...]) -> FloatArray:
    """Gaussian weights (N,): 1 at `center`, 1/e at one radius along an axis."""
    return np.exp(-np.sum(((points - np.array(center)) / np.array(radii)) ** 2, axis=1))


def left_share(points: FloatArray, width: float = 1.0) -> FloatArray:
    """Weights (N,) from 0 at x <= -width to 1 at x >= width; with its mirror image they add up to 1."""
    return soft_step(points[:, 0], -width, width)


def push(weights: FloatArray, direction: tuple[float, ...]) -> FloatArray:
    """Displacements (N, 3): one direction, in cm, weighted for each vertex."""
    return weights[:, None] * np.array(direction)


def rotate_about_x(points: FloatArray, pivot: tuple[float, ...], angle_rad: float) -> FloatArray:
    """Displacements (N, 3) of a turn about the x axis through `pivot`; positive moves what is in front downwards."""
    local = points - np.array(pivot)
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    y = cosine * local[:, 1] - sine * local[:, 2]
    z = sine * local[:, 1] + cosine * local[:, 2]
    return np.stack([np.zeros(len(points)), y - local[:, 1], z - local[:, 2]], axis=1)
