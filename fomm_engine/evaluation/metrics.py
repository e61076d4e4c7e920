# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a baked performance against a standard: rotation, channels, blinks, landmarks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.evaluation.openings import OUTER_EYES, opening_figures
from fomm_engine.evaluation.truth import Standard
from fomm_engine.wire.names import LANDMARKS

Array = npt.NDArray[Any]
AXES = ("yaw", "pitch", "roll")
MOVING = 0.25  # a channel that never passes this in the truth says nothing about a tracker
BLINK_ON, BLINK_OFF = 0.5, 0.3
BLINK_TOLERANCE_S = 0.1
FAR_PERCENT = 12.0  # a face whose inner points are so far off is lost, found or not
INNER = list(LANDMARKS["inner51"])
NOSE_TO_CHIN = (LANDMARKS["nose_bridge"][0], LANDMARKS["chin"][0])


@dataclass(frozen=True)
class Baked:
    """What the baked Action does, evaluated in Blender.

    time_s: (N,) of each scene frame on the take's clock. rotation: (N, 3, 3) of the head away from its rest, in
    the axes of the head at rest (x its left, y up, z out of the face). values: shape key name -> (N,).
    """

    time_s: Array
    rotation: Array
    values: dict[str, Array]


@dataclass(frozen=True)
class Tracked:
    """What the take holds: time_s (T,), valid (T,), landmarks_px (T, 68, 2), the neutral frame's index."""

    time_s: Array
    valid: Array
    landmarks_px: Array
    neutral_frame: int


def clip_figures(standard: Standard, baked: Baked, tracked: Tracked) -> dict[str, Any]:
    """The figures of one clip, by the keys that `evaluate --json` writes; what cannot be said is left out."""
    used = standard.detected[: len(tracked.valid)] & tracked.valid[: len(standard.detected)]
    frames = np.flatnonzero(used)
    figures: dict[str, Any] = {"frames": len(tracked.valid), "lost": int((~tracked.valid).sum())}
    figures["is_truth"] = standard.is_truth
    figures.update(rotation_figures(standard, baked, tracked, frames))
    seen = {name: np.interp(standard.time_s[frames], baked.time_s, value) for name, value in baked.values.items()}
    figures.update(_channel_figures(standard, seen, frames))
    figures["blink"] = blink_figures(standard, seen, frames)
    figures.update(landmark_figures(standard, tracked.landmarks_px, frames))
    return figures | opening_figures(standard, tracked.landmarks_px, frames)


def rotation_figures(standard: Standard, baked: Baked, tracked: Tracked, frames: Array) -> dict[str, Any]:
    """Mean absolute error per axis, the same less each axis' constant offset, and jitter, of the head's motion.

    The Action holds rotation relative to the neutral frame, in the axes of the head there, so the standard is taken
    relative to the same frame; for references each axis' constant offset is removed, since trackers disagree on what
    "straight" is.
    """
    at_rest = standard.rotation[min(tracked.neutral_frame, len(standard.rotation) - 1)]
    nearest = np.abs(baked.time_s[None] - standard.time_s[frames][:, None]).argmin(1)
    expected = euler_deg(at_rest.T @ standard.rotation[frames])
    error = euler_deg(baked.rotation[nearest]) - expected
    if not standard.is_truth:
        error = error - np.median(error, axis=0)
    by_axis = np.abs(error).mean(0)
    jitter = np.sqrt((np.diff(error, axis=0) ** 2).mean()) if len(error) > 1 else 0.0
    return {
        "rotation_mae_deg": {
            **dict(zip(AXES, map(float, by_axis), strict=True)),
            "mean": float(by_axis.mean()),
            "mean_less_offset": float(np.abs(error - np.median(error, axis=0)).mean()),
        },
        "rotation_jitter_deg": float(jitter),
    }


