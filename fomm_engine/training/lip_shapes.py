# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips that the head model's identities lack: thin ones, down to a line, the skin around them stretched to match."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from fomm_engine.training.face_model import FACE_VERTICES, FaceModel, FloatArray
from fomm_engine.wire.names import LANDMARKS

_UPPER_CM, _LOWER_CM = (0.75, 2.0), (0.9, 2.2)  # from where the lips meet: the lip's height, and where nothing moves
_HALF_WIDTH_CM = 3.6
_FRONT_CM = 7.0


@dataclass(frozen=True)
class LipSettings:
    """Chances of another lip, and what is left of its height."""

    upper: float = 0.5
    lower: float = 0.4
    upper_left: tuple[float, float] = (0.3, 1.1)
    lower_left: tuple[float, float] = (0.45, 1.15)


def with_lips(model: FaceModel, base_cm: FloatArray, rng: Generator, settings: LipSettings | None = None) -> FloatArray:
    """Vertices (N, 3) of a neutral shape whose lips were made thinner, or a little fuller, by chance."""
    chances = settings or LipSettings()
    shaped = base_cm.copy()
    height = _over_the_seam(model)
    if rng.random() < chances.upper:
        shaped[:, 1] -= (1 - rng.uniform(*chances.upper_left)) * _share(model, height, _UPPER_CM)
    if rng.random() < chances.lower:
        shaped[:, 1] += (1 - rng.uniform(*chances.lower_left)) * _share(model, -height, _LOWER_CM)
    return shaped


def _over_the_seam(model: FaceModel) -> FloatArray:
    """(N,) how far each vertex of the mean head lies above the line where the lips meet, cm."""
    points = model.neutral_cm[model.landmarks]
    seam = [*LANDMARKS["mouth_right"], *LANDMARKS["lip_inner_upper"], *LANDMARKS["lip_inner_lower"]]
    seam += LANDMARKS["mouth_left"]
    line = np.polynomial.Polynomial.fit(points[seam, 0], points[seam, 1], 2)
    return model.neutral_cm[:, 1] - line(model.neutral_cm[:, 0])


def _share(model: FaceModel, height: FloatArray, reach_cm: tuple[float, float]) -> FloatArray:
    """(N,) cm: rises with the height over the lip, then falls to nothing; the face's front around the mouth alone."""
    lip, end = reach_cm
    rise = np.where(height < lip, height, lip * (end - height) / (end - lip)).clip(0)
    x, _, z = model.neutral_cm.T
    aside = np.clip((_HALF_WIDTH_CM - np.abs(x)) / 1.2, 0, 1)
    front = (z > _FRONT_CM) & (np.arange(len(z)) < FACE_VERTICES)
    return (rise * aside * front).astype(np.float32)
