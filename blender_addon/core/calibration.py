# SPDX-License-Identifier: GPL-3.0-or-later
"""The actor's neutral frame: found by search, with the reason why, and the frames around it that show the same rest."""

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, LANDMARKS

from . import projection, rotation
from .array_types import FloatArray, IntArray
from .tracks import PerformanceTracks

REST_SPAN_S = 0.12  # frames this near to the neutral one can share its rest
REST_LIKENESS = 0.03  # and must not differ from it by more than this, in eye distances, on so many percent of points:
REST_PERCENTILE = 80
SUGGESTION_BONUS = 0.5  # of the costs: the capture, which solved the whole take, knows rest better than one frame shows
OPEN_PERCENTILE = 80  # of an eye's opening over the take: the actor's open eye


@dataclass(frozen=True, slots=True)
class Neutral:
    """The neutral frame (0-based), why it was taken, and the frames at the same rest around it (itself among them)."""

    frame: int
    reason: str
    rest_frames: IntArray


def find_neutral(tracks: PerformanceTracks, chosen: int | None = None) -> Neutral:
    """Give the neutral frame: the chosen one if there is one, else the calmest, most frontal, least expressive.

    Raises ValueError when the chosen frame does not exist or shows no face, or when no frame does.
    """
    if chosen is not None:
        if not 0 <= chosen < tracks.frame_count:
            last = tracks.frame_count - 1
            raise ValueError(f"The neutral frame {chosen} is not in the take; it has the frames 0 to {last}.")
        if not tracks.valid[chosen]:
            raise ValueError(f"The neutral frame {chosen} shows no face; choose another.")
        return Neutral(chosen, "chosen by the user", _rest_around(tracks, chosen))
    frames = np.flatnonzero(tracks.valid)
    if len(frames) == 0:
        raise ValueError("No frame of the take shows a face; there is nothing to retarget.")
    costs = neutral_costs(tracks, frames)
    total = np.sum(list(costs.values()), axis=0)
    if tracks.suggested_neutral_frame is not None:  # the engine's channels are measured from that frame
        total = total - SUGGESTION_BONUS * (frames == tracks.suggested_neutral_frame)
    best = int(np.argmin(total))
    reason = "the most restful frame: " + ", ".join(f"{name} {cost[best]:.2f}" for name, cost in costs.items())
    return Neutral(int(frames[best]), reason + " (0 is best)", _rest_around(tracks, int(frames[best])))


def neutral_costs(tracks: PerformanceTracks, frames: IntArray) -> dict[str, FloatArray]:
    """Give what speaks against each frame as the neutral one, by name, each (n,) and about 0..1.

    turned: angle away from the camera over 20 degrees; eyes: how far from the actor's open eye; mouth: how far the
    lips are apart; gaze: irises away from their usual place; expression: the regressor's channels and the
    features' distance from the take's most usual face; unsure: the landmarks' sigma against the take's best;
    moving: speed of the landmarks.
    """
    unit = projection.face_unit_px(tracks.neutral_cm, tracks.head_translation_cm[frames], tracks.camera)
    points = tracks.landmarks_px[frames] / unit[:, None, None]
    angle = np.linalg.norm(rotation.rotvec_from_matrix(tracks.head_rotation[frames]), axis=1)
    eyes = np.minimum(eye_opening(points, "right"), eye_opening(points, "left"))
    usual_open = max(float(np.percentile(eyes, OPEN_PERCENTILE)), 1e-6)
    lips = gap(points, LANDMARKS["lip_inner_upper"], LANDMARKS["lip_inner_lower"])
    sigma = np.median(tracks.landmarks_sigma_px[frames] / unit[:, None], 1)
    return {
        "turned": (angle / np.radians(12.0)) ** 2,  # the head's zero: a few degrees are free, many are costly
        "eyes": np.clip(np.abs(eyes / usual_open - 1.0) * 1.5, 0.0, 3.0),
        "mouth": np.clip((lips - np.percentile(lips, 5)) * 8.0, 0.0, 3.0),
        "gaze": np.clip(_looking_away(tracks, frames, unit) * 8.0, 0.0, 3.0),
        "expression": np.clip(_expression(tracks.arkit[frames]), 0.0, 3.0),
        "unsure": np.clip(sigma / max(float(np.percentile(sigma, 5)), 1e-9) - 1.0, 0.0, 3.0) * 0.5,
        "moving": np.clip(_speed(points, tracks.time_s[frames]), 0.0, 3.0),
    }


def _looking_away(tracks: PerformanceTracks, frames: IntArray, unit_px: FloatArray) -> FloatArray:
    """Give how far the irises are from where they usually are between the eye corners, (n,) in eye distances."""
    points = tracks.points_px[frames] / unit_px[:, None, None]
    eyes: list[FloatArray] = []
    for side, iris in (("right", IRIS_RIGHT), ("left", IRIS_LEFT)):
        corners = [LANDMARKS[f"eye_{side}_outer"][0], LANDMARKS[f"eye_{side}_inner"][0]]
        eyes.append(points[:, iris] - points[:, corners].mean(1))
    where = np.mean(eyes, axis=0)
    return np.linalg.norm(where - np.median(where, axis=0), axis=1)


def _expression(arkit: FloatArray) -> FloatArray:
    """Give how expressive frames are by the regressor: the mean over channels, with its take-wide floor removed."""
    amount = np.sqrt(np.mean(arkit**2, 1))
    return (amount - np.percentile(amount, 5)) * 6.0


def _speed(points: FloatArray, time_s: FloatArray) -> FloatArray:
    """Give the landmarks' median speed in eye distances per second, over the frames before and after."""
    if len(points) < 2:
        return np.zeros(len(points))
    steps = np.median(np.linalg.norm(np.diff(points, axis=0), axis=2), 1) / np.diff(time_s)
    return np.maximum(np.concatenate([steps[:1], steps]), np.concatenate([steps, steps[-1:]]))


def gap(points: FloatArray, upper: tuple[int, ...], lower: tuple[int, ...]) -> FloatArray:
    """Give the mean distance between opposite points, (T, N, 2) -> (T,)."""
    return np.mean(np.linalg.norm(points[:, list(lower)] - points[:, list(upper)], axis=2), 1)


def eye_opening(points: FloatArray, side: str) -> FloatArray:
    """Give an eye's opening over its width, (T,); side "right" or "left" (the subject's)."""
    width = gap(points, LANDMARKS[f"eye_{side}_outer"], LANDMARKS[f"eye_{side}_inner"])
    return gap(points, LANDMARKS[f"lid_upper_{side}"], LANDMARKS[f"lid_lower_{side}"]) / np.maximum(width, 1e-9)


def _rest_around(tracks: PerformanceTracks, frame: int) -> IntArray:
    """Give the valid frames near one that show the same face: their mean knows the actor's rest better than one
    frame."""
    near = np.flatnonzero(tracks.valid & (np.abs(tracks.time_s - tracks.time_s[frame]) <= REST_SPAN_S))
    unit = projection.face_unit_px(tracks.neutral_cm, tracks.head_translation_cm[near], tracks.camera)
    rotation_near, where = tracks.head_rotation[near], tracks.head_translation_cm[near]
    rigid = projection.project(tracks.neutral_cm, rotation_near, where, camera=tracks.camera)
    offset = (tracks.points_px[near] - rigid) / unit[:, None, None]
    itself = int(np.flatnonzero(near == frame)[0])
    unlike = np.percentile(np.linalg.norm(offset - offset[itself], axis=2), REST_PERCENTILE, axis=1)
    return near[unlike <= REST_LIKENESS].astype(np.int64)
