# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of each ARKit channel before a frame is seen: spread, quickness, sparsity. Learned from synthetic
faces.

The figures come from `tests/experiments/tune_expression.py`, which draws performances on the parametric head, adds the
errors of a landmark net, and measures; they are never fitted to a real or a test clip.
"""

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

from .array_types import FloatArray
from .regions import mirrored_name, region_of


@dataclass(frozen=True, slots=True)
class ExpressionPrior:
    """Weights of the solver's terms, as standard deviations; distances in outer eye distances of the actor.

    sigma_scale: how much of the landmark net's own sigma remains once the neutral frame's error is taken out;
    point_sigma_floor: least error of a landmark. shift_sigma: error that a whole region shares. distance_sigma: of the
    gaps between lids, lips and brows. fomm_value_sigma, fomm_jacobian_sigma: of the engine's keypoints. pose_*:
    error of the head pose (depth relative to the distance). opinion_sigma: of the regressor's opinion of a
    channel; spread_sigma: of a channel about zero. sparsity: linear cost that puts unused channels to exactly
    zero. step_sigma: change of a channel within 1/30 s. pair_sigma: difference of the two sides; gaze_pair_sigma:
    of the two eyes, which look at one thing.
    """

    sigma_scale: float = 0.35
    point_sigma_floor: float = 0.006
    shift_sigma: float = 0.010
    distance_sigma: float = 0.03
    fomm_value_sigma: float = 0.06
    fomm_jacobian_sigma: float = 0.3
    pose_rotation_rad: float = 0.03
    pose_shift: float = 0.03
    pose_depth: float = 0.03
    opinion_sigma: float = 0.45
    spread_sigma: float = 1.5
    sparsity: float = 1.5
    step_sigma: float = 0.1
    pair_sigma: float = 0.2
    gaze_pair_sigma: float = 0.1


DEFAULT_PRIOR = ExpressionPrior()

REGION_STEP: dict[str, float] = {"brows": 0.7, "eyes": 3.0, "gaze": 3.0, "jaw": 1.0, "mouth": 1.0, "cheeks": 0.7}
"""How quickly a region moves against the mean: lids and eyes jump, brows drift."""


_OFTEN = ("eyeBlink", "eyeLook", "jawOpen", "mouthSmile", "browInnerUp", "browOuterUp", "browDown", "mouthPucker")
_SELDOM = ("mouthClose", "mouthShrug", "mouthRoll", "jawForward", "cheekSquint", "mouthDimple", "tongueOut")
OFTEN_FACTOR, SELDOM_FACTOR = 0.5, 2.0  # of the sparsity: near-collinear channels go to the one that is used more


def step_sigmas(prior: ExpressionPrior) -> FloatArray:
    """Give the usual change of every channel within 1/30 s, (52,)."""
    return prior.step_sigma * np.array([REGION_STEP[region_of(name)] for name in ARKIT_CHANNELS])


def sparsities(prior: ExpressionPrior) -> FloatArray:
    """Give every channel's linear cost, (52,)."""
    factors = [
        OFTEN_FACTOR if name.startswith(_OFTEN) else SELDOM_FACTOR if name.startswith(_SELDOM) else 1.0
        for name in ARKIT_CHANNELS
    ]
    return prior.sparsity * np.array(factors)


def pair_precision(prior: ExpressionPrior) -> FloatArray:
    """Give the quadratic cost of differences between channels that go together, (52, 52).

    The two sides of a face, save directions (jawLeft, mouthLeft); and for gaze, in of one eye with out of the other.
    """
    width = len(ARKIT_CHANNELS)
    cost = np.zeros((width, width))
    for name in ARKIT_CHANNELS:
        partner = _partner(name)
        if partner is None:
            continue
        one, other = ARKIT_INDEX[name], ARKIT_INDEX[partner]
        sigma = prior.gaze_pair_sigma if name.startswith("eyeLook") else prior.pair_sigma
        cost[one, one] += sigma**-2
        cost[one, other] -= sigma**-2
    return cost


def _partner(name: str) -> str | None:
    """Give the channel that usually moves with one, or None."""
    if name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight") or mirrored_name(name) == name:
        return None
    exchanged = {"eyeLookIn": "eyeLookOut", "eyeLookOut": "eyeLookIn"}
    other = mirrored_name(name)
    for direction, opposite in exchanged.items():
        if other.startswith(direction):
            return other.replace(direction, opposite)
    return other