def euler_deg(rotation: Array) -> Array:
    """(..., 3) yaw, pitch, roll in degrees of rotations camera from head, R = Rz(roll) Ry(yaw) Rx(-pitch)."""
    yaw = np.arctan2(-rotation[..., 2, 0], np.hypot(rotation[..., 0, 0], rotation[..., 1, 0]))
    pitch = -np.arctan2(rotation[..., 2, 1], rotation[..., 2, 2])
    roll = np.arctan2(rotation[..., 1, 0], rotation[..., 0, 0])
    return np.degrees(np.stack([yaw, pitch, roll], axis=-1))


def _channel_figures(standard: Standard, seen: dict[str, Array], frames: Array) -> dict[str, Any]:
    pairs = channel_pairs(standard, seen, frames)
    correlations = {name: _correlation(ours, theirs) for name, (ours, theirs) in pairs.items()}
    known = {name: value for name, value in correlations.items() if value is not None}
    figures: dict[str, Any] = {"correlation": known}
    if known:
        figures["mean_correlation"] = float(np.mean(list(known.values())))
    if standard.is_truth:
        figures["mae"] = {name: float(np.abs(ours - theirs).mean()) for name, (ours, theirs) in pairs.items()}
    return figures


def channel_pairs(standard: Standard, seen: dict[str, Array], frames: Array) -> dict[str, tuple[Array, Array]]:
    """Channel or feature name -> (ours, theirs) over `frames`: moving channels of a truth, features of a reference.

    A channel that the character does not have counts as standing still.
    """
    still = np.zeros(len(frames))
    if standard.is_truth:
        moving = {name: value for name, value in standard.channels.items() if value[frames].max() > MOVING}
        return {name: (seen.get(name, still), value[frames]) for name, value in moving.items()}
    ours = {name: _proxy(weights, seen, still) for name, weights in FEATURE_PROXIES.items()}
    return {name: (ours[name], standard.features[name][frames]) for name in ours if name in standard.features}


# What a reference's features (3D distances on a face mesh) correspond to in shape key values.
FEATURE_PROXIES: dict[str, dict[str, float]] = {
    "eyeOpenR": {"eyeBlinkRight": -1, "eyeWideRight": 0.3, "eyeSquintRight": -0.2},
    "eyeOpenL": {"eyeBlinkLeft": -1, "eyeWideLeft": 0.3, "eyeSquintLeft": -0.2},
    "mouthOpen": {"jawOpen": 1, "mouthClose": -1, "mouthLowerDownLeft": 0.2, "mouthUpperUpLeft": 0.2},
    "mouthWidth": {
        "mouthSmileLeft": 1,
        "mouthStretchLeft": 0.7,
        "mouthDimpleLeft": 0.5,
        "mouthPucker": -1.5,
        "mouthFunnel": -1,
    },
    "jawDrop": {"jawOpen": 1},
    "browR": {"browInnerUp": 0.5, "browOuterUpRight": 0.8, "browDownRight": -1},
    "browL": {"browInnerUp": 0.5, "browOuterUpLeft": 0.8, "browDownLeft": -1},
    "gazeHR": {"eyeLookInRight": 1, "eyeLookOutRight": -1},  # positive towards the image's right
    "gazeHL": {"eyeLookOutLeft": 1, "eyeLookInLeft": -1},
    "gazeVR": {"eyeLookUpRight": 1, "eyeLookDownRight": -1},
    "gazeVL": {"eyeLookUpLeft": 1, "eyeLookDownLeft": -1},
    "cornerLiftR": {"mouthSmileRight": 1, "mouthFrownRight": -1},
    "cornerLiftL": {"mouthSmileLeft": 1, "mouthFrownLeft": -1},
}


def _proxy(weights: dict[str, float], seen: dict[str, Array], still: Array) -> Array:
    return still + sum((weight * seen[name] for name, weight in weights.items() if name in seen), still)


