# SPDX-License-Identifier: GPL-3.0-or-later
"""How sure the tracking of a take is: of each frame, of each point, and as a short strip over time."""

from __future__ import annotations

import itertools

import numpy as np

from .array_types import BoolArray, FloatArray

STRIP_LENGTH = 64
_LETTERS = "0123456789abcdef"
_HALF_SURE = 0.025  # of the face's size: a point that is known to this is half sure


def point_confidence(sigma_px: FloatArray, points_px: FloatArray, valid: BoolArray) -> FloatArray:
    """Give how sure each point is, 0..1.

    sigma_px: (T, P) standard deviations in pixels; points_px: (T, P, 2); valid: (T,). Returns (T, P): 1 / (1 + (sigma /
    scale)^2), the scale a share of the face's size in that frame; 0 where there is no face.
    """
    size = np.maximum(np.ptp(points_px, axis=1).max(axis=1), 1.0)
    return np.where(valid[:, None], 1.0 / (1.0 + (sigma_px / (_HALF_SURE * size[:, None])) ** 2), 0.0)


def frame_confidence(points: FloatArray, valid: BoolArray, stated: FloatArray | None = None) -> FloatArray:
    """Give how sure each frame is, 0..1: what the tracker states where it does, the middle of its points otherwise.

    points: (T, P) as of `point_confidence`; stated: (T,). Returns (T,), 0 where there is no face.
    """
    sure = np.median(points, axis=1) if stated is None else np.clip(stated.astype(np.float64), 0.0, 1.0)
    return np.where(valid, sure, 0.0)


def strip_of(confidence: FloatArray) -> str:
    """Give the confidence over time as at most STRIP_LENGTH hexadecimal digits, each the mean of its stretch."""
    count = min(STRIP_LENGTH, len(confidence))
    if count == 0:
        return ""
    edges = np.linspace(0, len(confidence), count + 1).astype(int)
    means = [float(confidence[first:after].mean()) for first, after in itertools.pairwise(edges)]
    return "".join(_LETTERS[round(15 * mean)] for mean in means)


def values_of_strip(strip: str) -> FloatArray:
    """Give a strip's confidences, 0..1; letters that are none count as 0."""
    return np.array([max(0, _LETTERS.find(letter)) / 15 for letter in strip])
