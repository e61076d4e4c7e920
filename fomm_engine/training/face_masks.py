# SPDX-License-Identifier: GPL-3.0-or-later
"""Where on the head things are painted: distances and masks per vertex, measured on the mean face."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from fomm_engine.training.face_model import FACE_VERTICES, SKIN_VERTICES, FaceModel, FloatArray
from fomm_engine.training.mesh import vertex_normals
from fomm_engine.wire.names import LANDMARKS

_FAR_CM = 9.0


def paint_attributes(model: FaceModel) -> FloatArray:
    """Per vertex (N, 8): lip depth, beard, redness, distance to the lids, place along the brow, distance to the brow,
    openness (ambient light), ear. Distances in cm, positive inside the lips and outside the lids."""
    neutral = model.neutral_cm
    points = neutral[model.landmarks]
    lips = _lip_depth(neutral, points)
    along, across = _brow_coordinates(neutral, points)
    columns = [
        lips,
        _beard(neutral, lips),
        _redness(neutral),
        _lid_distance(neutral, points),
        along,
        across,
        _openness(model),
        _ears(neutral),
    ]
    return np.stack(columns, 1).astype(np.float32)


def lid_distance_cm(model: FaceModel) -> FloatArray:
    """Frontal distance (N,) of the skin of the mean face to the lids' edge, negative within the eye, 9 far away."""
    return _lid_distance(model.neutral_cm, model.neutral_cm[model.landmarks])


def brow_line_cm(model: FaceModel, name: str) -> FloatArray:
    """Frontal places (5, 2) of the points of "brow_right" or "brow_left" on the mean face, the outer end first."""
    return _outer_end_first(model.neutral_cm[model.landmarks[list(LANDMARKS[name])], :2].astype(np.float64))


def _outer_end_first(line: FloatArray) -> FloatArray:
    return line if abs(line[0, 0]) > abs(line[-1, 0]) else line[::-1]


def _front(count: int) -> NDArray[np.bool_]:
    return np.arange(count) < FACE_VERTICES


def _inside(points: FloatArray, outline: FloatArray) -> FloatArray:
    """Signed distance to a closed outline in the frontal plane, positive inside."""
    contour = outline[:, None, :2].astype(np.float32)
    return np.array([cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y, _ in points], np.float32)


def _lip_depth(neutral: FloatArray, points: FloatArray) -> FloatArray:
    x, y, z = neutral.T
    near = _front(len(neutral)) & (np.abs(x) < 4) & (y < -1.5) & (y > -6) & (z > 8)
    depth = np.full(len(neutral), -_FAR_CM, np.float32)
    depth[near] = _inside(neutral[near], points[list(LANDMARKS["lips_outer"])])
    return depth


def _lid_distance(neutral: FloatArray, points: FloatArray) -> FloatArray:
    x, y, z = neutral.T
    distance = np.full(len(neutral), _FAR_CM, np.float32)
    for sign, name in ((-1, "eye_right"), (1, "eye_left")):
        near = _front(len(neutral)) & (x * sign > 0) & (z > 5) & (np.abs(y - 3.4) < 3.5)
        distance[near] = -_inside(neutral[near], points[list(LANDMARKS[name])])
    return distance


def _brow_coordinates(neutral: FloatArray, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Place along the brow (0 at its outer end, 1 at its inner end, going on beyond) and distance, positive above."""
    x, y, z = neutral.T
    along = np.full(len(neutral), -3.0, np.float32)
    across = np.full(len(neutral), _FAR_CM, np.float32)
    for sign, name in ((-1, "brow_right"), (1, "brow_left")):
        near = _front(len(neutral)) & (x * sign >= 0) & (y > 3.5) & (y < 9) & (z > 5)
        line = _outer_end_first(points[list(LANDMARKS[name])][:, :2].astype(np.float64))
        along[near], distance = _polyline_coordinates(neutral[near, :2], line)
        across[near] = distance * -sign
    return along, across


def _polyline_coordinates(points: FloatArray, line: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Arc length (0..1, extrapolated past the ends) and distance, positive to the left of the line's direction."""
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    best = np.full(len(points), np.inf)
    place = np.zeros(len(points))
    signed = np.zeros(len(points))
    for index, length in enumerate(lengths):
        direction = (line[index + 1] - line[index]) / length
        offset = points - line[index]
        reach = offset @ direction
        low = -np.inf if index == 0 else 0.0
        high = np.inf if index == len(lengths) - 1 else length
        nearest = np.clip(reach, low, high)
        distance = np.linalg.norm(offset - nearest[:, None] * direction, axis=1)
        side = np.where(direction[0] * offset[:, 1] - direction[1] * offset[:, 0] >= 0, 1.0, -1.0)
        closer = distance < best
        best[closer] = distance[closer]
        place[closer] = (starts[index] + nearest[closer]) / lengths.sum()
        signed[closer] = (distance * side)[closer]
    return place, signed


def _beard(neutral: FloatArray, lips: FloatArray) -> FloatArray:
    """1 where beards and moustaches grow."""
    x, y, z = neutral.T
    chin = np.clip(-1.6 - y, 0, 1) * np.clip((y + 11) / 2, 0, 1) * np.clip((z - 0.5) / 2, 0, 1)
    bare_cheek = np.exp(-((np.abs(x) - 3.8) ** 2 / 1.2 + (y + 2.0) ** 2 / 2.0))
    moustache = np.exp(-((y + 1.9) ** 2) / 0.35) * np.clip(3.6 - np.abs(x), 0, 1) * (z > 8)
    grown = np.maximum(chin * np.clip(1.2 - bare_cheek, 0, 1), moustache)
    return np.clip(grown, 0, 1) * (lips < 0.03)


def _redness(neutral: FloatArray) -> FloatArray:
    x, y, z = neutral.T
    cheeks = np.exp(-((np.abs(x) - 4.6) ** 2 / 3 + (y + 0.2) ** 2 / 4)) * (z > 4)
    return cheeks + 0.7 * np.exp(-(x**2 / 1.5 + (y - 0.4) ** 2 / 1.2)) * (z > 10)


def _ears(neutral: FloatArray) -> FloatArray:
    x, y, z = neutral.T
    return ((np.abs(x) > 7.35) & (np.abs(y - 1) < 5) & (np.abs(z) < 5)).astype(np.float32)


def _openness(model: FaceModel) -> FloatArray:
    """1 on open skin, less in hollows: how far the neighbours stand above the tangent plane."""
    neutral = model.neutral_cm
    normals = vertex_normals(neutral, model.triangles)[:SKIN_VERTICES]
    skin = neutral[:SKIN_VERTICES]
    distance, neighbour = KDTree(skin).query(skin, k=120, distance_upper_bound=1.6)
    found = np.isfinite(distance)
    offset = skin[np.where(found, neighbour, 0)] - skin[:, None]
    rise = np.einsum("vka,va->vk", offset, normals) / (np.where(found, distance, 1.0) + 0.25)
    openness = np.ones(len(neutral), np.float32)
    hollow = (np.clip(rise, 0, None) * found).sum(1) / found.sum(1)
    openness[:SKIN_VERTICES] = np.clip(1 - 1.6 * hollow, 0.25, 1)
    return openness
