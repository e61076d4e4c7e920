# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take shows beyond its rigid head: offsets of landmarks and keypoints from the actor's neutral face.

Everything is measured in outer eye distances of the actor ("face units"), and against the neutral frame: what the neutral
frame's landmarks deviate from the actor's model is the landmarker's own error there, and is taken out of all frames.
"""

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import KEYPOINTS, LANDMARKS, POINT_COUNT

from . import projection
from .array_types import FloatArray, IntArray
from .priors import ExpressionPrior
from .tracks import PerformanceTracks


def default_keypoint_points() -> FloatArray:
    """Give how much of each point there is in each of the engine's ten keypoints: (10, 70), rows sum to one.

    Eyes and mouth corners take a wide neighbourhood in, since their own points are singular when shut.
    """
    names = LANDMARKS
    groups: dict[str, dict[tuple[int, ...], float]] = {
        "nose": {names["nose_bridge"]: 0.5, names["nose_base"]: 1.0},
        "lip_upper": {tuple(range(49, 54)): 1.0, names["lip_inner_upper"]: 1.0, names["nose_base"]: 0.3},
        "lip_lower": {tuple(range(55, 60)): 1.0, names["lip_inner_lower"]: 1.0, names["chin"]: 0.5},
        "chin": {tuple(range(6, 11)): 1.0, tuple(range(56, 59)): 0.5},
    }
    for side in ("right", "left"):
        groups[f"eye_{side}"] = {names[f"eye_{side}"]: 1.0, names[f"brow_{side}"]: 0.15, names["nose_bridge"]: 0.1}
        groups[f"brow_{side}"] = {names[f"brow_{side}"]: 1.0, names[f"eye_{side}"]: 0.3}
        groups[f"mouth_{side}"] = {names[f"mouth_{side}"]: 2.0, names["lips_outer"]: 0.3, names["lips_inner"]: 0.3}
    table = np.zeros((len(KEYPOINTS), POINT_COUNT))
    for row, keypoint in enumerate(KEYPOINTS):
        for points, share in groups[keypoint].items():
            table[row, list(points)] += share
    return table / table.sum(1, keepdims=True)


@dataclass(frozen=True, slots=True)
class Observation:
    """What is seen beyond the rigid neutral head, for T frames, in face units.

    point_offset (T, 70, 2): image right and down; point_sigma (T, 70). keypoint_offset (T, 10, 2) and stretch
    (T, 10, 2, 2) (local stretching in the head's frontal plane, minus one) or None without keypoints.
    """

    point_offset: FloatArray
    point_sigma: FloatArray
    keypoint_offset: FloatArray | None
    stretch: FloatArray | None
    keypoint_points: FloatArray


def observe(
    tracks: PerformanceTracks,
    *,
    rest_frames: IntArray,
    prior: ExpressionPrior,
    keypoint_points: FloatArray | None = None,
) -> Observation:
    """Give the offsets of all features from the actor's rigid neutral head.

    rest_frames: frames on which the actor is at rest; their median offset is the landmarker's own error and is removed.
    keypoint_points: (10, 70), see `default_keypoint_points`.
    """
    membership = default_keypoint_points() if keypoint_points is None else keypoint_points
    pose = (tracks.head_rotation, tracks.head_translation_cm, tracks.camera)
    unit = projection.face_unit_px(tracks.neutral_cm, tracks.head_translation_cm, tracks.camera)
    rigid = projection.project(tracks.neutral_cm, *pose)
    offset = (tracks.points_px - rigid) / unit[:, None, None]
    offset = offset - _at_rest(offset, rest_frames)
    sigma = np.hypot(prior.sigma_scale * tracks.points_sigma_px / unit[:, None], prior.point_sigma_floor)
    moved, stretch = _observe_keypoints(tracks, rest_frames, rigid=rigid, unit_px=unit, membership=membership)
    return Observation(offset, sigma, moved, stretch, membership)


def _at_rest(offset: FloatArray, rest_frames: IntArray) -> FloatArray:
    """Give the median over the frames at rest."""
    return np.median(offset[rest_frames], axis=0)


def _observe_keypoints(
    tracks: PerformanceTracks, rest_frames: IntArray, *, rigid: FloatArray, unit_px: FloatArray, membership: FloatArray
) -> tuple[FloatArray | None, FloatArray | None]:
    """Give the keypoints' offsets and stretches, or None for a take without them (all zero) or without their crop."""
    if tracks.crop is None or not bool(np.any(tracks.fomm_jacobian)):
        return None, None
    corner = np.array([tracks.crop.x_px, tracks.crop.y_px])
    seen = (tracks.fomm_value + 1.0) / 2.0 * tracks.crop.size_px + corner
    moved = (seen - np.einsum("kn,tnd->tkd", membership, rigid)) / unit_px[:, None, None]
    stretch = relative_stretch(tracks, int(rest_frames[len(rest_frames) // 2]), membership=membership)
    return moved - _at_rest(moved, rest_frames), stretch


def relative_stretch(tracks: PerformanceTracks, neutral_frame: int, *, membership: FloatArray) -> FloatArray:
    """Give the keypoints' local stretching against neutral, head pose taken out, minus the identity: (T, 10, 2, 2).

    With J_t = P_t E_t C (P: the head plane's image under this frame's pose, E: the expression's stretching, C: fixed),
    J_t J_0^-1 = P_t E_t E_0^-1 P_0^-1: the relative Jacobians of A. Siarohin et al., "First Order Motion Model for Image
    Animation" (NeurIPS 2019), with the head's roll, scale and foreshortening divided out. x the subject's left, y up.
    """
    centres = membership @ tracks.neutral_cm
    rows = projection.motion_rows(centres, tracks.head_rotation, tracks.head_translation_cm, tracks.camera)
    plane = (rows @ tracks.head_rotation[:, None])[..., :2]
    relative = tracks.fomm_jacobian @ _inverse(tracks.fomm_jacobian[neutral_frame])
    return np.clip(_inverse(plane) @ relative @ plane[neutral_frame], -4.0, 4.0) - np.eye(2)


def _inverse(matrices: FloatArray) -> FloatArray:
    """Give inverses of 2x2 matrices, with determinants kept away from zero: (..., 2, 2)."""
    a, b, c, d = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 0], matrices[..., 1, 1]
    determinant = a * d - b * c
    safe = np.where(np.abs(determinant) < 1e-6, np.where(determinant < 0, -1e-6, 1e-6), determinant)
    rows = [np.stack([d, -b], -1), np.stack([-c, a], -1)]
    return np.stack(rows, -2) / safe[..., None, None]


def stretch_basis(neutral_cm: FloatArray, basis_cm: FloatArray, membership: FloatArray) -> FloatArray:
    """Give what each channel does to the keypoints' stretching: (C, 10, 2, 2).

    The stretching is the linear part of the least-squares affine map of a keypoint's points from neutral to now, in the
    head's frontal plane; it is linear in the points, so the basis is exact.
    """
    flat, moves = neutral_cm[:, :2], basis_cm[..., :2]
    result = np.empty((len(basis_cm), len(membership), 2, 2))
    for index, share in enumerate(membership):
        centred = flat - share @ flat
        spread = centred.T @ (share[:, None] * centred)
        gradient = np.linalg.solve(spread + 1e-9 * np.eye(2), (share[:, None] * centred).T)
        result[:, index] = np.swapaxes(gradient @ moves, 1, 2)
    return result
