# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the expression problem: landmarks, their distances, keypoints and their Jacobians as one linear
system."""

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, LANDMARKS, POINT_COUNT

from . import projection
from .array_types import BoolArray, FloatArray, IntArray
from .features import Observation
from .priors import ExpressionPrior
from .tracks import PerformanceTracks

_SHIFT_GROUPS: tuple[tuple[int, ...], ...] = (
    LANDMARKS["jaw"],
    LANDMARKS["brow_right"],
    LANDMARKS["brow_left"],
    LANDMARKS["nose_bridge"] + LANDMARKS["nose_base"],
    LANDMARKS["eye_right"],
    LANDMARKS["eye_left"],
    LANDMARKS["lips_outer"] + LANDMARKS["lips_inner"],
    (IRIS_RIGHT, IRIS_LEFT),
)
"""Points whose errors go together: a landmark net shifts a whole brow or mouth sooner than it tears it apart."""


def _distances() -> tuple[tuple[tuple[int, ...], tuple[int, ...], int], ...]:
    """Give the measured distances: (points of one end, points of the other, axis of the head frame: 0 across, 1 up)."""
    names = LANDMARKS
    lids = [
        ((upper,), (lower,), 1)
        for side in ("right", "left")
        for upper, lower in zip(names[f"lid_upper_{side}"], names[f"lid_lower_{side}"], strict=True)
    ]
    lips = [
        ((upper,), (lower,), 1) for upper, lower in zip(names["lip_inner_upper"], names["lip_inner_lower"], strict=True)
    ]
    brows = [
        (names[f"brow_{side}"][part], names[f"eye_{side}_inner"] + names[f"eye_{side}_outer"], 1)
        for side in ("right", "left")
        for part in (slice(0, 2), slice(1, 4), slice(3, 5))
    ]
    mouth = [
        (names["mouth_left"], names["mouth_right"], 0),
        (names["lip_upper"], names["lip_lower"], 1),
        (names["nose_base"][2:3], names["lip_upper"], 1),
        (names["lip_lower"], names["chin"], 1),
        (names["nose_tip"], names["chin"], 1),
    ]
    irises = [
        ((iris,), names[f"eye_{side}_inner"] + names[f"eye_{side}_outer"], axis)
        for side, iris in (("right", IRIS_RIGHT), ("left", IRIS_LEFT))
        for axis in (0, 1)
    ]
    return tuple(lids + lips + brows + mouth + irises)


DISTANCES = _distances()


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Linear rows of n frames: values (n, R) = basis (n, R, C) @ weights + nuisance (n, R, K) @ unknowns + noise.

    precision (n, R): one over the noise's variance. The nuisance unknowns (pose error, shifts of whole regions) have a
    standard deviation of one each.
    """

    values: FloatArray
    basis: FloatArray
    precision: FloatArray
    nuisance: FloatArray


@dataclass(frozen=True, slots=True)
class _PointRows:
    """Rows of the 70 points before they are stacked: values (n, 70, 2), basis (n, 70, 2, C), nuisance (n, 70, 2, K)."""

    values: FloatArray
    basis: FloatArray
    nuisance: FloatArray

    def combined(self, mix: FloatArray) -> "_PointRows":
        """Give rows of weighted sums of points: mix (Q, 70)."""
        values = np.einsum("qp,npi->nqi", mix, self.values)
        return _PointRows(values, _mixed(mix, self.basis), _mixed(mix, self.nuisance))


def _mixed(mix: FloatArray, rows: FloatArray) -> FloatArray:
    """Give weighted sums over the points' axis: (Q, 70), (n, 70, 2, C) -> (n, Q, 2, C)."""
    count, points, two, width = rows.shape
    return (mix @ rows.reshape(count, points, two * width)).reshape(count, len(mix), two, width)


def build_rows(observation: Observation, frames: IntArray) -> RowBlock:
    """Give all rows of some of the take's frames."""
    tracks, prior = observation.tracks, observation.prior
    rotation, translation = tracks.head_rotation[frames], tracks.head_translation_cm[frames]
    unit_px = projection.face_unit_px(tracks.neutral_cm, translation, tracks.camera)[:, None, None, None]
    camera_rows = projection.motion_rows(tracks.neutral_cm, rotation, translation, camera=tracks.camera) / unit_px
    head_rows = camera_rows @ rotation[:, None]
    points = _PointRows(
        observation.point_offset[frames],
        head_rows @ np.moveaxis(observation.moves_cm, 0, -1),
        _nuisance(tracks, camera_rows, rotation, prior),
    )
    precision = np.repeat(1.0 / observation.point_sigma[frames] ** 2, 2, -1)
    blocks = [_stacked(points, precision), _distance_rows(points, head_rows, observation.point_sigma[frames], prior)]
    blocks += _keypoint_rows(observation, points, frames)
    values = np.concatenate([block.values for block in blocks], 1)
    return RowBlock(
        values if observation.row_bias is None else values - observation.row_bias,
        np.concatenate([block.basis for block in blocks], 1),
        np.concatenate([block.precision for block in blocks], 1),
        np.concatenate([block.nuisance for block in blocks], 1),
    )


def _stacked(points: _PointRows, precision: FloatArray) -> RowBlock:
    """Give the two coordinates of every point as rows of their own."""
    count, rows = len(points.values), points.values.shape[1] * 2
    return RowBlock(
        points.values.reshape(count, rows),
        points.basis.reshape(count, rows, -1),
        np.broadcast_to(precision, (count, rows)),
        points.nuisance.reshape(count, rows, -1),
    )


