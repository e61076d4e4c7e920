# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing that takes noise away and leaves events: a bilateral filter in time, symmetric and so without lag.

Each frame becomes the mean of its neighbours, weighted by nearness in time and by likeness in value (C. Tomasi,
R. Manduchi, ICCV 1998). What differs by more than the curve's own noise (a blink, a snap of the head) is not averaged.
"""

import numpy as np

from . import rotation
from .array_types import FloatArray

WINDOW_S = 0.07  # standard deviation of the nearness in time at strength 1
LIKENESS = 4.0  # a neighbour within this many noise deviations counts as the same value
REACH = 2.5  # window deviations that are looked at on each side
FURTHEST = 1000  # frames on each side, whatever the time stamps say
SECOND_DIFFERENCE_GAIN = 6.0**0.5  # deviation of x[t-1] - 2 x[t] + x[t+1] of white noise of deviation 1
MEDIAN_TO_SIGMA = 1.4826


def noise_sigma(values: FloatArray) -> FloatArray:
    """Give the white noise in each column of a curve, (T, C) -> (C,): from the median second difference.

    The median does not see rare events; a straight line has no noise. Fewer than three frames have none either.
    """
    if len(values) < 3:
        return np.zeros_like(values, shape=values.shape[1:])
    bend = values[2:] - 2.0 * values[1:-1] + values[:-2]
    ordered = np.sort(np.abs(bend), axis=0)
    middle = (ordered[(len(bend) - 1) // 2] + ordered[len(bend) // 2]) / 2.0  # the median of each column
    return middle * (MEDIAN_TO_SIGMA / SECOND_DIFFERENCE_GAIN)


def smooth_columns(
    values: FloatArray, time_s: FloatArray, *, strength: FloatArray, least_noise: float, keep: FloatArray | None = None
) -> FloatArray:
    """Give smoothed curves, (T, C) -> (T, C).

    strength: (C,), 0 leaves a column as it is. least_noise: the noise that is assumed at least, in the values' unit.
    keep: (T, C) in 0..1, where 1 keeps the raw value (closed lids). Means of values in bounds stay in bounds.
    """
    likeness = LIKENESS * np.maximum(noise_sigma(values), least_noise)
    distances = values / np.maximum(likeness, 1e-12)
    result = _bilateral(values, time_s, strength=strength, distances=distances)
    return result if keep is None else result + keep * (values - result)


def smooth_turns(turns: FloatArray, time_s: FloatArray, *, strength: float, least_noise_rad: float) -> FloatArray:
    """Give smoothed rotations, (T, 4) -> (T, 4), sign-continuous.

    The mean is taken in the tangent space of each frame's own rotation (its neighbours' differences as rotation
    vectors), so that it depends neither on the reference nor on the angle's size.
    """
    if strength <= 0.0 or len(turns) < 3:
        return turns
    back = turns * np.array([1.0, -1.0, -1.0, -1.0])
    step = rotation.rotvec_from_quaternion(rotation.multiply(turns[1:], back[:-1]))
    bend = np.linalg.norm(np.diff(step, axis=0), axis=1) / 3.0**0.5
    sigma = max(float(MEDIAN_TO_SIGMA * np.median(bend) / SECOND_DIFFERENCE_GAIN), least_noise_rad)
    total, weights = np.zeros((len(turns), 3)), np.ones(len(turns))
    for offset in _offsets(time_s, strength):
        here, there = _pair(len(turns), offset)
        difference = rotation.rotvec_from_quaternion(rotation.multiply(turns[there], back[here]))
        unlike = np.sum(difference**2, 1) / (LIKENESS * 3.0**0.5 * sigma) ** 2
        weight = np.exp(-0.5 * (unlike + ((time_s[there] - time_s[here]) / (WINDOW_S * strength)) ** 2))
        total[here] += weight[:, None] * difference
        weights[here] += weight
    mean = rotation.quaternion_from_rotvec(total / weights[:, None])
    return rotation.sign_continuous(rotation.multiply(mean, turns))


def _offsets(time_s: FloatArray, strength: float) -> list[int]:
    """Give the frame offsets that the window reaches, both ways."""
    if len(time_s) < 2 or strength <= 0.0:
        return []
    reach = int(np.ceil(REACH * WINDOW_S * strength / float(np.median(np.diff(time_s)))))
    reach = min(reach, len(time_s) - 1, FURTHEST)
    return [offset for offset in range(-reach, reach + 1) if offset]


def _pair(count: int, offset: int) -> tuple[slice, slice]:
    """Give the slices of the frames that have a neighbour at an offset, and of those neighbours."""
    return slice(max(0, -offset), count - max(0, offset)), slice(max(0, offset), count - max(0, -offset))


def _bilateral(values: FloatArray, time_s: FloatArray, *, strength: FloatArray, distances: FloatArray) -> FloatArray:
    """Give the weighted means."""
    if not bool((strength > 0).any()):
        return values
    window = np.where(strength > 0, WINDOW_S * strength, 1e-9)
    total, weights = values.copy(), np.ones_like(values)
    for offset in _offsets(time_s, float(strength.max())):
        here, there = _pair(len(values), offset)
        apart_s = (time_s[there] - time_s[here])[:, None]
        weight = np.exp(-0.5 * ((distances[there] - distances[here]) ** 2 + (apart_s / window) ** 2))
        total[here] += weight * values[there]
        weights[here] += weight
    return total / weights
