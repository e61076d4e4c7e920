# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tracker sees of held-out faces in one frame: errors, and whether movements keep their size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from fomm_engine.face.crop import SquareCrop
from fomm_engine.face.look import FaceReader, crop_around
from fomm_engine.face.nets import LandmarkOutput
from fomm_engine.face.region_nets import RegionOutput
from fomm_engine.face.regions import EYE_POINTS, LEFT_EYE_POINTS, MOUTH_POINTS
from fomm_engine.training.augment import Backgrounds, PhotoSettings, over, photograph
from fomm_engine.training.dataset import FaceSet
from fomm_engine.training.landmark_data import CLEAN_PHOTO, Faces, backgrounds
from fomm_engine.training.landmark_losses import landmark_scores
from fomm_engine.training.regions.losses import region_scores
from fomm_engine.wire.names import LANDMARKS

_FACING = 0.82  # of the head's axis towards the camera: within 35 degrees
_INNER = list(LANDMARKS["inner51"])
_BROWS = [*LANDMARKS["brow_right"], *LANDMARKS["brow_left"]]


def tracker_scores(data: Path, reader: FaceReader, *, count: int, augmented: bool) -> dict[str, float]:
    """`reader_scores` on `count` held-out faces: clean and cropped right, or photographed and cropped nearly so."""
    faces, rng = FaceSet(data, held_out=True), np.random.default_rng(3)
    order = np.arange(min(count, len(faces)))
    photo = PhotoSettings() if augmented else CLEAN_PHOTO
    return reader_scores(faces, order, reader, Shots(backgrounds(data), rng, photo, near=augmented))


@dataclass(frozen=True)
class Shots:
    """How faces are photographed: backgrounds, chances, and whether crops are right or only near."""

    pool: Backgrounds
    rng: Generator
    photo: PhotoSettings
    near: bool = False

    def of(self, rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The whole picture (H, W, 3) of a stored face."""
        return photograph(over(rgba, self.pool.sample(self.rng, len(rgba))), self.rng, self.photo)


def reader_scores(faces: Faces, order: NDArray[np.int64], reader: FaceReader, shots: Shots) -> dict[str, float]:
    """Scores of what `reader` sees of faces in whole pictures.

    Errors as in `landmark_scores`, of points in the crop's units; slopes and correlations of lids, lips, brows and gaze
    of faces within 35 degrees of the camera; `sigma_ratio` is the root mean square error of a coordinate over the
    tracker's sigma, and `sigma_worst_ratio` the one furthest from 1 among eighths of the points by their sigma.
    """
    found, truth, seen_rotations, errors = [], [], [], []
    for index in order:
        points, rotation = faces.labels.points_px[index].astype(np.float64), faces.labels.rotation[index]
        image = shots.of(faces.picture(index))
        right = crop_around(points, rotation)
        face = reader.seen(image, _near(right, shots.rng) if shots.near else right)
        found.append(right.from_picture(face.points_px))
        truth.append(right.from_picture(points))
        seen_rotations.append(face.rotation)
        errors.append(np.column_stack([face.points_px - points, face.sigma_px])[_INNER].T)
    output = LandmarkOutput(_tensor(found), torch.zeros(len(found), 70), _tensor(seen_rotations))
    right_points, rotations = _tensor(truth), torch.from_numpy(faces.labels.rotation[order])
    scores = landmark_scores(output, right_points, rotations)
    scores = {name: value for name, value in scores.items() if not name.startswith("sigma")}
    scores["brows_percent"] = _percent(output.points, right_points, _BROWS)
    frontal = rotations[:, 2, 2] > _FACING
    return scores | movement_scores(output.points[frontal], right_points[frontal]) | _sigma_scores(np.stack(errors))


def movement_scores(found: Tensor, truth: Tensor) -> dict[str, float]:
    """Slopes and correlations of movements of points (N, 70, 2) found over true ones, in coordinates of the crop."""
    eyes, mouths = ([], [])
    for points in (found, truth):
        left = points[:, list(LEFT_EYE_POINTS)] * torch.tensor([-1.0, 1.0])
        eyes.append(torch.cat([points[:, list(EYE_POINTS)], left]))
        mouths.append(points[:, list(MOUTH_POINTS)])
    outputs = [RegionOutput(each[0], torch.zeros(each[0].shape[:2])) for each in (eyes, mouths)]
    scores = region_scores(outputs[0], eyes[1], outputs[1], mouths[1])
    return {name: value for name, value in scores.items() if name.endswith(("_slope", "_r"))}


def _near(crop: SquareCrop, rng: Generator) -> SquareCrop:
    """A crop as a tracker has it from the frame before."""
    x, y = np.asarray(crop.center_px) + rng.normal(0, 0.03, 2) * crop.side_px
    side = crop.side_px * float(np.exp(rng.normal(0, 0.05)))
    return SquareCrop((float(x), float(y)), side, crop.roll_rad + float(np.radians(rng.normal(0, 3))))


def _percent(found: Tensor, truth: Tensor, ids: list[int]) -> float:
    """Mean error of some points in percent of the outer eye corners' distance (at least .12 of the half crop)."""
    outer = [LANDMARKS["eye_right_outer"][0], LANDMARKS["eye_left_outer"][0]]
    unit = (truth[:, outer[0]] - truth[:, outer[1]]).norm(dim=1).clamp_min(0.12)
    return float((100 * (found - truth).norm(dim=2)[:, ids] / unit[:, None]).mean())


def _sigma_scores(rows: NDArray[np.float64]) -> dict[str, float]:
    """Of (N, 3, K): errors along x and y, and sigma, in pixels."""
    square, sigma = ((rows[:, 0] ** 2 + rows[:, 1] ** 2) / 2).ravel(), rows[:, 2].ravel()
    parts = np.array_split(np.argsort(sigma), 8)
    ratios = [float(np.sqrt(square[part].mean()) / np.sqrt((sigma[part] ** 2).mean())) for part in parts]
    whole = float(np.sqrt(square.mean() / (sigma**2).mean()))
    return {"sigma_ratio": whole, "sigma_worst_ratio": max(ratios, key=lambda ratio: abs(np.log(ratio)))}


def _tensor(rows: list[NDArray[np.floating]]) -> Tensor:
    return torch.from_numpy(np.stack(rows).astype(np.float32))