def _correlation(ours: Array, theirs: Array) -> float | None:
    """Pearson's r; 0 where ours stands still, None where theirs does."""
    if len(theirs) < 3 or np.std(theirs) < 1e-6:
        return None
    return 0.0 if np.std(ours) < 1e-6 else float(np.corrcoef(ours, theirs)[0, 1])


def blink_figures(standard: Standard, seen: dict[str, Array], frames: Array) -> dict[str, Any]:
    """Recall and precision of blinks: events of either list that the other has within a tenth of a second."""
    closed = [seen[name] for name in ("eyeBlinkLeft", "eyeBlinkRight") if name in seen]
    if not closed or not len(frames):
        return {"recall": None, "precision": None, "events": 0}
    time_s = standard.time_s[frames]
    ours = _events(np.mean(closed, axis=0), time_s)
    theirs = _events(_standard_closure(standard, frames), time_s)
    return {"recall": _share_found(theirs, ours), "precision": _share_found(ours, theirs), "events": len(theirs)}


def _standard_closure(standard: Standard, frames: Array) -> Array:
    if standard.is_truth:
        return np.mean([standard.channels[name][frames] for name in ("eyeBlinkLeft", "eyeBlinkRight")], axis=0)
    opening = np.mean([standard.features[name][frames] for name in ("eyeOpenL", "eyeOpenR")], axis=0)
    shut, usual = np.percentile(opening, 0.5), np.percentile(opening, 75)
    return (usual - opening) / max(usual - min(shut, 0.6 * usual), 1e-6)


def _events(closure: Array, time_s: Array) -> list[tuple[float, float]]:
    """(start, end) of each blink: above BLINK_ON, until it falls below BLINK_OFF."""
    events: list[tuple[float, float]] = []
    start: float | None = None
    for value, time in zip(closure, time_s, strict=True):
        if start is None and value > BLINK_ON:
            start = float(time)
        elif start is not None and value < BLINK_OFF:
            events.append((start, float(time)))
            start = None
    if start is not None:
        events.append((start, float(time_s[-1])))
    return events


def _share_found(wanted: list[tuple[float, float]], found: list[tuple[float, float]]) -> float | None:
    if not wanted:
        return None
    tolerance = BLINK_TOLERANCE_S
    hits = sum(any(a <= end + tolerance and b >= start - tolerance for a, b in found) for start, end in wanted)
    return hits / len(wanted)


def landmark_figures(standard: Standard, landmarks_px: Array, frames: Array) -> dict[str, Any]:
    """Mean landmark error in percent of the face's size (outer eye distance, at least 0.6 of nose bridge to chin).

    For references each point's constant offset, seen upright and in units of the face, is removed first.
    """
    theirs = standard.landmarks_px[frames]
    size = np.linalg.norm(theirs[:, OUTER_EYES[0]] - theirs[:, OUTER_EYES[1]], axis=1)
    length = np.linalg.norm(theirs[:, NOSE_TO_CHIN[0]] - theirs[:, NOSE_TO_CHIN[1]], axis=1)
    error = (landmarks_px[frames] - theirs) / np.maximum(size, 0.6 * length)[:, None, None]
    if not standard.is_truth:
        error = _without_offsets(error, theirs)
    distance = 100 * np.linalg.norm(error, axis=-1)
    inner = distance[:, INNER].mean(1)
    return {
        "nme_inner51_percent": float(inner.mean()),
        "nme_68_percent": float(distance.mean()),
        "beyond_12_percent": int((inner > FAR_PERCENT).sum()),
    }


def _without_offsets(error: Array, theirs: Array) -> Array:
    across = theirs[:, OUTER_EYES[1]] - theirs[:, OUTER_EYES[0]]
    angle = np.arctan2(across[:, 1], across[:, 0])
    c, s = np.cos(angle), np.sin(angle)
    upright = np.stack([np.stack([c, s], -1), np.stack([-s, c], -1)], 1)
    turned = np.einsum("tij,tnj->tni", upright, error)
    return turned - np.median(turned, axis=0)
