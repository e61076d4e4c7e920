# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts: lids and lips that meet in the video meet on the character, and stay met through smoothing and
resampling."""

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import ARKIT_INDEX, LANDMARKS

from . import projection
from .array_types import BoolArray, FloatArray
from .curves import ContactEvent
from .tracks import PerformanceTracks

OPEN_PERCENTILE = 75  # of an eye's opening over the take: the actor's open eye
SLIT_PERCENTILE = 2  # the narrowest that a net sees of it; shut lids show a slit of lashes
USUAL_SLIT, LARGEST_SLIT = 0.12, 0.20  # of the open eye: where the take has no blink to measure, and at most
CLOSED_ABOVE_SLIT, CLOSING_ABOVE_SLIT = 0.08, 0.20  # lids are shut below the one, on their way to it below the other
BLINK_SURE, BLINK_POSSIBLE = 0.75, 0.45  # of the solved blink channel, which must agree
LIPS_APART = 0.035  # gap of the inner lips over the mouth's width that still counts as touching
SMALLEST_FULL_BLINK = 0.4  # of the channel: no eye is narrower than that at rest
SHUT = 0.9  # of the way: from here a frame counts as closed in the report
SIDES = ("right", "left")


@dataclass(frozen=True, slots=True)
class Contacts:
    """Contacts of a take: how far each eye's lids are shut (T, 2) in 0..1, right then left, whether the lips touch
    (T,), and the events in them."""

    lids: FloatArray
    lips: BoolArray
    events: tuple[ContactEvent, ...]


def find_contacts(tracks: PerformanceTracks, *, neutral_frame: int) -> Contacts:
    """Give the contacts that the landmarks show; invalid frames have none."""
    lids = np.stack([_shut(lid_opening(tracks, side), tracks.valid) for side in SIDES], 1)
    return _with_events(lids, _lips_touch(tracks, neutral_frame), tracks.time_s)


def full_blinks(neutral_cm: FloatArray, basis_cm: FloatArray) -> FloatArray:
    """Give the weight of eyeBlink at which this actor's lids meet, (2,): right, left; 1 for the standard face.

    neutral_cm: (70, 3), basis_cm: (52, 70, 3), head frame. Narrow eyes are shut with less than the channel's full way.
    """
    found: list[float] = []
    for side in SIDES:
        upper, lower = list(LANDMARKS[f"lid_upper_{side}"]), list(LANDMARKS[f"lid_lower_{side}"])
        moved = basis_cm[ARKIT_INDEX[f"eyeBlink{side.capitalize()}"], :, 1]
        opening = float(np.mean(neutral_cm[upper, 1] - neutral_cm[lower, 1]))
        closing = float(np.mean(moved[lower] - moved[upper]))
        found.append(opening / closing if closing > 1e-6 else 1.0)
    return np.clip(found, SMALLEST_FULL_BLINK, 1.0)


def in_own_range(weights: FloatArray, neutral_cm: FloatArray, basis_cm: FloatArray) -> FloatArray:
    """Give weights (n, 52) whose blinks say how far of its own way each lid went: the actor's shut eye is 1."""
    result = weights.copy()
    for index, full in enumerate(full_blinks(neutral_cm, basis_cm)):
        column = ARKIT_INDEX[f"eyeBlink{SIDES[index].capitalize()}"]
        result[:, column] = np.minimum(result[:, column] / full, 1.0)
    return result


def confirmed(contacts: Contacts, weights: FloatArray, tracks: PerformanceTracks) -> Contacts:
    """Give the contacts that the solved weights of the valid frames, (n, 52), agree with.

    A lid that the solver leaves half open is a squint or a lowered look, not a blink.
    """
    lids = contacts.lids.copy()
    for index, side in enumerate(("Right", "Left")):
        blink = weights[:, ARKIT_INDEX[f"eyeBlink{side}"]]
        agreed = np.clip((blink - BLINK_POSSIBLE) / (BLINK_SURE - BLINK_POSSIBLE), 0.0, 1.0)
        lids[tracks.valid, index] *= agreed * agreed * (3.0 - 2.0 * agreed)
    return _with_events(lids, contacts.lips, tracks.time_s)


def _with_events(lids: FloatArray, lips: BoolArray, time_s: FloatArray) -> Contacts:
    """Give contacts with the runs of closed frames as events, in order of time."""
    events: list[ContactEvent] = []
    for index, side in enumerate(SIDES):
        events += _events(f"eye_{side}", lids[:, index] >= SHUT, lids[:, index], time_s)
    events += _events("lips", lips, lips.astype(np.float64), time_s)
    return Contacts(lids, lips, tuple(sorted(events, key=lambda event: event.first_frame)))


def lid_opening(tracks: PerformanceTracks, side: str) -> FloatArray:
    """Give an eye's opening against the model's neutral eye under the same head pose, (T,): 1 is the model's, 0
    shut."""
    upper, lower = list(LANDMARKS[f"lid_upper_{side}"]), list(LANDMARKS[f"lid_lower_{side}"])
    model = projection.project(
        tracks.neutral_cm, tracks.head_rotation, tracks.head_translation_cm, camera=tracks.camera
    )
    expected = np.mean(model[:, lower] - model[:, upper], 1)
    seen = np.mean(tracks.landmarks_px[:, lower] - tracks.landmarks_px[:, upper], 1)
    return np.sum(seen * expected, 1) / np.maximum(np.sum(expected**2, 1), 1e-9)


