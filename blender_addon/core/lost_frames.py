# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of frames without a face: where they are in the take and in the scene, and what the motion does."""

import numpy as np

from . import timing
from .array_types import BoolArray
from .curves import LostSpan
from .notes import Note
from .tracks import PerformanceTracks

NOTES_OF_A_KIND = 6  # single gaps that are told one by one; more are told together


def lost_spans(tracks: PerformanceTracks, clock: timing.SceneClock, bridge_s: float) -> tuple[LostSpan, ...]:
    """Give the runs of frames without a face, in order; scene frames are the whole ones nearest to their ends."""
    last = tracks.frame_count - 1
    return tuple(
        LostSpan(
            first_frame=gap.first,
            last_frame=gap.last,
            scene_first=clock.nearest_frame(float(tracks.time_s[gap.first])),
            scene_last=clock.nearest_frame(float(tracks.time_s[gap.last])),
            duration_s=gap.duration_s,
            bridged=gap.duration_s <= bridge_s and gap.first > 0 and gap.last < last,
        )
        for gap in timing.find_gaps(tracks.valid, tracks.time_s)
    )


def lost_notes(spans: tuple[LostSpan, ...]) -> tuple[Note, ...]:
    """Give what is said of the spans: one note each, or one for all of a kind where there are many."""
    bridged, held = [span for span in spans if span.bridged], [span for span in spans if not span.bridged]
    if len(bridged) > NOTES_OF_A_KIND:
        count, lost = len(bridged), sum(span.last_frame - span.first_frame + 1 for span in bridged)
        said = f"{count} short gaps without a face ({lost} frames in all) are crossed on a line."
        notes = [Note("gap-bridged", said, _frames(bridged))]
    else:
        notes = [Note("gap-bridged", _crossed(span), _frames([span])) for span in bridged]
    if len(held) > NOTES_OF_A_KIND:
        count, longest_s = len(held), max(span.duration_s for span in held)
        said = f"{count} gaps without a face are too long to bridge (up to {longest_s:.2f} s); the last pose is held."
        notes.append(Note("gap-held", said, _frames(held)))
    else:
        notes += [Note("gap-held", _held(span), _frames([span])) for span in held]
    return tuple(notes)


def _crossed(span: LostSpan) -> str:
    return (
        f"Frames {span.scene_first} to {span.scene_last} show no face ({span.duration_s:.2f} s); "
        "the motion crosses them on a line."
    )


def _held(span: LostSpan) -> str:
    return (
        f"Frames {span.scene_first} to {span.scene_last} show no face ({span.duration_s:.2f} s); "
        "the pose is held, then taken up again."
    )


def changed_notes(broken: BoolArray, sudden: BoolArray) -> tuple[Note, ...]:
    """Give what is said of frames with values that no face has, and of those where the head was too fast, (T,) each."""
    found: list[Note] = []
    if bool(broken.any()):
        said = f"{int(broken.sum())} frames of the take hold values that no face has; they count as frames without one."
        found.append(Note("broken-frames", said, _indices(broken)))
    if bool(sudden.any()):
        said = f"The head moves faster than a head can on {int(sudden.sum())} frames; there it is slowed down."
        found.append(Note("head-jumps", said, _indices(sudden)))
    return tuple(found)


def _indices(mask: BoolArray) -> tuple[int, ...]:
    return tuple(int(frame) for frame in np.flatnonzero(mask))


def _frames(spans: list[LostSpan]) -> tuple[int, ...]:
    return tuple(frame for span in spans for frame in range(span.first_frame, span.last_frame + 1))
