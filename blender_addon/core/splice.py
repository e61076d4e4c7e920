# SPDX-License-Identifier: GPL-3.0-or-later
"""Two performances on one character: some controls follow the second one, for a while or all the time."""

from dataclasses import dataclass, replace

import numpy as np

from . import rotation
from .array_types import FloatArray, IntArray
from .curves import Curves


@dataclass(frozen=True, slots=True)
class Span:
    """Scene frames first..last (both included) over which the second performance leads, and the frames that each
    change-over takes, before `first` and after `last` none of it is seen."""

    first: int
    last: int
    blend: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a span that ends before it starts, or a blend that is no length; raises ValueError."""
        if self.last < self.first:
            raise ValueError(f"The splice ends on frame {self.last}, before it starts on frame {self.first}.")
        if not 0.0 <= self.blend < np.inf:
            raise ValueError(f"The splice's blend must not be negative; it is {self.blend}.")


def lead(frames: IntArray, span: Span | None) -> FloatArray:
    """Give how far the second performance leads on each frame, (N,) in 0..1; everywhere fully without a span.

    The change-overs ease in and out and lie within the span; a span shorter than two of them goes as far as it can.
    """
    if span is None:
        return np.ones(len(frames))
    at = frames.astype(np.float64)
    blend = min(span.blend, (span.last - span.first) / 2.0)
    inside = ((at >= span.first) & (at <= span.last)).astype(np.float64)
    if blend <= 0.0:
        return inside
    share = np.clip(np.minimum(at - span.first, span.last - at) / blend, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share) * inside


def spliced(first: Curves, second: Curves, span: Span | None = None) -> Curves:
    """Give the first performance's curves, with everything that `second` holds blended over from it.

    second: only what it leads (the caller leaves out the rest); it is held at its ends where it is shorter. A control
    that only the second has stays out, because the first has nothing to blend from. Values go on straight lines, turns
    on the shortest way.
    """
    share = lead(first.frames, span)
    place = np.clip(first.frames - second.frames[0], 0, len(second.frames) - 1)

    def values(ours: dict[str, FloatArray], theirs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        return {name: _blend(own, theirs[name][place], share) if name in theirs else own for name, own in ours.items()}

    rotations = {
        name: rotation.sign_continuous(rotation.slerp(own, second.bone_rotations[name][place], share))
        if name in second.bone_rotations
        else own
        for name, own in first.bone_rotations.items()
    }
    return replace(
        first,
        shape_values=values(first.shape_values, second.shape_values),
        bone_rotations=rotations,
        bone_locations=values(first.bone_locations, second.bone_locations),
        bone_scales=values(first.bone_scales, second.bone_scales),
        control_values=values(first.control_values, second.control_values),
        kept_frames=_both(first.kept_frames, second.kept_frames),
    )


def cut(curves: Curves, first: int, last: int) -> Curves:
    """Give the curves' part on the frames first..last. Raises ValueError where they have none of these frames."""
    keep = (curves.frames >= first) & (curves.frames <= last)
    if not bool(keep.any()):
        covered = f"{curves.frames[0]} to {curves.frames[-1]}"
        raise ValueError(f"The other take covers the frames {covered}, not {first} to {last}.")

    def part(values: dict[str, FloatArray]) -> dict[str, FloatArray]:
        return {name: own[keep] for name, own in values.items()}

    return Curves(
        curves.frames[keep],
        part(curves.shape_values),
        part(curves.bone_rotations),
        part(curves.bone_locations),
        part(curves.bone_scales),
        part(curves.control_values),
        {name: own[(own >= first) & (own <= last)] for name, own in curves.kept_frames.items()},
    )


def _both(first: dict[str, IntArray], second: dict[str, IntArray]) -> dict[str, IntArray]:
    """Give the frames on which either performance holds a contact."""
    names = {**first, **second}
    nothing = np.empty(0, np.int64)
    return {name: np.union1d(first.get(name, nothing), second.get(name, nothing)) for name in names}


def _blend(ours: FloatArray, theirs: FloatArray, share: FloatArray) -> FloatArray:
    part = share.reshape((-1,) + (1,) * (ours.ndim - 1))
    return np.where(part == 1.0, theirs, ours + part * (theirs - ours))