def _nuisance(
    tracks: PerformanceTracks, camera_rows: FloatArray, rotation: FloatArray, prior: ExpressionPrior
) -> FloatArray:
    """Give what an error of the pose (turn, shift, depth) and a shift of a whole region do to the points.

    Their expected size is multiplied in. Returns (n, 70, 2, K).
    """
    unit_cm = projection.eye_distance_cm(tracks.neutral_cm)
    arms = tracks.neutral_cm @ np.swapaxes(rotation, 1, 2)
    turned = np.cross(np.eye(3), arms[:, :, None]) * prior.pose_rotation_rad
    depth_cm = np.mean(-tracks.head_translation_cm[tracks.valid, 2])
    shifts = np.diag([prior.pose_shift * unit_cm, prior.pose_shift * unit_cm, prior.pose_depth * depth_cm])
    pose = camera_rows @ np.swapaxes(turned, 2, 3)
    moved = camera_rows @ shifts
    tied = np.zeros((camera_rows.shape[1], 2, 2 * len(_SHIFT_GROUPS)))
    for index, group in enumerate(_SHIFT_GROUPS):
        tied[list(group), 0, 2 * index] = prior.shift_sigma
        tied[list(group), 1, 2 * index + 1] = prior.shift_sigma
    return np.concatenate([pose, moved, np.broadcast_to(tied, (len(rotation), *tied.shape))], -1)


def distance_table() -> tuple[FloatArray, IntArray]:
    """Give the distances as a table: (Q, 70) weights, plus at one end and minus at the other, and (Q,) axes."""
    table = np.zeros((len(DISTANCES), 70))
    for row, (first, second, _) in enumerate(DISTANCES):
        table[row, list(first)] += 1.0 / len(first)
        table[row, list(second)] -= 1.0 / len(second)
    return table, np.array([axis for _, _, axis in DISTANCES])


def _distance_rows(points: _PointRows, head_rows: FloatArray, sigma: FloatArray, prior: ExpressionPrior) -> RowBlock:
    """Give the distances' rows: differences of points along the head's own up or across as the image shows it."""
    table, axes = distance_table()
    ends = points.combined(table)
    ahead = np.einsum("qp,npij->nqij", np.abs(table) / 2.0, head_rows)
    along = np.take_along_axis(ahead, axes[None, :, None, None], 3)[..., 0]
    along = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    noise = np.hypot(np.einsum("qp,np->nq", np.abs(table) / 2.0, sigma) - prior.point_sigma_floor, prior.distance_sigma)
    return RowBlock(
        np.einsum("nqi,nqi->nq", along, ends.values),
        np.einsum("nqi,nqic->nqc", along, ends.basis),
        1.0 / noise**2,
        np.einsum("nqi,nqik->nqk", along, ends.nuisance),
    )


def _keypoint_rows(observation: Observation, points: _PointRows, frames: IntArray) -> list[RowBlock]:
    """Give the rows of the engine's keypoints and of their relative Jacobians; none where the take has none."""
    if observation.keypoint_offset is None or observation.stretch is None:
        return []
    prior, tables, basis_cm = observation.prior, observation.tables, observation.moves_cm
    mixed = points.combined(tables.value)
    moved = _PointRows(observation.keypoint_offset[frames], mixed.basis, mixed.nuisance)
    stretch = np.einsum("cni,knj->kijc", basis_cm[..., :2], tables.gradient)
    count, rows = len(frames), stretch[..., 0].size
    stretches = RowBlock(
        observation.stretch[frames].reshape(count, rows),
        np.broadcast_to(stretch.reshape(rows, -1), (count, rows, len(basis_cm))),
        np.full((count, rows), prior.fomm_jacobian_sigma**-2),
        np.zeros((count, rows, points.nuisance.shape[-1])),
    )
    return [_stacked(moved, np.asarray(prior.fomm_value_sigma**-2)), stretches]


def iris_rows(row_count: int) -> BoolArray:
    """Give which of the rows are about the irises, (R,)."""
    result = np.zeros(row_count, np.bool_)
    result[[2 * IRIS_RIGHT, 2 * IRIS_RIGHT + 1, 2 * IRIS_LEFT, 2 * IRIS_LEFT + 1]] = True
    for index, (first, _, _) in enumerate(DISTANCES):
        result[2 * POINT_COUNT + index] = first in ((IRIS_RIGHT,), (IRIS_LEFT,))
    return result


def normal_equations(block: RowBlock) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give each frame's normal matrix (n, C, C), right side (n, C) and energy (n,), nuisance unknowns integrated out.

    With noise precision W and nuisance N (unit variance) the rows' precision is (W^-1 + N N^T)^-1 =
    W - W N (I + N^T W N)^-1 N^T W (Woodbury), so that a head pose that is a little off does not turn into expression.
    """
    columns = np.concatenate([block.basis, block.values[..., None]], -1)
    weighted = block.precision[..., None] * columns
    nuisance = block.precision[..., None] * block.nuisance
    core = np.eye(nuisance.shape[-1]) + np.swapaxes(block.nuisance, 1, 2) @ nuisance
    taken = np.linalg.solve(core, np.swapaxes(block.nuisance, 1, 2) @ weighted)
    full = np.swapaxes(columns, 1, 2) @ (weighted - nuisance @ taken)
    return full[:, :-1, :-1], full[:, :-1, -1], full[:, -1, -1]
