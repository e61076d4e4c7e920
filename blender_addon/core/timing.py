# SPDX-License-Identifier: GPL-3.0-or-later
"""Time: a take's exact time stamps and the frames of a scene, joined by fractions.

A scene frame n shows the media time (n - start_frame) * den / num - offset, with the rate num/den kept as integers, so
that 29.97 fps is 30000/1001 and an hour of it is still on the frame.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .array_types import BoolArray, FloatArray, IntArray

FRAME_TOLERANCE = 1e-4  # of a frame: two clocks that differ by less show the same picture
LEAST_STEP_S = 1e-6  # no camera makes a million pictures a second
LARGEST_TIME_S = 1e6  # eleven days
LAST_SCENE_FRAME = 1_048_574  # Blender's timeline ends there, and begins as far below zero


@dataclass(frozen=True, slots=True)
class SceneClock:
    """The scene's clock: the frame on which the media starts, the rate (num, den) per second, and a shift in
    seconds."""

    start_frame: int
    frame_rate: tuple[int, int]
    time_offset_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a rate that is no rate, and a shift that is no time."""
        num, den = self.frame_rate
        if num <= 0 or den <= 0:
            raise ValueError(f"The frame rate must be two positive integers; it is {num}/{den}.")
        if not abs(self.time_offset_s) <= LARGEST_TIME_S:
            raise ValueError(f"The motion cannot be moved by {self.time_offset_s} s.")

    def time_s(self, frames: IntArray) -> FloatArray:
        """Give the media time shown at scene frames.

        frames: (N,) int. Returns (N,) seconds from the start of the media. Integer arithmetic up to the one division.
        """
        num, den = self.frame_rate
        return ((frames.astype(np.int64) - self.start_frame) * den) / num - self.time_offset_s

    def nearest_frame(self, at_s: float) -> int:
        """Give the whole scene frame nearest to a time of the media, in seconds from its start."""
        num, den = self.frame_rate
        return round((at_s + self.time_offset_s) * num / den) + self.start_frame

    def frames_within(self, first_s: float, last_s: float) -> IntArray:
        """Give the scene frames whose pictures lie in a span of the media.

        first_s, last_s: seconds from the start of the media, both included. At least one frame is given.
        """
        num, den = self.frame_rate
        rate = num / den
        first = int(np.ceil((first_s + self.time_offset_s) * rate - FRAME_TOLERANCE))
        last = max(first, int(np.floor((last_s + self.time_offset_s) * rate + FRAME_TOLERANCE)))
        ends = first + self.start_frame, last + self.start_frame
        if min(ends) < -LAST_SCENE_FRAME or max(ends) > LAST_SCENE_FRAME:
            raise ValueError(f"The take would reach from frame {ends[0]} to {ends[1]}, beyond the timeline of Blender.")
        return np.arange(first, last + 1, dtype=np.int64) + self.start_frame


def rate_from_number(rate_fps: float) -> tuple[int, int]:
    """Give the fraction (num, den) that a frame rate in decimals stands for: 29.97 is 30000/1001, 23.976 is 24000/1001.

    Raises ValueError when the number is not positive.
    """
    if not rate_fps > 0:
        raise ValueError(f"The frame rate must be positive; it is {rate_fps}.")
    whole = Fraction(round(rate_fps))
    if whole > 0 and abs(float(whole) - rate_fps) < 1e-6:
        return int(whole), 1
    ntsc = Fraction(round(rate_fps * 1.001) * 1000, 1001)
    nearest = ntsc if abs(float(ntsc) - rate_fps) < 0.01 else Fraction(rate_fps).limit_denominator(1001)
    return nearest.numerator, nearest.denominator


def require_increasing(time_s: FloatArray) -> None:
    """Raise ValueError unless time stamps are finite, within LARGEST_TIME_S and grow from each frame to the next."""
    if time_s.ndim != 1 or len(time_s) == 0:
        raise ValueError("The take holds no frames.")
    if not bool((np.abs(time_s) <= LARGEST_TIME_S).all()) or bool((np.diff(time_s) < LEAST_STEP_S).any()):
        raise ValueError("The take's time stamps must be finite and grow from frame to frame.")


