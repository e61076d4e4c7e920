# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of each ARKit channel before a frame is seen: spread, quickness, sparsity. Learned from synthetic
faces.

The figures come from `tests/experiments/tune_expression.py`, which draws performances on the parametric head, adds the
errors of a landmark net, and measures; they are never fitted to a real or a test clip.
"""

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS

from .array_types import FloatArray
from .regions import region_of


@dataclass(frozen=True, slots=True)
class ExpressionPrior:
    """Weights of the solver's terms, as standard deviations; distances in outer eye distances of the actor.

    sigma_scale: how much of the landmark net's own sigma remains once the neutral frame's error is taken out;
    point_sigma_floor: least error of a landmark. shift_sigma: error that a whole region shares. distance_sigma: of the
    gaps between lids, lips and brows. fomm_value_sigma, fomm_jacobian_sigma: of the engine's keypoints. pose_*:
    error of the head pose (depth relative to the distance). opinion_sigma: of the regressor's opinion of a
    channel; spread_sigma: of a channel about zero. sparsity: linear cost that puts unused channels to exactly
    zero. step_sigma: change of a channel within 1/30 s. pair_sigma: difference of the two sides.
    """

    sigma_scale: float = 0.5
    point_sigma_floor: float = 0.010
    shift_sigma: float = 0.010
    distance_sigma: float = 0.012
    fomm_value_sigma: float = 0.03
    fomm_jacobian_sigma: float = 0.15
    pose_rotation_rad: float = 0.03
    pose_shift: float = 0.03
    pose_depth: float = 0.03
    opinion_sigma: float = 0.25
    spread_sigma: float = 0.6
    sparsity: float = 1.0
    step_sigma: float = 0.15
    pair_sigma: float = 0.5


DEFAULT_PRIOR = ExpressionPrior()

REGION_STEP: dict[str, float] = {"brows": 0.7, "eyes": 3.0, "gaze": 3.0, "jaw": 1.0, "mouth": 1.0, "cheeks": 0.7}
"""How quickly a region moves against the mean: lids and eyes jump, brows drift."""


def step_sigmas(prior: ExpressionPrior) -> FloatArray:
    """Give the usual change of every channel within 1/30 s, (52,)."""
    return prior.step_sigma * np.array([REGION_STEP[region_of(name)] for name in ARKIT_CHANNELS])


def channel_sigmas(prior: ExpressionPrior) -> FloatArray:
    """Give the error of the regressor's opinion of every channel, (52,)."""
    return np.full(len(ARKIT_CHANNELS), prior.opinion_sigma)


def sparsities(prior: ExpressionPrior) -> FloatArray:
    """Give every channel's linear cost, (52,)."""
    return np.full(len(ARKIT_CHANNELS), prior.sparsity)
