# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator on held-out people, against copying the source and against the first-order warp that `animate` uses."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from fomm_engine.fomm_training.measures import AKD_SIDE_PX, l1, ssim
from fomm_engine.model.anatomical_detector import AnatomicalDetector
from fomm_engine.model.generator import Generator
from fomm_engine.model.motion import Keypoints
from fomm_engine.model.preview import PortraitWarp, PreviewSettings
from fomm_engine.training.generator.clips import Clip
from fomm_engine.training.generator.training import paint
from fomm_engine.wire.names import LANDMARK_COUNT, LANDMARKS

Array = NDArray[Any]
Images = NDArray[np.uint8]
Way = Callable[[Clip], Images]
_MORE_IS_BETTER = ("ssim", "right_lid_r", "left_lid_r", "mouth_r")
_OPENINGS = {
    "right_lid": ("lid_upper_right", "lid_lower_right"),
    "left_lid": ("lid_upper_left", "lid_lower_left"),
    "mouth": ("lip_inner_upper", "lip_inner_lower"),
}
_OUTER_EYES = (LANDMARKS["eye_right_outer"][0], LANDMARKS["eye_left_outer"][0])


def judged(clips: list[Clip], generator: Generator | None) -> dict[str, dict[str, float]]:
    """The scores of each way ("copy", "warp", "generator") to make a clip's frames from its first one.

    l1 and ssim of the whole picture; akd_px, the distance of the 68 landmarks in a picture of 256; color, the
    difference of the face's mean colour (who it is, as far as colour says it), levels from 0 to 1; sharpness, the
    strength of the face's edges over that of the real one's; `*_r`, how what opens follows the truth.
    """
    ways: dict[str, Way] = {"copy": _copied, "warp": by_warp}
    if generator is not None:
        ways["generator"] = lambda clip: paint(generator, clip)
    detector = AnatomicalDetector()
    truth = [_points(detector, clip.frames[1:]) for clip in clips]
    return {name: _scores(detector, clips, truth, way) for name, way in ways.items()}


def wins(scores: dict[str, dict[str, float]]) -> bool:
    """Whether the generator is better than both other ways in everything that is measured."""
    ours = scores["generator"]
    others = [scores[name] for name in ("copy", "warp")]
    return all(_worth(name, ours[name]) > _worth(name, other[name]) for name in ours for other in others)


def _worth(name: str, value: float) -> float:
    """A score such that more of it is better; as sharp as the real picture is best, and sharper is not better."""
    if name == "sharpness":
        return -abs(value - 1)
    return value if name in _MORE_IS_BETTER else -value


def by_warp(clip: Clip) -> Images:
    """A clip's frames by the preview of `animate`, whose keypoints' -1 and +1 are the picture's edges."""
    side = clip.frames.shape[1]
    to_edges = np.float32((side - 1) / side)
    keypoints = [Keypoints(v * to_edges, j * to_edges) for v, j in zip(clip.value, clip.jacobian, strict=True)]
    warp = PortraitWarp(clip.frames[0], keypoints[0], keypoints[0], PreviewSettings(adapt_scale=False))
    return np.stack([warp.frame(each) for each in keypoints[1:]])


def _scores(detector: AnatomicalDetector, clips: list[Clip], truth: list[Array], way: Way) -> dict[str, float]:
    rows: dict[str, list[float]] = {name: [] for name in ("l1", "ssim", "akd_px", "color", "sharpness")}
    found, wanted = [], []
    for clip, real_points in zip(clips, truth, strict=True):
        made = way(clip)
        points = _points(detector, made)
        found.append(_openings(points))
        wanted.append(_openings(real_points))
        for index, (picture, real) in enumerate(zip(made, clip.frames[1:], strict=True)):
            face = _face(real_points[index], real.shape[0])
            rows["l1"].append(l1(picture, real))
            rows["ssim"].append(ssim(picture, real))
            away = np.linalg.norm(points[index] - real_points[index], axis=1)[:LANDMARK_COUNT]
            rows["akd_px"].append(float(away.mean()) * AKD_SIDE_PX / real.shape[0])
            rows["color"].append(float(np.abs(picture[face].mean(0) - real[face].mean(0)).mean()) / 255)
            rows["sharpness"].append(_edges(picture)[face].mean() / max(_edges(real)[face].mean(), 1e-6))
    scores = {name: float(np.mean(values)) for name, values in rows.items()}
    both = np.concatenate(found), np.concatenate(wanted)
    follows = [_correlation(both[0][:, column], both[1][:, column]) for column in range(len(_OPENINGS))]
    return scores | {f"{name}_r": value for name, value in zip(_OPENINGS, follows, strict=True)}


def _copied(clip: Clip) -> Images:
    return np.repeat(clip.frames[:1], len(clip.frames) - 1, axis=0)


def _points(detector: AnatomicalDetector, pictures: Images) -> Array:
    """(F, 70, 2) px."""
    return detector.points(torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255)


def _openings(points: Array) -> Array:
    """(F, 3) of both eyes and the mouth, over the outer eye distance."""
    unit = np.linalg.norm(points[:, _OUTER_EYES[0]] - points[:, _OUTER_EYES[1]], axis=1)
    gaps = [
        np.linalg.norm(points[:, list(LANDMARKS[upper])] - points[:, list(LANDMARKS[lower])], axis=2).mean(1)
        for upper, lower in _OPENINGS.values()
    ]
    return np.stack(gaps, 1) / np.maximum(unit, 1e-6)[:, None]


def _face(points: Array, side: int) -> NDArray[np.bool_]:
    """(side, side) inside the landmarks' hull, or the whole picture where that is empty."""
    mask = np.zeros((side, side), np.uint8)
    hull = cv2.convexHull(np.rint(points[:LANDMARK_COUNT]).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    return mask.astype(bool) if mask.any() else ~mask.astype(bool)


def _edges(picture: Images) -> Array:
    gray = picture.astype(np.float32).mean(2)
    return np.abs(cv2.Laplacian(gray, cv2.CV_32F))


def _correlation(ours: Array, theirs: Array) -> float:
    return float(np.corrcoef(ours, theirs)[0, 1]) if min(ours.std(), theirs.std()) > 1e-9 else 0.0
