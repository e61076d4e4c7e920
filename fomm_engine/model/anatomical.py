# SPDX-License-Identifier: GPL-3.0-or-later
"""The default weights' keypoints where FOMM's are used: of a portrait, and of a whole take."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fomm_engine.face import weights
from fomm_engine.face.crop import SquareCrop, bounding_square
from fomm_engine.face.default_tracker import default_tracker
from fomm_engine.face.keypoints import OWN_POINTS, canonical_points, keypoint_maps
from fomm_engine.model.motion import Keypoints
from fomm_engine.wire.capture import Capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import KEYPOINTS, LANDMARK_COUNT

Array = NDArray[Any]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class PortraitFace:
    """The largest face of a picture: its 70 points in pixels, and the square around its 68 landmarks (centre, side)."""

    points_px: Array
    center_px: tuple[float, float]
    side_px: float

    def keypoints(self, square: tuple[float, float, float]) -> Keypoints:
        """The ten keypoints in [-1,1] of `square` (centre x, centre y, side) of the picture, -1 and +1 its edges."""
        maps = keypoint_maps(weights.load_face_prior().neutral_cm)
        value, jacobian = maps.apply(SquareCrop(square[:2], square[2]).from_picture(self.points_px))
        return Keypoints(value.astype(np.float32), jacobian.astype(np.float32))


@dataclass(frozen=True)
class TakeMotion:
    """A take's keypoints, one for each frame, and those of its neutral frame; time_s (T,) after the first picture."""

    time_s: Array
    keypoints: tuple[Keypoints, ...]
    neutral: Keypoints

    def at(self, time_s: float) -> Keypoints:
        """The keypoints of the frame that is nearest to this time."""
        return self.keypoints[nearest(self.time_s, time_s)]


def nearest(time_s: Array, wanted_s: float) -> int:
    """The index of the time in `time_s` (T,), increasing, that is nearest to `wanted_s`."""
    after = int(np.searchsorted(time_s, wanted_s))
    pair = [index for index in (after - 1, after) if 0 <= index < len(time_s)]
    return min(pair, key=lambda index: abs(float(time_s[index]) - wanted_s))


def find_portrait_face(image: Image) -> PortraitFace:
    """The largest face of `image` (H,W,3) uint8 RGB.

    Raises UserError "no-face" where the default weights see none.
    """
    tracker = default_tracker()
    faces = tracker.faces(image)
    if not faces:
        hint = "Use a portrait in which the whole face can be seen, from the front."
        raise UserError("no-face", "No face was found in the portrait.", hint)
    center, side = bounding_square(faces[0].points_px[:LANDMARK_COUNT])
    return PortraitFace(faces[0].points_px, center, side)


def motion_of_take(capture: Capture) -> TakeMotion:
    """The motion of a take; frames without a face get what lies between their neighbours with one.

    Raises UserError "no-face" for a take without any.
    """
    seen = np.flatnonzero(capture.valid)
    if seen.size == 0:
        raise UserError("no-face", "The driving video shows no face.", "Use a video in which the face can be seen.")
    value = _filled(capture.tracks["fomm_value"], seen)
    jacobian = _filled(capture.tracks["fomm_jacobian"], seen)
    frames = tuple(Keypoints(v, j) for v, j in zip(value, jacobian, strict=True))
    neutral = int(capture.header.get("neutral", {}).get("frame", seen[0]))
    neutral = neutral if 0 <= neutral < len(frames) else int(seen[0])
    return TakeMotion(capture.time_s, frames, frames[neutral])


def eye_share() -> float:
    """How much of an eye keypoint's vertical stretch comes from the eye's own points (the rest is its surroundings').

    The keypoints' Jacobians are linear in the points, so this is a constant of the canonical face.
    """
    neutral_cm = weights.load_face_prior().neutral_cm
    maps, canonical = keypoint_maps(neutral_cm), canonical_points(neutral_cm)
    shares: list[float] = []
    for name in ("eye_right", "eye_left"):
        own = list(OWN_POINTS[name])
        heights = canonical[own, 1] - canonical[own, 1].mean()
        shares.append(float(maps.jacobian[KEYPOINTS.index(name), 1, own] @ heights))
    return float(np.mean(shares))


def _filled(track: Array, seen: Array) -> Array:
    flat = track.reshape(len(track), -1)
    frames = np.arange(len(track))
    columns = [np.interp(frames, seen, flat[seen, column]) for column in range(flat.shape[1])]
    return np.stack(columns, 1).reshape(track.shape).astype(np.float32)