def _shut(opening: FloatArray, valid: BoolArray) -> FloatArray:
    """Give how far lids are shut, 0..1: between the actor's own open eye and the slit that a net sees of a shut one."""
    usual = max(float(np.percentile(opening[valid], OPEN_PERCENTILE)), 1e-6)
    share = opening / usual
    narrowest = max(float(np.percentile(share[valid], SLIT_PERCENTILE)), 0.0)
    slit = narrowest if narrowest <= LARGEST_SLIT else USUAL_SLIT
    closing, closed = slit + CLOSING_ABOVE_SLIT, slit + CLOSED_ABOVE_SLIT
    part = np.clip((closing - share) / (closing - closed), 0.0, 1.0)
    return np.where(valid, part * part * (3.0 - 2.0 * part), 0.0)


def _lips_touch(tracks: PerformanceTracks, neutral_frame: int) -> BoolArray:
    """Give on which frames the inner lips touch: no further apart than at rest, or than a net sees of shut lips."""
    apart = lips_apart(tracks)
    rest = float(apart[neutral_frame])
    return tracks.valid & (apart <= LIPS_APART + min(rest, LIPS_APART))


def lips_apart(tracks: PerformanceTracks) -> FloatArray:
    """Give the gap between the inner lips over the mouth's width as the landmarks show it, (T,)."""
    points = tracks.landmarks_px
    upper, lower = list(LANDMARKS["lip_inner_upper"]), list(LANDMARKS["lip_inner_lower"])
    corners = points[:, LANDMARKS["mouth_left"][0]] - points[:, LANDMARKS["mouth_right"][0]]
    width = np.maximum(np.linalg.norm(corners, axis=1), 1e-9)
    return np.mean(np.linalg.norm(points[:, lower] - points[:, upper], axis=2), 1) / width


def _events(part: str, closed: BoolArray, depth: FloatArray, time_s: FloatArray) -> list[ContactEvent]:
    """Give the runs of closed frames as events."""
    edges = np.diff(np.concatenate([[False], closed, [False]]).astype(np.int8))
    found: list[ContactEvent] = []
    for first, after in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        peak = int(first + np.argmax(depth[first:after]))
        found.append(ContactEvent(part, int(first), int(after) - 1, peak, float(time_s[peak])))
    return found


def close_lids(weights: FloatArray, lids: FloatArray) -> FloatArray:
    """Give weights whose blinks reach 1 where lids are shut, (T, 52), (T, 2) -> (T, 52); wide eyes give way."""
    result = weights.copy()
    for index, side in enumerate(("Right", "Left")):
        blink, wide = ARKIT_INDEX[f"eyeBlink{side}"], ARKIT_INDEX[f"eyeWide{side}"]
        shut = lids[:, index]
        result[:, blink] += shut * (1.0 - result[:, blink])
        result[:, wide] *= 1.0 - shut
    return result


def close_lips(weights: FloatArray, lips: BoolArray, basis_cm: FloatArray) -> FloatArray:
    """Give weights whose lips meet on the frames where the actor's do, (T, 52), (T,) -> (T, 52).

    The gap that the channels leave on the standard face is closed by mouthClose (which undoes jawOpen at the lips), and
    what it cannot close by opening the jaw less.
    """
    upper, lower = list(LANDMARKS["lip_inner_upper"]), list(LANDMARKS["lip_inner_lower"])
    opens = np.mean(basis_cm[:, upper, 1] - basis_cm[:, lower, 1], 1)  # cm that each channel parts the lips
    close, jaw = ARKIT_INDEX["mouthClose"], ARKIT_INDEX["jawOpen"]
    result = weights.copy()
    if opens[close] >= 0.0 or opens[jaw] <= 0.0:
        return result
    left = np.where(lips, np.maximum(result @ opens, 0.0), 0.0)
    room = np.maximum(result[:, jaw] - result[:, close], 0.0)
    more = np.minimum(left / -opens[close], room)
    result[:, close] += more
    left = left + more * opens[close]
    result[:, jaw] = np.maximum(result[:, jaw] - left / opens[jaw], 0.0)
    return np.clip(result, 0.0, 1.0)


def keep_peaks(values: FloatArray, frames_s: FloatArray, *, peaks: FloatArray, peaks_s: FloatArray) -> FloatArray:
    """Give a resampled curve that still reaches its events, (N,) -> (N,): the frame nearest to a peak takes its value.

    peaks, peaks_s: values and times (E,) of the events; those outside the frames' span are left out.
    """
    result = values.copy()
    if len(frames_s) == 0:
        return result
    half = (frames_s[1] - frames_s[0]) / 2 if len(frames_s) > 1 else np.inf
    for peak, at_s in zip(peaks, peaks_s, strict=True):
        nearest = int(np.argmin(np.abs(frames_s - at_s)))
        if abs(frames_s[nearest] - at_s) <= half + 1e-9:
            result[nearest] = max(result[nearest], peak)
    return result
