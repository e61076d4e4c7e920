# SPDX-License-Identifier: GPL-3.0-or-later
"""Brow labels that lie on the middle of the painted hair, wherever a look has it."""

import numpy as np

from fomm_engine.training.face_masks import brow_line_cm
from fomm_engine.training.face_model import FaceModel, FloatArray
from fomm_engine.training.mesh import IntArray
from fomm_engine.wire.names import LANDMARKS

_REACH = (-0.2, 0.12)  # of a longer or shorter brow that its label goes along with; the rest is hair above the nose
_BROWS = (("brow_right", -1.0), ("brow_left", 1.0))


class BrowLabels:
    """The brow points of a head, bound to the triangles under the hair."""

    def __init__(self, model: FaceModel) -> None:
        self._neutral = model.neutral_cm
        self._lines = {name: brow_line_cm(model, name) for name, _ in _BROWS}
        middle = model.neutral_cm[model.parts["skin"]].mean(1)
        near = (np.abs(middle[:, 1] - 6) < 3) & (middle[:, 2] > 4)
        self._triangles = model.parts["skin"][near]

    def followed(self, points_cm: FloatArray, vertices_cm: FloatArray, brow_shape: FloatArray) -> FloatArray:
        """The points (70, 3) of posed vertices (N, 3) with each brow moved to where `brow_shape` paints it."""
        moved = points_cm.copy()
        for name, side in _BROWS:
            line = self._lines[name]
            at = _painted_cm(line, brow_shape, side)
            corners, shares = self._bound(at)
            ids = list(LANDMARKS[name]) if side < 0 else list(LANDMARKS[name])[::-1]
            moved[ids] = (vertices_cm[corners] * shares[..., None]).sum(1)
        return moved

    def _bound(self, places_cm: FloatArray) -> tuple[IntArray, FloatArray]:
        """Corners (K, 3) and their shares (K, 3) of the foremost triangle over each frontal place (K, 2)."""
        corners = self._neutral[self._triangles]
        a, b, c = (corners[None, :, k, :2] for k in range(3))
        p = places_cm[:, None]
        area = _cross(b - a, c - a)
        area = np.where(np.abs(area) < 1e-9, 1e-9, area)
        shares = np.stack([_cross(b - p, c - p), _cross(c - p, a - p), _cross(a - p, b - p)], -1) / area[..., None]
        outside = np.maximum(-shares.min(-1), 0) * 1e3 - 0.01 * corners[None, ..., 2].mean(-1)
        best = outside.argmin(1)
        chosen = np.clip(shares[np.arange(len(best)), best], 0, 1)
        return self._triangles[best], chosen / chosen.sum(1, keepdims=True)


def _painted_cm(line: FloatArray, brow_shape: FloatArray, side: float) -> FloatArray:
    """(5, 2) frontal places on the mean face, outer end first: the shader's middle of the brow.

    `line` (5, 2) is the ridge; `brow_shape` is (height, slope, bow, reach) in the units of the shader.
    """
    steps = np.diff(line, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    place = np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum()
    wanted = place * (1 + np.clip(brow_shape[3], *_REACH))
    bow = 1 - 4 * (wanted - 0.5) ** 2
    across = brow_shape[0] + brow_shape[1] * (wanted - 0.5) + brow_shape[2] * bow
    segment = np.clip(np.searchsorted(place, wanted, side="right") - 1, 0, len(lengths) - 1)
    direction = steps[segment] / lengths[segment, None]
    along = (wanted - place[segment]) * lengths.sum()
    normal = np.stack([-direction[:, 1], direction[:, 0]], 1) * -side
    return line[segment] + along[:, None] * direction + across[:, None] * normal


def _cross(one: FloatArray, other: FloatArray) -> FloatArray:
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
