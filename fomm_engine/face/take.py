# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recording to the tracks of a take: the whole-take solve, ARKit weights, keypoints and a neutral frame."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fomm_engine.face.crop import SquareCrop
from fomm_engine.face.face_prior import FacePrior
from fomm_engine.face.keypoints import keypoint_maps
from fomm_engine.face.nets import ArkitRegressor, regressor_features
from fomm_engine.face.recording import Recording
from fomm_engine.face.take_camera import project, translation_cm
from fomm_engine.face.take_solve import KnownLens, TakeObservations, TakeSolution, solve_take
from fomm_engine.wire.names import ARKIT_INDEX, LANDMARK_COUNT

Array = npt.NDArray[Any]
REGRESSED_AT_ONCE = 1000  # frames: what the regressor makes of each on its way is many times the frame itself
CROP_MARGIN = 1.9  # side of FOMM's crop over the face's: head and some air, as FOMM's training data was cropped


@dataclass(frozen=True)
class SolvedTake:
    """The tracks and models of a take (names and shapes of wire.names), and what the header says about them."""

    tracks: dict[str, Array]
    models: dict[str, Array]
    confidences: dict[str, Array]
    header: dict[str, Any]


def solved_take(
    recording: Recording,
    size_px: tuple[int, int],
    prior: FacePrior,
    regressor: ArkitRegressor,
    lens: KnownLens | None,
    on_step: Callable[[int, int], None],
) -> SolvedTake:
    """The take of a recording in a picture of `size_px` (width, height); at least one valid frame.

    `lens`: where it is known. `on_step` as for `solve_take`.
    """
    valid = recording.valid
    observations = TakeObservations(
        recording.time_s[valid],
        recording.points_px[valid],
        recording.sigma_px[valid],
        recording.rotation[valid],
        *size_px,
        lens,
    )
    solution = solve_take(observations, prior, on_step=on_step)
    crop = take_crop(recording)
    tracks = _tracks(recording, solution, crop, prior, _arkit(solution, recording, size_px, regressor))
    neutral = _neutral_frame(recording, solution)
    header = {
        "camera": _camera(solution, size_px, lens),
        "crop": _corner(crop),
        "neutral": {"frame": neutral, "reason": "the frame closest to rest, looking at the camera"},
        "residual_sigmas": float(np.sqrt(np.mean(solution.residual_sigmas**2))),
    }
    models = {
        "neutral_cm": solution.neutral_cm.astype(np.float32),
        "basis_cm": prior.expression_cm.astype(np.float32),
    }
    confidence = np.where(valid, 1 / (1 + np.exp(6 * (recording.doubt + 2.6))), 0.0).astype(np.float32)
    return SolvedTake(tracks, models, {"face": confidence}, header)


def take_crop(recording: Recording) -> SquareCrop:
    """The one square of the take that FOMM's coordinates refer to: around where the face usually is."""
    points = recording.points_px[recording.valid][:, :LANDMARK_COUNT]
    low, high = points.min(1), points.max(1)
    center = np.median((low + high) / 2, axis=0)
    side = float(np.median((high - low).max(1))) * CROP_MARGIN
    return SquareCrop((float(center[0]), float(center[1])), side)


def _corner(crop: SquareCrop) -> dict[str, float]:
    """The square as the header says it: its top left corner and its side, px."""
    half = crop.side_px / 2
    return {"x": crop.center_px[0] - half, "y": crop.center_px[1] - half, "size": crop.side_px}


def _camera(solution: TakeSolution, size_px: tuple[int, int], lens: KnownLens | None) -> dict[str, Any]:
    return {
        "focal_px": float(1 / max(solution.pose.inverse_focal, 1e-6)),
        "cx": size_px[0] / 2,
        "cy": size_px[1] / 2,
        "focal_source": "solved from the take" if lens is None else lens.source,
    }


def _arkit(solution: TakeSolution, recording: Recording, size_px: tuple[int, int], net: ArkitRegressor) -> Array:
    """(V, 52) ARKit weights of the valid frames: the mean of what the solve found and what the regressor says.

    Each errs in its own way (the solve shrinks, the regressor confuses neighbours), and on synthetic takes the mean of
    both followed the truth better than either.
    """
    seen_px = recording.points_px[recording.valid]
    weights = np.empty(solution.expression.shape)
    for start in range(0, len(weights), REGRESSED_AT_ONCE):
        part = slice(start, start + REGRESSED_AT_ONCE)
        pose = solution.pose.frames(part)
        still = np.broadcast_to(solution.neutral_cm, (len(pose.log_scale), *solution.neutral_cm.shape))
        at_rest = project(pose, still).image * [1, -1] + np.array(size_px) / 2
        features = regressor_features(seen_px[part], at_rest, pose.rotation)
        with torch.inference_mode():
            weights[part] = net(torch.from_numpy(features)).numpy()
    return (weights + solution.expression) / 2


def _tracks(
    recording: Recording, solution: TakeSolution, crop: SquareCrop, prior: FacePrior, arkit: Array
) -> dict[str, Array]:
    valid = recording.valid
    points = recording.points_px
    value, jacobian = keypoint_maps(prior.neutral_cm).apply(crop.from_picture(points[valid]))
    rotation = np.broadcast_to(np.eye(3), (len(valid), 3, 3)).copy()
    rotation[valid] = solution.pose.rotation
    filled = {
        "head_translation_cm": translation_cm(solution.pose),
        "fomm_value": value,
        "fomm_jacobian": jacobian,
        "arkit": arkit,
    }
    tracks = {name: _spread(track, valid) for name, track in filled.items()}
    tracks["head_rotation"] = rotation.astype(np.float32)
    tracks["landmarks_px"] = points[:, :LANDMARK_COUNT].astype(np.float32)
    tracks["irises_px"] = points[:, LANDMARK_COUNT:].astype(np.float32)
    tracks["landmarks_sigma_px"] = recording.sigma_px[:, :LANDMARK_COUNT].astype(np.float32)
    tracks["irises_sigma_px"] = recording.sigma_px[:, LANDMARK_COUNT:].astype(np.float32)
    return tracks


def _spread(track: Array, valid: Array) -> Array:
    full = np.zeros((len(valid), *track.shape[1:]), np.float32)
    full[valid] = track
    return full


def _neutral_frame(recording: Recording, solution: TakeSolution) -> int:
    """The index of the frame with the least expression, turned least away from the camera, its eyes open."""
    effort = (solution.expression**2).sum(1)
    shut = solution.expression[:, [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]].max(1)
    turned = np.arccos(np.clip(solution.pose.rotation[:, 2, 2], -1, 1))
    doubt = recording.doubt[recording.valid] - recording.doubt[recording.valid].min()
    cost = effort + 3 * np.maximum(shut - 0.25, 0) + 2 * turned**2 + 0.5 * doubt
    return int(np.flatnonzero(recording.valid)[np.argmin(cost)])
