# SPDX-License-Identifier: GPL-3.0-or-later
"""Timecodes with sub-frames ("HH:MM:SS:FF.mmm") to and from frames, and the frame rate that their steps stand for.

A device's timecode counts frames of a whole rate (24, 25, 30, 60); the sub-frame says how far into the frame the sample
lies. Samples at another rate (29.97 under a 30 timecode) step by 1.001 frames, so that times and rate stay exact.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from .array_types import FloatArray

PLAIN_RATES = (24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
USUAL_RATES: tuple[tuple[int, int], ...] = (
    *((rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)),
    *((rate, 1) for rate in (*PLAIN_RATES, 12, 15, 20)),
)
RATE_TOLERANCE = 0.003  # of a rate: timecodes are rounded, and devices' clocks drift
GRID_TOLERANCE = 0.002  # of a frame: what rounding a sub-frame to three digits can do, twice
APP_RATE = 60  # what the phone app counts in where a short recording does not show it
HALF_DAY_H = 12
_TIMECODE = re.compile(r"(\d{1,2})[:;](\d{1,2})[:;](\d{1,2})([:;])(\d{1,3})(?:\.(\d{1,6}))?")


@dataclass(frozen=True, slots=True)
class Timecode:
    """One timecode's parts; `frame` holds the sub-frame after its point, `drop` tells of drop-frame counting (";")."""

    hour: int
    minute: int
    second: int
    frame: float
    drop: bool = False


def parse_timecode(text: str) -> Timecode:
    """Give the parts of "HH:MM:SS:FF.mmm" (";" before FF: drop-frame). Raises ValueError where the text is none."""
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is no timecode; expected HH:MM:SS:FF.mmm.")
    hour, minute, second = (int(match.group(number)) for number in (1, 2, 3))
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{text[:40]!r} is no time of a day.")
    frame = float(f"{match.group(5)}.{match.group(6) or 0}")
    return Timecode(hour, minute, second, frame, match.group(4) == ";")


def counted_rate(codes: Sequence[Timecode]) -> tuple[int, bool]:
    """Give the whole rate that timecodes count in, and whether they show it.

    They show it where a second ends within them: the highest frame before the end is the last of that second.
    """
    highest = int(max(code.frame for code in codes))
    ended = any(a.second != b.second for a, b in pairwise(codes))
    fitting = [rate for rate in PLAIN_RATES if rate > highest]
    if not fitting:
        raise ValueError(f"The timecodes count to frame {highest} within a second, which is no rate that is used.")
    return (fitting[0], True) if ended else (max(APP_RATE, fitting[0]), False)


def plain_rate(frame_rate: tuple[int, int]) -> int:
    """Give the whole rate in which timecodes of samples at `frame_rate` count: the next that is in use."""
    wanted = round(frame_rate[0] / frame_rate[1])
    return next((rate for rate in PLAIN_RATES if rate >= wanted), wanted)


def frames_of(codes: Sequence[Timecode], rate: int) -> FloatArray:
    """Give timecodes as frames since midnight, (T,), going on beyond midnight; drop-frame numbers are made good."""
    found = np.array([_frame_of(code, rate) for code in codes], np.float64)
    back = np.diff(found) < -HALF_DAY_H * 3600 * rate
    found[1:] += np.cumsum(back) * 24 * 3600 * rate
    return found


def _frame_of(code: Timecode, rate: int) -> float:
    """Give one timecode as frames since midnight. Drop-frame leaves out 2 numbers of 30 each minute but each tenth."""
    minutes = code.hour * 60 + code.minute
    frame = (minutes * 60 + code.second) * rate + code.frame
    if code.drop:
        frame -= (rate // 15) * (minutes - minutes // 10)
    return frame


def clock_rate(codes: Sequence[Timecode], rate: int) -> float:
    """Give how many counted frames pass in a second: drop-frame timecode counts 30000/1001, not 30."""
    return rate * 1000 / 1001 if codes[0].drop else float(rate)


def sample_rate(frames: FloatArray, rate: float) -> tuple[int, int]:
    """Give the rate (num, den) at which samples at these frames of a clock were taken; lost samples do no harm.

    frames: (T,) growing; rate: the clock's. The nearest rate in use, where there is one within RATE_TOLERANCE.
    """
    if len(frames) < 2:
        return min(USUAL_RATES, key=lambda usual: abs(usual[0] / usual[1] - rate))
    steps = np.diff(frames)
    step = float(np.median(steps))
    counts = np.maximum(np.round(steps / step), 1.0)
    found = rate * float(counts.sum()) / float(steps.sum())
    nearest = min(USUAL_RATES, key=lambda usual: abs(usual[0] / usual[1] - found))
    if abs(nearest[0] / nearest[1] / found - 1.0) <= RATE_TOLERANCE:
        return nearest
    near = Fraction(found).limit_denominator(1001)
    return max(near.numerator, 1), near.denominator


def times_of(frames: FloatArray, rate: float, sampled: tuple[int, int]) -> FloatArray:
    """Give seconds from the first sample, (T,); exactly on the sampled rate's grid where all samples lie on it."""
    offset: FloatArray = frames - frames[0]
    period = rate * sampled[1] / sampled[0]
    places: FloatArray = np.round(offset / period)
    if bool((np.abs(offset - places * period) <= GRID_TOLERANCE).all()):
        return places * sampled[1] / sampled[0]
    return offset / rate


def format_timecodes(start: Timecode, time_s: FloatArray, rate: int) -> list[str]:
    """Give "HH:MM:SS:FF.mmm" for seconds after a start, counting whole frames of `rate` without dropping numbers."""
    first = _frame_of(replace(start, drop=False), rate) * 1000.0  # the time of day stays what was read
    thousandths = np.round(first + time_s * rate * 1000.0).astype(np.int64) % (24 * 3600 * rate * 1000)
    texts: list[str] = []
    for value in thousandths.tolist():
        frame, part = divmod(value, 1000)
        second, frame = divmod(frame, rate)
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        texts.append(f"{hour:02d}:{minute:02d}:{second:02d}:{frame:02d}.{part:03d}")
    return texts
