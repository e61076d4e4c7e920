# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets: synthetic faces side by side, with their labels drawn on them where wished."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.training.augment import over
from fomm_engine.training.backgrounds import sample_background
from fomm_engine.training.dataset import FaceSet
from fomm_engine.training.landmark_data import Batch
from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, LANDMARKS

Picture = NDArray[np.uint8]
_CLOSED = ("eye_right", "eye_left", "lips_outer", "lips_inner")
_OPEN = ("jaw", "brow_right", "brow_left", "nose_bridge", "nose_base")
_ENLARGED = 3
_SHEET_PEOPLE = 50
_COMPARED_PX = 192
_SHEET_PX, _LABELLED_PX = 150, 400
_LABEL_COLORS = {"lips_inner": (255, 80, 80), "lips_outer": (255, 200, 0), "eye_right": (80, 255, 80)}
_USUAL_COLOR = (80, 200, 255)


def write_sheets(data: Path, folder: Path, seed: int = 0) -> list[Path]:
    """Two PNG files of a data set's training faces: `faces.png`, one picture of each of 50 people, and `labels.png`,
    twelve of them enlarged with their points."""
    faces, rng = FaceSet(data, held_out=False), np.random.default_rng(seed)
    people = np.unique(faces.labels.person, return_index=True)[1]
    chosen = rng.permutation(people)[:_SHEET_PEOPLE]
    pictures = [on_background(faces.picture(int(index)), rng) for index in chosen]
    labelled = [with_labels(pictures[row], faces.labels.points_px[chosen[row]]) for row in range(len(chosen))[:12]]
    sheets = {
        "faces.png": contact_sheet([_shrunk(picture, _SHEET_PX) for picture in pictures], 10),
        "labels.png": contact_sheet([_shrunk(picture, _LABELLED_PX) for picture in labelled], 4),
    }
    return [write_png(folder / name, sheet) for name, sheet in sheets.items()]


def failures_sheet(batch: Batch, points: NDArray[np.floating], count: int = 12) -> Picture:
    """The `count` pictures of a batch with the largest errors, worst first: truth in green, `points` (B, 70, 2) in
    [-1, 1] in red, the mean error of the inner 51 points in percent of the outer eye distance below."""
    truth = batch.points.numpy()
    corners = [LANDMARKS["eye_right_outer"][0], LANDMARKS["eye_left_outer"][0]]
    unit = np.linalg.norm(truth[:, corners[0]] - truth[:, corners[1]], axis=1).clip(0.12)
    inner = list(LANDMARKS["inner51"])
    error = 100 * np.linalg.norm(points - truth, axis=2)[:, inner].mean(1) / unit
    side = batch.picture.shape[1]
    worst = np.argsort(-error)[:count]
    return contact_sheet(
        [
            _compared(
                batch.picture[row].numpy(), (truth[row] + 1) / 2 * side, (points[row] + 1) / 2 * side, float(error[row])
            )
            for row in worst.tolist()
        ],
        6,
    )


def write_png(path: Path, picture: Picture) -> Path:
    """The path, after writing an RGB picture there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes())
    return path


def contact_sheet(pictures: Sequence[Picture], columns: int) -> Picture:
    """Pictures (S, S, 3) of one size in rows of `columns`; missing ones at the end are black."""
    empty = np.zeros_like(pictures[0])
    filled = [*pictures, *[empty] * (-len(pictures) % columns)]
    return np.vstack([np.hstack(filled[start : start + columns]) for start in range(0, len(filled), columns)])


def on_background(rgba: Picture, rng: Generator) -> Picture:
    """A stored face (S, S, 4) over a random background."""
    return over(rgba, sample_background(rng, rgba.shape[0]))


def with_labels(picture: Picture, points_px: NDArray[np.floating]) -> Picture:
    """The picture three times as large with the 70 points drawn as lines, the irises as crosses."""
    drawn = _enlarged(picture)
    for name in (*_CLOSED, *_OPEN):
        color = _LABEL_COLORS.get(name, _LABEL_COLORS["eye_right"] if name == "eye_left" else _USUAL_COLOR)
        _draw_line(drawn, points_px, name, color)
    for x, y in points_px[[IRIS_RIGHT, IRIS_LEFT]] * _ENLARGED:
        cv2.drawMarker(drawn, (round(x - 0.5), round(y - 0.5)), (255, 0, 255), cv2.MARKER_CROSS, 9, 1)
    return drawn


def _compared(
    picture: Picture, truth_px: NDArray[np.floating], found_px: NDArray[np.floating], error: float
) -> Picture:
    drawn = _enlarged(picture)
    for points, color in ((truth_px, (60, 230, 60)), (found_px, (255, 60, 60))):
        for name in (*_CLOSED, *_OPEN[1:]):
            _draw_line(drawn, points, name, color)
    small = _shrunk(drawn, _COMPARED_PX)
    place = (4, _COMPARED_PX - 6)
    cv2.putText(small, f"{error:.1f}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return small


def _shrunk(picture: Picture, size: int) -> Picture:
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _enlarged(picture: Picture) -> Picture:
    side = picture.shape[0] * _ENLARGED
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)


def _draw_line(drawn: Picture, points_px: NDArray[np.floating], name: str, color: tuple[int, int, int]) -> None:
    line = _fixed(points_px[list(LANDMARKS[name])])
    cv2.polylines(drawn, [line], name in _CLOSED, color, 1, cv2.LINE_AA, 4)


def _fixed(points_px: NDArray[np.floating]) -> NDArray[np.int32]:
    """Points of the enlarged picture in sixteenths of a pixel, from pixel centres as OpenCV counts."""
    return np.rint((points_px * _ENLARGED - 0.5) * 16).astype(np.int32)
