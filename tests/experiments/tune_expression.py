# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the expression solver on synthetic takes: `python -m tests.experiments.tune_expression [field=value ...]`.

Draws performances of actors that no other take has, with the errors of a landmark net, trains a stand-in for the
engine's regressor on other ones, and prints the correlation of every channel with the truth. Fields of ExpressionPrior
given on the command line replace the shipped ones. No clip is read.
"""

import sys
from dataclasses import replace

import numpy as np

from blender_addon.core import calibration, expression, features
from blender_addon.core.array_types import FloatArray
from blender_addon.core.priors import DEFAULT_PRIOR, ExpressionPrior
from fomm_engine.wire.names import ARKIT_CHANNELS
from tests.conftest import find_shared_data
from tests.experiments.synthetic_regressor import train
from tests.experiments.synthetic_take import Errors, SyntheticTake, load_points, make_take

TAKES = 24
GOOD_NET = Errors(bias=0.015, pose_bias=0.006, region=0.004, white=0.004, rotation_deg=0.4, identity=0.2)
IN_USE = 0.25  # a channel that never reaches this in a take is not scored in it


def solve(take: SyntheticTake, prior: ExpressionPrior) -> FloatArray:
    """The weights (T, 52) that the solver finds in a take, before smoothing and contact."""
    neutral = calibration.find_neutral(take.tracks)
    frames = np.arange(take.tracks.frame_count)
    rest = np.minimum(take.tracks.arkit[neutral.frame], np.percentile(take.tracks.arkit, 10, axis=0))
    opinion = np.clip(take.tracks.arkit - rest, 0.0, 1.0)
    observation = features.observe(take.tracks, rest_frames=neutral.rest_frames, prior=prior)
    bias = expression.estimate_row_bias(observation, frames=frames, opinion=opinion, trust=1.0)
    solution = expression.solve_expression(replace(observation, row_bias=bias), frames=frames, opinion=opinion)
    return solution.weights


def correlations(take: SyntheticTake, found: FloatArray) -> FloatArray:
    """Correlation of each channel with the truth, (52,); NaN for channels the take does not use."""
    result = np.full(len(ARKIT_CHANNELS), np.nan)
    for column in np.flatnonzero(take.weights.max(0) >= IN_USE):
        moves = found[:, column].std() > 1e-6
        result[column] = np.corrcoef(take.weights[:, column], found[:, column])[0, 1] if moves else 0.0
    return result


def main(arguments: list[str]) -> None:
    """Nothing; prints the table."""
    shared = find_shared_data()
    if shared is None:
        raise SystemExit("the face model is not there: put the shared data at ../shared/data")
    prior = replace(DEFAULT_PRIOR, **{name: float(value) for name, value in (a.split("=") for a in arguments)})
    points = load_points(shared)
    regressor = train(points, np.random.default_rng(0))
    rows, opinions, errors = [], [], []
    for seed in range(TAKES):
        net = Errors() if seed % 2 == 0 else GOOD_NET
        take = make_take(points, np.random.default_rng(1000 + seed), errors=net, regressor=regressor, seconds=5.0)
        found = solve(take, prior)
        rows.append(correlations(take, found))
        opinions.append(correlations(take, take.tracks.arkit))
        errors.append(np.abs(take.weights - found).mean())
    _print(np.array(rows), np.array(opinions), float(np.mean(errors)))


def _print(solved: FloatArray, opinions: FloatArray, error: float) -> None:
    for column, name in enumerate(ARKIT_CHANNELS):
        used = np.isfinite(solved[:, column])
        if used.any():
            pair = solved[used, column].mean(), opinions[used, column].mean()
            sys.stdout.write(f"{name:22s} r {pair[0]:.2f}   regressor alone {pair[1]:.2f}\n")
    total = f"mean r {np.nanmean(solved):.3f} (regressor alone {np.nanmean(opinions):.3f}), mean error {error:.4f}\n"
    sys.stdout.write(total)


if __name__ == "__main__":
    main(sys.argv[1:])
