# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take shows beyond its rigid head: offsets of landmarks and keypoints from the actor's neutral face.

Everything is measured in outer eye distances of the actor ("face units"), and against the neutral frame: what the
neutral frame's landmarks deviate from the actor's model is the landmarker's own error there, and is taken out of all
frames.
"""

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, KEYPOINTS, LANDMARKS, POINT_COUNT

from . import projection
from .array_types import FloatArray, IntArray
from .priors import ExpressionPrior
from .tracks import PerformanceTracks

_BROW_MIDDLE = slice(1, 4)
_OWN_POINTS: dict[str, tuple[int, ...]] = {
    "eye_right": LANDMARKS["eye_right"],
    "eye_left": LANDMARKS["eye_left"],
    "brow_right": LANDMARKS["brow_right"][_BROW_MIDDLE],
    "brow_left": LANDMARKS["brow_left"][_BROW_MIDDLE],
    "nose": LANDMARKS["nose_tip"],
    "mouth_right": LANDMARKS["mouth_right"],
    "mouth_left": LANDMARKS["mouth_left"],
    "lip_upper": LANDMARKS["lip_upper"],
    "lip_lower": LANDMARKS["lip_lower"],
    "chin": LANDMARKS["chin"],
}
_NEIGHBOUR_REACH = 0.104  # of the face's extent, and
_NEIGHBOUR_WEIGHT = 0.35  # against 1 of an own point: the wide neighbourhood that keeps a shut eye's fit regular
LARGEST_STRETCH = 3.0


@dataclass(frozen=True, slots=True)
class KeypointTables:
    """The engine's keypoints as linear maps of the 70 points.

    value (10, 70): a keypoint is the weighted mean of points. gradient (10, 70, 2), per cm: its local map is the sum of
    point times gradient, the linear part of the least-squares affine map from the neutral face's frontal plane.
    """

    value: FloatArray
    gradient: FloatArray


def keypoint_tables(neutral_cm: FloatArray) -> KeypointTables:
    """Give the tables of an actor's face; the definition of the default weights, with the actor as canonical face.

    neutral_cm: (70, 3), head frame. Only relative maps are used, in which the choice of the canonical face cancels.
    """
    flat = neutral_cm[:, :2]
    extent = float((flat[:68].max(0) - flat[:68].min(0)).max())
    value, gradient = np.zeros((len(KEYPOINTS), POINT_COUNT)), np.zeros((len(KEYPOINTS), POINT_COUNT, 2))
    for row, keypoint in enumerate(KEYPOINTS):
        own = list(_OWN_POINTS[keypoint])
        value[row, own] = 1.0 / len(own)
        apart = np.linalg.norm(flat - flat[own].mean(0), axis=1) / (_NEIGHBOUR_REACH * extent)
        weights = _NEIGHBOUR_WEIGHT * np.exp(-0.5 * apart**2) + 1e-4
        weights[own] += 1.0
        weights[[IRIS_RIGHT, IRIS_LEFT]] = 0.0
        gradient[row] = _gradient(flat, weights / weights.sum())
    return KeypointTables(value, gradient)


def _gradient(flat: FloatArray, share: FloatArray) -> FloatArray:
    """Give the weights (70, 2) whose sum with moved points is the linear part of the weighted affine fit."""
    centred = flat - share @ flat
    weighted = share[:, None] * centred
    return weighted @ np.linalg.inv(centred.T @ weighted)


@dataclass(frozen=True, slots=True)
class Observation:
    """What is seen beyond the rigid neutral head, for T frames, in face units.

    point_offset (T, 70, 2): image right and down; point_sigma (T, 70). keypoint_offset (T, 10, 2) and stretch
    (T, 10, 2, 2), local stretching in the head's frontal plane (x the subject's left, y up) minus none; both None for
    a take without keypoints. row_bias (R,): a constant error of every row, found over the take; see `rows.build_rows`.
    basis_cm (C, 70, 3): what each unknown does to the actor's points, where that is not the take's own 52 channels.
    """

    tracks: PerformanceTracks
    prior: ExpressionPrior
    tables: KeypointTables
    point_offset: FloatArray
    point_sigma: FloatArray
    keypoint_offset: FloatArray | None
    stretch: FloatArray | None
    row_bias: FloatArray | None = None
    basis_cm: FloatArray | None = None

    @property
    def moves_cm(self) -> FloatArray:
        """What one unit of each unknown does to the points: (C, 70, 3), head frame."""
        return self.tracks.basis_cm if self.basis_cm is None else self.basis_cm


def observe(tracks: PerformanceTracks, *, rest_frames: IntArray, prior: ExpressionPrior) -> Observation:
    """Give the offsets of all features from the actor's rigid neutral head.

    rest_frames: frames on which the actor is at rest; their median offset is the landmarker's own error and is removed.
    """
    unit = projection.face_unit_px(tracks.neutral_cm, tracks.head_translation_cm, tracks.camera)
    rigid = _rigid(tracks)
    offset = (tracks.points_px - rigid) / unit[:, None, None]
    offset = offset - np.median(offset[rest_frames], axis=0)
    sigma = np.hypot(prior.sigma_scale * tracks.points_sigma_px / unit[:, None], prior.point_sigma_floor)
    tables = keypoint_tables(tracks.neutral_cm)
    moved, stretch = None, None
    if tracks.crop is not None and bool(np.any(tracks.fomm_jacobian)):
        moved = keypoint_offset(tracks, tables, rigid=rigid, rest_frames=rest_frames)
        stretch = relative_stretch(tracks, tables, rigid=rigid, rest_frames=rest_frames)
    return Observation(tracks, prior, tables, offset, sigma, moved, stretch)


def _rigid(tracks: PerformanceTracks) -> FloatArray:
    """Give where the neutral face would be seen on every frame: (T, 70, 2) pixels."""
    return projection.project(tracks.neutral_cm, tracks.head_rotation, tracks.head_translation_cm, camera=tracks.camera)


def keypoint_offset(
    tracks: PerformanceTracks, tables: KeypointTables, *, rigid: FloatArray, rest_frames: IntArray
) -> FloatArray:
    """Give how far the keypoints are from the rigid head's, relative to rest: (T, 10, 2) face units, image axes.

    rigid: (T, 70, 2) pixels. Needs the take's crop.
    """
    crop = tracks.crop
    if crop is None:
        raise ValueError("The take's keypoints need the crop they were measured on.")
    seen = (tracks.fomm_value + 1.0) / 2.0 * crop.size_px + np.array([crop.x_px, crop.y_px])
    unit = projection.face_unit_px(tracks.neutral_cm, tracks.head_translation_cm, tracks.camera)
    moved = (seen - np.einsum("kn,tnd->tkd", tables.value, rigid)) / unit[:, None, None]
    return moved - np.median(moved[rest_frames], axis=0)


def relative_stretch(
    tracks: PerformanceTracks, tables: KeypointTables, *, rigid: FloatArray, rest_frames: IntArray
) -> FloatArray:
    """Give the keypoints' local stretching against rest, the head's pose taken out: (T, 10, 2, 2).

    The relative Jacobian J_t J_0^-1 (A. Siarohin et al., "First Order Motion Model for Image Animation", NeurIPS 2019)
    is applied to the rigid head's own map at rest; the rigid head's map at frame t (roll, scale, foreshortening, depth)
    is subtracted, and the rest brought back into the head's frontal plane: 0 for a face at rest under any pose, (1, 1)
    near -1 for an eye's keypoint whose lids shut.
    """
    size_px = 1.0 if tracks.crop is None else tracks.crop.size_px
    model = np.einsum("tni,knj->tkij", rigid / size_px, tables.gradient)
    centres = tables.value @ tracks.neutral_cm
    rows = projection.motion_rows(centres, tracks.head_rotation, tracks.head_translation_cm, camera=tracks.camera)
    plane = (rows @ tracks.head_rotation[:, None])[..., :2] / size_px
    middle = int(rest_frames[len(rest_frames) // 2])
    relative = tracks.fomm_jacobian @ _inverse(tracks.fomm_jacobian[middle])
    stretch = _inverse(plane) @ (relative @ model[middle] - model)
    stretch = stretch - np.median(stretch[rest_frames], axis=0)
    return np.clip(stretch, -LARGEST_STRETCH, LARGEST_STRETCH)


def _inverse(matrices: FloatArray) -> FloatArray:
    """Give inverses of 2x2 matrices, (..., 2, 2); a matrix without one gives zeros."""
    a, b, c, d = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 0], matrices[..., 1, 1]
    determinant = a * d - b * c
    size = np.sum(matrices**2, (-2, -1))
    singular = np.abs(determinant) <= 1e-6 * size
    rows = np.stack([np.stack([d, -b], -1), np.stack([-c, a], -1)], -2)
    return np.where(singular[..., None, None], 0.0, rows / np.where(singular, 1.0, determinant)[..., None, None])
