# SPDX-License-Identifier: GPL-3.0-or-later
"""Teeth where the head model's identities never have them: hidden behind the upper lip, standing high or far back."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from fomm_engine.training.face_model import FaceModel, FloatArray


@dataclass(frozen=True)
class TeethSettings:
    """Chances of each change of the bite; lengths in cm."""

    upper_hidden: float = 0.5  # only the lower teeth and the dark above them show in an open mouth
    lower_moved: float = 0.5
    set_back: float = 0.3
    most_hidden_cm: float = 0.9
    lower_cm: tuple[float, float] = (-0.6, 0.3)
    most_set_back_cm: float = 0.6


def with_teeth(
    model: FaceModel, base_cm: FloatArray, rng: Generator, settings: TeethSettings | None = None
) -> FloatArray:
    """Vertices (N, 3) of a neutral shape whose teeth and gums were moved by chance; nothing else was."""
    chances = settings or TeethSettings()
    shaped = base_cm.copy()
    if rng.random() < chances.upper_hidden:
        shaped[model.jaws["upper"], 1] += rng.uniform(0.2, chances.most_hidden_cm)
    if rng.random() < chances.lower_moved:
        shaped[model.jaws["lower"], 1] += rng.uniform(*chances.lower_cm)
    if rng.random() < chances.set_back:
        both = np.concatenate([model.jaws["upper"], model.jaws["lower"]])
        shaped[both, 2] -= rng.uniform(0.1, chances.most_set_back_cm)
    return shaped