def bracket(time_s: FloatArray, at_s: FloatArray) -> tuple[IntArray, FloatArray]:
    """Give, for each asked time, the take's frame at or before it and the share of the way to the next one.

    time_s: (T,) increasing; at_s: (N,). Returns (lower (N,) in 0..T-2, or 0 when T = 1; share (N,) in 0..1). Times
    outside the take are held at its ends. A share within FRAME_TOLERANCE of 0 or 1 becomes exactly that, so that
    coinciding frames keep their values to the last bit.
    """
    if len(time_s) == 1:
        return np.zeros(len(at_s), np.int64), np.zeros(len(at_s))
    lower = np.clip(np.searchsorted(time_s, at_s, side="right") - 1, 0, len(time_s) - 2).astype(np.int64)
    share = np.clip((at_s - time_s[lower]) / (time_s[lower + 1] - time_s[lower]), 0.0, 1.0)
    share = np.where(share < FRAME_TOLERANCE, 0.0, share)
    return lower, np.where(share > 1.0 - FRAME_TOLERANCE, 1.0, share)


def resample_linear(values: FloatArray, time_s: FloatArray, at_s: FloatArray) -> FloatArray:
    """Give values at other times, on straight lines between frames.

    values: (T, ...); time_s: (T,) seconds; at_s: (N,) seconds. Returns (N, ...). Bounds are kept, ends are held.
    """
    lower, share = bracket(time_s, at_s)
    upper = np.minimum(lower + 1, len(time_s) - 1)
    part = share.reshape((-1,) + (1,) * (values.ndim - 1))
    return np.where(part == 1.0, values[upper], values[lower] + part * (values[upper] - values[lower]))


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of frames without a face: first and last frame (0-based, both lost) and the time it spans in seconds."""

    first: int
    last: int
    duration_s: float


def find_gaps(valid: BoolArray, time_s: FloatArray) -> tuple[Gap, ...]:
    """Give the runs of invalid frames, in order.

    duration_s runs from the valid frame before to the valid frame after; at the take's ends to the end itself.
    """
    padded = np.concatenate([[True], valid, [True]]).astype(np.int8)
    edges = np.diff(padded)
    firsts, afters = np.flatnonzero(edges == -1), np.flatnonzero(edges == 1)
    last_frame = len(valid) - 1
    return tuple(
        Gap(int(a), int(b) - 1, float(time_s[min(int(b), last_frame)] - time_s[max(int(a) - 1, 0)]))
        for a, b in zip(firsts, afters, strict=True)
    )


def bridge_positions(valid: BoolArray, time_s: FloatArray, *, bridge_s: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Give, for every frame, which two valid frames stand in for it and the share of the second.

    Returns (before (T,), after (T,), share (T,)): a valid frame stands for itself; a gap up to bridge_s is crossed on a
    line; a longer one holds its first neighbour and goes over to the second within the last bridge_s, easing in and
    out; the take's ends hold the nearest valid frame. Raises ValueError when no frame is valid.
    """
    if not bool(valid.any()):
        raise ValueError("No frame of the take shows a face; there is nothing to retarget.")
    here = np.arange(len(valid))
    before = np.maximum.accumulate(np.where(valid, here, -1))
    after = np.minimum.accumulate(np.where(valid, here, len(valid))[::-1])[::-1]
    before = np.where(before < 0, after, before)
    after = np.where(after >= len(valid), before, after)
    span_s = np.maximum(time_s[after] - time_s[before], 1e-9)
    blend_s = np.minimum(span_s, max(bridge_s, 1e-9))
    share = np.clip(1.0 - (time_s[after] - time_s) / blend_s, 0.0, 1.0)
    share = np.where(span_s > bridge_s, share * share * (3.0 - 2.0 * share), share)
    return before.astype(np.int64), after.astype(np.int64), np.where(before == after, 0.0, share)
