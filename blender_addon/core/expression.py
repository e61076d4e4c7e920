# SPDX-License-Identifier: GPL-3.0-or-later
"""The expression solver: one bounded, regularised least-squares problem over a whole take."""

from dataclasses import dataclass

import numpy as np

from .array_types import FloatArray, IntArray
from .features import Observation
from .priors import ExpressionPrior, pair_precision, sparsities, step_sigmas
from .rows import RowBlock, build_rows, normal_equations

FRAMES_AT_ONCE = 128  # rows of that many frames fit in a cache's worth of memory
ITERATIONS = 100
STEP_RATE_HZ = 30.0  # the rate for which the temporal term's figures hold


@dataclass(frozen=True, slots=True)
class BoundedProblem:
    """min over w (T, C) within bounds of sum_t (w_t^T A_t w_t - 2 b_t^T w_t) + sum_t m_t (w_t - w_{t-1})^2.

    normal (T, C, C), right_side (T, C), coupling (T - 1, C) (m above), lower and upper (C,).
    """

    normal: FloatArray
    right_side: FloatArray
    coupling: FloatArray
    lower: FloatArray
    upper: FloatArray


def solve_bounded(problem: BoundedProblem, *, start: FloatArray, iterations: int = ITERATIONS) -> FloatArray:
    """Give the minimiser of a bounded problem: (T, C).

    start: (T, C). Accelerated projected gradient (A. Beck, M. Teboulle, FISTA, 2009) with restarts (B. O'Donoghue,
    E. Candes, 2015). Steps are per unknown: the diagonal of row sums of |H| majorises H. The tridiagonal coupling
    in time stands in the gradient alone, so all frames move together.
    """
    normal = problem.normal.astype(np.float32)
    neighbours = _neighbour_sums(problem.coupling)
    step = 1.0 / np.maximum(np.abs(problem.normal).sum(-1) + 2.0 * neighbours, 1e-12)
    current = np.clip(start, problem.lower, problem.upper)
    ahead, momentum = current, 1.0
    for _ in range(iterations):
        gradient = (normal @ ahead[..., None].astype(np.float32))[..., 0] - problem.right_side
        gradient = gradient + _coupling_gradient(ahead, problem.coupling)
        following = np.clip(ahead - step * gradient, problem.lower, problem.upper)
        growth = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        uphill = float(np.sum((ahead - following) / step * (following - current))) > 0.0
        ahead = following if uphill else following + (momentum - 1.0) / growth * (following - current)
        current, momentum = following, 1.0 if uphill else growth
    return current


def _neighbour_sums(coupling: FloatArray) -> FloatArray:
    """Give the sum of the couplings to the frame before and the frame after: (T - 1, C) -> (T, C)."""
    nothing = np.zeros((1, coupling.shape[1]))
    return np.concatenate([coupling, nothing]) + np.concatenate([nothing, coupling])


def _coupling_gradient(weights: FloatArray, coupling: FloatArray) -> FloatArray:
    """Give half the gradient of the temporal term: (T, C)."""
    pull = coupling * (weights[1:] - weights[:-1])
    nothing = np.zeros((1, weights.shape[1]))
    return np.concatenate([nothing, pull]) - np.concatenate([pull, nothing])


def solve_expression(
    observation: Observation,
    *,
    frames: IntArray,
    opinion: FloatArray,
    trust: float = 1.0,
    quick: FloatArray | None = None,
) -> FloatArray:
    """Give the ARKit weights of some frames (the valid ones): (n, 52) within 0..1.

    opinion: (n, 52), the regressor's weights relative to neutral, to which the solution is drawn as far as `trust`
    (1 as measured) and the channel's sigma say. quick: (n, 52) in 0..1, where 1 takes the temporal term off (lids
    in a blink).
    """
    normal, right_side = assemble(observation, frames)
    prior = observation.prior
    add_priors(normal, right_side, opinion=opinion, prior=prior, trust=trust)
    coupling = temporal_coupling(observation.tracks.time_s[frames], prior, quick)
    lower, upper = np.zeros(normal.shape[1]), np.ones(normal.shape[1])
    problem = BoundedProblem(normal, right_side, coupling, lower, upper)
    return solve_bounded(problem, start=opinion)


def assemble(observation: Observation, frames: IntArray) -> tuple[FloatArray, FloatArray]:
    """Give the normal matrices (n, 52, 52) and right sides (n, 52) of the features alone."""
    chunks = [frames[start : start + FRAMES_AT_ONCE] for start in range(0, len(frames), FRAMES_AT_ONCE)]
    parts = [normal_equations(build_rows(observation, chunk)) for chunk in chunks]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def add_priors(
    normal: FloatArray, right_side: FloatArray, *, opinion: FloatArray, prior: ExpressionPrior, trust: float
) -> None:
    """Add the regressor's opinion, the spread, the sparsity and the symmetric pairs to normal equations, in place."""
    own = trust * prior.opinion_sigma**-2
    width = normal.shape[1]
    normal += (own + prior.spread_sigma**-2) * np.eye(width) + pair_precision(prior)
    right_side += own * opinion - sparsities(prior)


def temporal_coupling(time_s: FloatArray, prior: ExpressionPrior, quick: FloatArray | None) -> FloatArray:
    """Give the strength of the temporal term between neighbours: (n - 1, 52).

    A random walk's variance grows with time, so the term weakens over a gap.
    """
    steps = np.maximum(np.diff(time_s) * STEP_RATE_HZ, 1e-3)
    coupling = step_sigmas(prior)[None] ** -2 / steps[:, None]
    if quick is None:
        return coupling
    return coupling * (1.0 - 0.97 * np.maximum(quick[1:], quick[:-1]))


def explained_share(observation: Observation, *, frames: IntArray, weights: FloatArray) -> float:
    """Give the share of the features' motion that weights explain: 1 - residual energy / energy, 0..1.

    Both energies count each row by its precision and leave out what a wrong head pose alone would do.
    """
    normal, right_side = assemble(observation, frames)
    energy = feature_energy(observation, frames)
    gained = 2.0 * np.sum(right_side * weights) - np.einsum("ti,tij,tj->", weights, normal, weights)
    return float(np.clip(gained / energy, 0.0, 1.0)) if energy > 0 else 0.0


def feature_energy(observation: Observation, frames: IntArray) -> float:
    """Give the energy of the features' motion, nuisances integrated out."""
    total = 0.0
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        block = build_rows(observation, frames[start : start + FRAMES_AT_ONCE])
        as_basis = RowBlock(block.values, block.values[..., None], block.precision, block.nuisance)
        total += float(normal_equations(as_basis)[1].sum())
    return total
