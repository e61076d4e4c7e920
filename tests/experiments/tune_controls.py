# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the solve in a rig's own controls on synthetic takes: `python -m tests.experiments.tune_controls`.

Characters are faces of the parametric head that no actor has, whose shapes do something else than ARKit's (other sizes,
a part of another shape mixed in, points that lag). Printed is the share of the true motion, in the character's
proportions, that the mesh makes: driven by names, in measured controls from the solved weights (what ships), and with
the picture's rows directly in the controls (one system). No clip is read.
"""

import sys
from dataclasses import replace

import numpy as np

from blender_addon.core import calibration, control_solve, expression, features, proportions
from blender_addon.core.array_types import FloatArray
from blender_addon.core.expression import BoundedProblem
from blender_addon.core.priors import DEFAULT_PRIOR
from blender_addon.core.rig_basis import MeasuredControl, RigBasis
from fomm_engine.wire.names import ARKIT_CHANNELS
from tests.conftest import find_shared_data
from tests.experiments.synthetic_regressor import train
from tests.experiments.synthetic_take import Errors, PointModel, SyntheticTake, load_points, make_take

TAKES, TRUST = 6, 10.0
POINT_PRECISION = 50.0  # of a point in the one system, per square cm: the best of 2, 10 and 50


def character(points: PointModel, rng: np.random.Generator) -> RigBasis:
    """A character whose 52 shapes have ARKit's names and their own ways."""
    identity = rng.normal(0, 1.5, len(points.identity_cm))
    neutral = points.neutral_cm + np.tensordot(identity, points.identity_cm, 1)
    own = points.basis_cm * proportions.transport_factors(points.neutral_cm, neutral)
    size = rng.uniform(0.6, 1.4, (52, 1, 1)) * np.exp(rng.normal(0, 0.25, (52, 70, 1)))
    mixed = size * own + 0.25 * own[rng.permutation(52)] * (np.linalg.norm(own, axis=2, keepdims=True) > 0.05)
    controls = tuple(MeasuredControl(name, "shape", name) for name in ARKIT_CHANNELS)
    return RigBasis(controls, neutral, mixed)


def solved(take: SyntheticTake) -> tuple[FloatArray, features.Observation]:
    """The weights (T, 52) that ship, and what was seen."""
    neutral = calibration.find_neutral(take.tracks)
    frames = np.arange(take.tracks.frame_count)
    rest = np.minimum(take.tracks.arkit[neutral.frame], np.percentile(take.tracks.arkit, 10, axis=0))
    opinion = np.clip(take.tracks.arkit - rest, 0.0, 1.0)
    seen = features.observe(take.tracks, rest_frames=neutral.rest_frames, prior=DEFAULT_PRIOR)
    seen = replace(seen, row_bias=expression.estimate_row_bias(seen, frames=frames, opinion=opinion, trust=TRUST))
    return expression.solve_expression(seen, frames=frames, opinion=opinion, trust=TRUST).weights, seen


def one_system(seen: features.Observation, weights: FloatArray, basis: RigBasis) -> FloatArray:
    """Control values from the picture's rows in the controls, held by the solved weights' points."""
    tracks = seen.tracks
    own = basis.displacement_cm / proportions.transport_factors(tracks.neutral_cm, basis.neutral_cm)
    frames, flat = np.arange(tracks.frame_count), own.reshape(len(own), -1)
    normal, right, _ = expression.assemble(replace(seen, basis_cm=own), frames)
    points = np.tensordot(weights, tracks.basis_cm, 1).reshape(len(weights), -1)
    held = POINT_PRECISION * flat @ flat.T
    energy = np.diag(held)
    problem = BoundedProblem(
        normal + held + np.diag(0.03 * energy + 1e-6),
        right + POINT_PRECISION * points @ flat.T,
        np.tile(0.1 * energy, (len(frames) - 1, 1)),
        np.zeros(len(own)),
        np.ones(len(own)),
        0.02 * np.sqrt(energy * POINT_PRECISION),
    )
    return expression.solve_bounded(problem, start=np.zeros_like(right))


def main() -> None:
    """Nothing; prints the shares."""
    shared = find_shared_data()
    if shared is None:
        raise SystemExit("the face model is not there: put the shared data at ../shared/data")
    points = load_points(shared)
    regressor = train(points, np.random.default_rng(0))
    rows: list[list[float]] = []
    for seed in range(TAKES):
        rng = np.random.default_rng(5000 + seed)
        take, basis = make_take(points, rng, errors=Errors(), regressor=regressor, seconds=5.0), character(points, rng)
        weights, seen = solved(take)
        face = {"basis_cm": take.tracks.basis_cm, "actor_cm": take.tracks.neutral_cm, "basis": basis}
        true, found = (control_solve.transported_motion(w, **face) for w in (take.weights, weights))
        ways = (
            weights,
            control_solve.solve_controls(found, basis),
            one_system(seen, weights, basis),
            control_solve.solve_controls(true, basis),
        )
        moved = [np.tensordot(way, basis.displacement_cm, 1)[:, :68] for way in ways]
        rows.append([1.0 - float(((m - true[:, :68]) ** 2).sum() / (true[:, :68] ** 2).sum()) for m in moved])
    mean = np.mean(rows, axis=0)
    names = ("by names", "measured", "one system of picture rows", "measured, with the true weights")
    sys.stdout.write("\n".join(f"{name:34s} {share:.3f}" for name, share in zip(names, mean, strict=True)) + "\n")


if __name__ == "__main__":
    main()
