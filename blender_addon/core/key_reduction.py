# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys for a baked curve: those that its shape needs, to a stated error or a stated share, contacts exact."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from .array_types import BoolArray, FloatArray, IntArray

Interpolation: TypeAlias = Literal["bezier", "linear"]
KEPT_CARE = 4.0  # errors at frames that hold a contact count so much more
STILL = 1e-9  # a curve that moves by less has two keys


@dataclass(frozen=True, slots=True)
class ReductionSettings:
    """How far keys may be thinned out.

    error: the largest distance from the full curve, as a share of the curve's own range. share: of the frames, so many
    keys at most (contacts and the ends are kept all the same); None for no such limit. interpolation: how the animation
    program goes from key to key.
    """

    error: float = 0.005
    share: float | None = None
    interpolation: Interpolation = "bezier"

    def __post_init__(self) -> None:
        """Raise ValueError, in one sentence, for values that no curve can be reduced by."""
        if not 0.0 <= self.error <= 1.0:
            raise ValueError(f"The error of the reduced keys must lie between 0 and 1; it is {self.error}.")
        if self.share is not None and not 0.0 < self.share <= 1.0:
            raise ValueError(f"The share of keys must be above 0 and at most 1; it is {self.share}.")
        if self.interpolation not in ("bezier", "linear"):
            raise ValueError(f"Keys are joined by 'bezier' or 'linear', not by {self.interpolation!r}.")


@dataclass(frozen=True, slots=True)
class ReducedKeys:
    """K keys: frames (K,), values (K, D). slopes (K, D), per frame, or None for straight lines.

    A Bezier handle stands a third of the way to the next key, on the slope: (frame + dt / 3, value + slope dt / 3), and
    likewise before the key; then the curve is the cubic with these slopes, exactly (its time is linear). The slopes
    are such that the curve never leaves the span between two keys.
    """

    frames: IntArray
    values: FloatArray
    slopes: FloatArray | None


def reduce_keys(
    frames: IntArray, values: FloatArray, settings: ReductionSettings, *, kept: IntArray | None = None
) -> ReducedKeys:
    """Give the keys of a curve, or of several that share their keys (a quaternion's four).

    frames (N,), growing; values (N,) or (N, D). kept: frames on which the value must be exact (ends and peaks of
    contacts); those of them that are not in `frames` say nothing. First and last frame are always keys.
    """
    columns = values.reshape(len(frames), -1)
    spread = np.maximum(np.ptp(columns, axis=0), STILL)
    held = np.zeros(len(frames), np.bool_) if kept is None else np.isin(frames, kept)
    is_key = _start(columns, held)
    most = len(frames) if settings.share is None else max(round(settings.share * len(frames)), 2)
    care = np.where(held | np.roll(held, 1) | np.roll(held, -1), KEPT_CARE, 1.0)
    while int(is_key.sum()) < most:
        error = np.abs(_rebuilt(frames, columns, is_key, settings.interpolation) - columns) / spread
        worst = _worst(error.max(1) * care, is_key, limit=settings.error)
        if len(worst) == 0:
            break
        is_key[worst[: most - int(is_key.sum())]] = True
    keys = np.flatnonzero(is_key)
    slopes = _slopes(frames[keys], columns[keys]) if settings.interpolation == "bezier" else None
    return ReducedKeys(frames[keys], columns[keys], slopes)


def _start(columns: FloatArray, held: BoolArray) -> BoolArray:
    """Give the keys that there are in any case, (N,): the ends, and both ends of every run of held frames whose curve
    moves at all."""
    is_key = np.zeros(len(columns), np.bool_)
    is_key[[0, -1]] = True
    if bool((np.ptp(columns, axis=0) > STILL).any()):
        before, after = np.roll(held, 1), np.roll(held, -1)
        before[0] = after[-1] = False
        is_key |= held & ~(before & after)
    return is_key


def _rebuilt(frames: IntArray, columns: FloatArray, is_key: BoolArray, interpolation: Interpolation) -> FloatArray:
    """Give the curve that the keys make, at every frame, (N, D)."""
    keys = np.flatnonzero(is_key)
    slopes = _slopes(frames[keys], columns[keys]) if interpolation == "bezier" else None
    return curve_at(ReducedKeys(frames[keys], columns[keys], slopes), frames)


def curve_at(keys: ReducedKeys, frames: IntArray) -> FloatArray:
    """Give the values of reduced keys at frames between the first and the last, (N,) -> (N, D)."""
    if len(keys.frames) == 1:
        return np.repeat(keys.values, len(frames), 0)
    place = np.clip(np.searchsorted(keys.frames, frames, side="right") - 1, 0, len(keys.frames) - 2)
    span = (keys.frames[place + 1] - keys.frames[place])[:, None].astype(np.float64)
    share = (frames - keys.frames[place])[:, None] / span
    first, second = keys.values[place], keys.values[place + 1]
    if keys.slopes is None:
        return first + share * (second - first)
    leaving, coming = keys.slopes[place] * span, keys.slopes[place + 1] * span
    back = 1.0 - share
    bent = share * back * (back * leaving - share * coming)
    return first + share * share * (3.0 - 2.0 * share) * (second - first) + bent


def _slopes(frames: IntArray, values: FloatArray) -> FloatArray:
    """Give monotone slopes at the keys, (K, D) per frame: none at extremes, harmonic means between.

    F. N. Fritsch, R. E. Carlson, "Monotone Piecewise Cubic Interpolation", SIAM J. Numer. Anal. 17 (1980); the ends
    start flat.
    """
    slopes = np.zeros_like(values)
    if len(frames) < 3:
        return slopes
    span = np.diff(frames).astype(np.float64)[:, None]
    steep = np.diff(values, axis=0) / span
    one, other = 2.0 * span[1:] + span[:-1], span[1:] + 2.0 * span[:-1]
    same = steep[:-1] * steep[1:] > 0.0
    safe = np.where(same, steep[:-1], 1.0), np.where(same, steep[1:], 1.0)
    slopes[1:-1] = np.where(same, (one + other) / (one / safe[0] + other / safe[1]), 0.0)
    return slopes


def _worst(error: FloatArray, is_key: BoolArray, *, limit: float) -> IntArray:
    """Give, for every span between keys that is too far off, its worst frame; the worst of them first.

    Spans much better than the worst wait for another round, so that a limited number goes where it is needed.
    """
    keys = np.flatnonzero(is_key)
    found: list[tuple[float, int]] = []
    for first, last in pairwise(keys):
        if last - first < 2:
            continue
        inside = error[first + 1 : last]
        place = int(np.argmax(inside))
        if inside[place] > limit:
            found.append((-float(inside[place]), int(first) + 1 + place))
    found.sort()
    return np.array([place for size, place in found if -size >= -found[0][0] / 3.0], np.int64)
