# SPDX-License-Identifier: GPL-3.0-or-later
"""What no neck can do does not reach the rig: turns and shifts faster than a head are taken out or slowed down."""

from dataclasses import dataclass

import numpy as np

from . import rotation
from .array_types import BoolArray, FloatArray

SPIKE_S = 0.2  # away and back within this time is an error of the tracker, not a motion
LARGEST_TURN_RAD = np.radians(150.0)  # against neutral, body and all; beyond half a turn a rotation has two senses


@dataclass(frozen=True, slots=True)
class HeadSpeeds:
    """What a head can do: turn in radians a second, shift in cm a second."""

    turn_rad: float = float(np.radians(1500.0))  # a blow to the head reaches that; a quick shake half of it
    shift_cm: float = 600.0


def limited_turn(turn: FloatArray, time_s: FloatArray, speeds: HeadSpeeds) -> tuple[FloatArray, BoolArray]:
    """Give turns against neutral, (T, 4) -> (T, 4), sign-continuous, as fast and as far as a head goes; and the frames
    that were changed, (T,). Turns that a head can make come back as they are."""
    vectors = rotation.rotvec_from_quaternion(turn)
    kept, changed = limited(within_reach(vectors), time_s, speeds.turn_rad)
    changed |= np.linalg.norm(vectors, axis=1) > LARGEST_TURN_RAD
    if not bool(changed.any()):
        return turn, changed
    return rotation.sign_continuous(rotation.quaternion_from_rotvec(kept)), changed


def within_reach(vectors: FloatArray) -> FloatArray:
    """Give rotation vectors (T, 3) of at most LARGEST_TURN_RAD."""
    angle = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors * np.minimum(1.0, LARGEST_TURN_RAD / np.maximum(angle, 1e-9))


def limited(values: FloatArray, time_s: FloatArray, speed: float) -> tuple[FloatArray, BoolArray]:
    """Give a track (T, 3) that nowhere moves faster than `speed` a second, and the frames that were changed, (T,).

    What leaves and comes back within SPIKE_S goes on a line instead; a jump that stays is followed at full speed.
    """
    reach = speed * np.diff(time_s)
    jumps = np.flatnonzero(np.linalg.norm(np.diff(values, axis=0), axis=1) > reach)
    changed = np.zeros(len(values), np.bool_)
    if len(jumps) == 0:
        return values, changed
    result = values.copy()
    for leaves, returns in zip(jumps[:-1].tolist(), jumps[1:].tolist(), strict=True):
        _bridge_spike(result, changed, time_s, span=(leaves, returns + 1), speed=speed)
    _follow(result, changed, reach, first=int(jumps[0]) + 1)
    return result, changed


def _bridge_spike(
    values: FloatArray, changed: BoolArray, time_s: FloatArray, *, span: tuple[int, int], speed: float
) -> None:
    """Put the frames between two on a line, where these are near in time and a head can go from one to the other."""
    before, after = span
    apart_s = float(time_s[after] - time_s[before])
    step = values[after] - values[before]
    if apart_s > SPIKE_S or float(np.linalg.norm(step)) > speed * apart_s:
        return
    share = (time_s[before + 1 : after] - time_s[before]) / apart_s
    values[before + 1 : after] = values[before] + share[:, None] * step
    changed[before + 1 : after] = True


def _follow(values: FloatArray, changed: BoolArray, reach: FloatArray, *, first: int) -> None:
    """Hold every step from frame `first` on within its reach (T - 1,)."""
    for frame in range(first, len(values)):
        step = values[frame] - values[frame - 1]
        size = float(np.linalg.norm(step))
        if size > reach[frame - 1]:
            values[frame] = values[frame - 1] + step * (reach[frame - 1] / size)
            changed[frame] = True
