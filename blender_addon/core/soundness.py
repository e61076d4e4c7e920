# SPDX-License-Identifier: GPL-3.0-or-later
"""What a face in front of a camera can be: frames whose numbers cannot be that are frames without a face.

The bounds are far outside anything that is filmed; they keep damaged and made-up takes from reaching a rig.
"""

import numpy as np

from fomm_engine.wire.names import LANDMARKS

from .array_types import BoolArray, FloatArray

LARGEST_PX = 1e6  # of a place in a picture, or of its sigma
NEAREST_DEPTH_CM = 1.0  # a face nearer than this is no face; keeps a broken pose from dividing by nothing
LARGEST_CM = 1e5  # of a head's distance from the camera: a kilometre
LARGEST_FACE_CM = 100.0  # of the actor's model, from its origin
LARGEST_KEYPOINT = 100.0  # of half the square that keypoints are measured on
SKEW = 0.02  # of a head's rotation matrix from being one
SMALLEST_FACE_CM = 0.2  # of the points' spread, and between the eyes


def usable_frames(tracks: dict[str, FloatArray]) -> BoolArray:
    """Give the frames whose tracks can be those of a face, (T,).

    tracks: by the names of `PerformanceTracks`, each (T, ...). Every number is finite, places lie within LARGEST_PX,
    the head's matrix is a rotation, and the head is in front of the camera.
    """
    good = np.ones(len(tracks["head_rotation"]), np.bool_)
    for value in tracks.values():
        good &= np.isfinite(value).reshape(len(value), -1).all(1)
    for name in ("landmarks_px", "irises_px"):
        good &= _within(tracks[name], LARGEST_PX)
    where = tracks["head_translation_cm"]
    with np.errstate(invalid="ignore"):
        good &= _within(where, LARGEST_CM) & (where[:, 2] <= -NEAREST_DEPTH_CM)
    return good & are_rotations(tracks["head_rotation"])


def are_rotations(matrices: FloatArray) -> BoolArray:
    """Give which of some matrices, (T, 3, 3), are rotations, save for SKEW."""
    matrices = np.where(np.isfinite(matrices), np.clip(matrices, -2.0, 2.0), 0.0)
    off = np.abs(matrices @ np.swapaxes(matrices, -1, -2) - np.eye(3)).max((-1, -2))
    return (off <= SKEW) & (np.linalg.det(matrices) > 0.0)


def nearest_rotations(matrices: FloatArray) -> FloatArray:
    """Give the rotations nearest to some matrices that are rotations save for SKEW, (T, 3, 3)."""
    left, _, right = np.linalg.svd(matrices)
    return left @ right


def _within(values: FloatArray, largest: float) -> BoolArray:
    with np.errstate(invalid="ignore"):
        within: BoolArray = (np.abs(values) <= largest).reshape(len(values), -1)
    return np.logical_and.reduce(within, axis=1)


def repaired(tracks: dict[str, FloatArray], usable: BoolArray) -> dict[str, FloatArray]:
    """Give tracks that can be computed with: frames that are not usable hold what lost frames do (zeros, no turn), the
    others values within what they mean: channels 0..1, sigmas from 0, keypoints near their square."""
    result = {name: value.copy() for name, value in tracks.items()}
    for name, value in result.items():
        value[~usable] = np.eye(3) if name == "head_rotation" else 0.0
    for name in ("landmarks_sigma_px", "irises_sigma_px"):
        np.clip(result[name], 0.0, LARGEST_PX, out=result[name])
    for name in ("fomm_value", "fomm_jacobian"):
        np.clip(result[name], -LARGEST_KEYPOINT, LARGEST_KEYPOINT, out=result[name])
    np.clip(result["arkit"], 0.0, 1.0, out=result["arkit"])
    turns = result["head_rotation"]
    skewed = np.abs(turns @ np.swapaxes(turns, -1, -2) - np.eye(3)).max((-1, -2)) > 1e-4
    turns[skewed] = nearest_rotations(turns[skewed])
    return result


def require_face(neutral_cm: FloatArray, basis_cm: FloatArray) -> None:
    """Raise ValueError, in one sentence, unless an actor's model (70, 3), (52, 70, 3) can be a face's."""
    for name, value in (("neutral_cm", neutral_cm), ("basis_cm", basis_cm)):
        if not bool(np.isfinite(value).all()) or not float(np.abs(value).max()) <= LARGEST_FACE_CM:
            raise ValueError(f"The take's {name} is no face's: it holds values that are not finite or far too large.")
    flat = neutral_cm[:, :2] - neutral_cm[:, :2].mean(0)
    spread_cm = np.linalg.svd(flat, compute_uv=False)[1] / len(flat) ** 0.5
    right, left = neutral_cm[LANDMARKS["eye_right_outer"][0]], neutral_cm[LANDMARKS["eye_left_outer"][0]]
    if min(float(spread_cm), float(np.linalg.norm(left - right))) < SMALLEST_FACE_CM:
        raise ValueError("The take's neutral_cm is no face's: its points lie on a line, or its eyes in one place.")
