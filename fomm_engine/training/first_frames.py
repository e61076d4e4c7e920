# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the tracker finds the face in the first frame it sees: composed frames of held-out people."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.face.detect import FaceFinder
from fomm_engine.face.fast_landmarks import Look
from fomm_engine.face.region_nets import CloseNets
from fomm_engine.face.tracker import FaceTracker
from fomm_engine.training.augment import Backgrounds, Crop, PhotoSettings, cut, face_box, photograph
from fomm_engine.training.box_training import feathered
from fomm_engine.training.dataset import FaceSet
from fomm_engine.training.landmark_data import backgrounds
from fomm_engine.wire.names import LANDMARKS

Picture = NDArray[np.uint8]
_INNER = list(LANDMARKS["inner51"])
_LOST_SHARE = 0.12  # mean error of the inner points over the outer eye distance from which a frame counts as lost


@dataclass(frozen=True)
class FirstFrameSettings:
    """Frames of `width` by `height` px; the face's box is `share` of the height, drawn evenly in its logarithm."""

    count: int = 200
    empty: int = 200  # and so many frames without a face
    width: int = 640
    height: int = 480
    share: tuple[float, float] = (0.1, 0.85)
    second: float = 0.25  # frames with another, smaller face
    photo: PhotoSettings = field(default_factory=lambda: PhotoSettings(occluder=0, blur=0, shrink=0))
    seed: int = 5


def first_frame_scores(
    data: Path, finder: FaceFinder, net: Look, settings: FirstFrameSettings, close: CloseNets | None = None
) -> dict[str, float]:
    """Percent of frames whose face is lost (missed, or a mean error of the inner 51 points over 12 % of the outer eye
    distance), of all and by the face's share of the height; the mean error of those found, in percent; percent of the
    frames without a face in which one is seen."""
    rows = [
        (share, first_frame_error(FaceTracker(finder, net, close=close), picture, points))
        for picture, points, share in first_frames(data, settings)
    ]
    shares, errors = (np.array(column) for column in zip(*rows, strict=True))
    lost = errors > _LOST_SHARE
    scores = {"frames": float(len(rows)), "lost_percent": 100 * float(lost.mean())}
    scores["missed_percent"] = 100 * float(np.isinf(errors).mean())
    for low, high in ((0.0, 0.15), (0.15, 0.3), (0.3, 1.0)):
        band = (shares >= low) & (shares < high)
        scores[f"lost_percent_{low}_to_{high}"] = 100 * float(lost[band].mean()) if band.any() else 0.0
    scores["error_percent"] = 100 * float(errors[~lost].mean()) if not lost.all() else 100.0
    seen = [FaceTracker(finder, net, close=close).track(picture) for picture in empty_frames(data, settings)]
    scores["false_percent"] = 100 * float(np.mean([face is not None for face in seen])) if seen else 0.0
    return {name: round(value, 2) for name, value in scores.items()}


def first_frame_error(tracker: FaceTracker, picture: Picture, points_px: NDArray[np.floating]) -> float:
    """Mean distance of the inner 51 points over the outer eye distance (at least a quarter of the box); infinite where
    no face is found."""
    face = tracker.track(picture)
    if face is None:
        return float("inf")
    corners = [LANDMARKS["eye_right_outer"][0], LANDMARKS["eye_left_outer"][0]]
    unit = max(float(np.linalg.norm(points_px[corners[0]] - points_px[corners[1]])), 0.25 * face_box(points_px)[1])
    return float(np.linalg.norm(face.points_px[_INNER] - points_px[_INNER], axis=1).mean() / unit)


def first_frames(data: Path, settings: FirstFrameSettings) -> Iterator[tuple[Picture, NDArray[np.floating], float]]:
    """Pictures (height, width, 3), the 70 points of the face in front, and its share of the height."""
    faces, pool = FaceSet(data, held_out=True), backgrounds(data)
    rng = np.random.default_rng(settings.seed)
    for _ in range(settings.count):
        share = float(np.exp(rng.uniform(*np.log(settings.share))))
        picture = _backdrop(pool, rng, settings)
        if share < 0.5 and rng.random() < settings.second:
            picture, _ = _placed(picture, faces, rng, share=share * rng.uniform(0.3, 0.6))
        picture, points = _placed(picture, faces, rng, share=share)
        yield photograph(picture, rng, settings.photo), points, share


def empty_frames(data: Path, settings: FirstFrameSettings) -> Iterator[Picture]:
    """Pictures (height, width, 3) without a face."""
    pool = backgrounds(data)
    rng = np.random.default_rng([settings.seed, 1])
    for _ in range(settings.empty):
        yield photograph(_backdrop(pool, rng, settings), rng, settings.photo)


def _backdrop(pool: Backgrounds, rng: Generator, settings: FirstFrameSettings) -> Picture:
    side = max(settings.width, settings.height)
    return pool.sample(rng, side)[: settings.height, : settings.width].copy()


def _placed(picture: Picture, faces: FaceSet, rng: Generator, *, share: float) -> tuple[Picture, NDArray[np.floating]]:
    """A random face somewhere in the picture, its box wholly inside; the new picture and the face's points."""
    height, width = picture.shape[:2]
    index = int(rng.integers(len(faces)))
    stored = faces.labels.points_px[index].astype(np.float64)
    centre, side = face_box(stored)
    target = share * height
    room = np.array([width - target, height - target]) / 2 * 0.95
    middle = np.array([width, height]) / 2 + rng.uniform(-1, 1, 2) * room
    size = max(height, width)
    # `cut` works on squares: a square as large as the frame's longer side, laid around the frame's middle.
    square = np.zeros((size, size, 3), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = picture
    stored_per_px = side / target
    offset = (np.array([size, size]) / 2 - middle - (left, top)) * stored_per_px
    crop = Crop(centre + offset, size * stored_per_px, np.radians(rng.normal(0, 6)), bool(rng.random() < 0.5))
    sample = cut(feathered(faces.picture(index)), stored, faces.labels.rotation[index], crop, square)
    inside = sample.picture[top : top + height, left : left + width]
    return np.ascontiguousarray(inside), sample.points_px - (left, top)
