# SPDX-License-Identifier: GPL-3.0-or-later
"""The expression solver: one bounded, regularised least-squares problem over a whole take."""

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .array_types import FloatArray, IntArray
from .features import Observation
from .priors import ExpressionPrior, pair_precision, sparsities, step_sigmas
from .rotation import rotvec_from_matrix
from .rows import RowBlock, build_rows, iris_rows, normal_equations

AnyFloats: TypeAlias = NDArray[np.floating[Any]]
FRAMES_AT_ONCE = 128  # rows of that many frames fit in a cache's worth of memory
ITERATIONS = 100
BIAS_FRAMES = 240  # as many, spread over the take, tell its constant error
BIAS_ROUNDS = 3
FRONTAL_RAD = 0.26
CALM_SHARE = 0.5  # of the frontal frames, those with the least motion by the regressor, tell the constant error
STEP_RATE_HZ = 30.0  # the rate for which the temporal term's figures hold


@dataclass(frozen=True, slots=True)
class BoundedProblem:
    """min over w (T, C) within bounds of sum_t (w_t^T A_t w_t - 2 b_t^T w_t) + sum_t m_t (w_t - w_{t-1})^2.

    normal (T, C, C), or (1, C, C) where it is the same for all frames, right_side (T, C), coupling (T - 1, C) (m
    above), lower and upper (C,). sparsity (C,): 2 s |w| is added, which puts what explains little to exactly zero.
    """

    normal: FloatArray
    right_side: FloatArray
    coupling: FloatArray
    lower: FloatArray
    upper: FloatArray
    sparsity: FloatArray | None = None


def solve_bounded(problem: BoundedProblem, *, start: FloatArray, iterations: int = ITERATIONS) -> FloatArray:
    """Give the minimiser of a bounded problem: (T, C).

    start: (T, C). Accelerated projected gradient (A. Beck, M. Teboulle, FISTA, 2009) with restarts (B. O'Donoghue,
    E. Candes, 2015). Steps are per unknown: the diagonal of row sums of |H| majorises H. The tridiagonal coupling
    in time stands in the gradient alone, so all frames move together.
    """
    normal: NDArray[np.float32] = problem.normal.astype(np.float32)
    threshold = 0.0 if problem.sparsity is None else problem.sparsity
    neighbours = _neighbour_sums(problem.coupling)
    step = 1.0 / np.maximum(np.abs(problem.normal).sum(-1) + 2.0 * neighbours, 1e-12)
    current = np.clip(start, problem.lower, problem.upper)
    ahead, momentum = current, 1.0
    for _ in range(iterations):
        gradient = _times(normal, ahead.astype(np.float32)) - problem.right_side
        gradient = gradient + _coupling_gradient(ahead, problem.coupling)
        free = ahead - step * gradient
        shrunk = np.sign(free) * np.maximum(np.abs(free) - step * threshold, 0.0)
        following = np.clip(shrunk, problem.lower, problem.upper)
        growth = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        uphill = float(np.sum((ahead - following) / step * (following - current))) > 0.0
        ahead = following if uphill else following + (momentum - 1.0) / growth * (following - current)
        current, momentum = following, 1.0 if uphill else growth
    return current


def _times(normal: AnyFloats, weights: AnyFloats) -> AnyFloats:
    """Give each frame's matrix times its weights, (T, C); one symmetric matrix may stand for all frames."""
    if len(normal) == 1:
        return weights @ normal[0]
    return (normal @ weights[..., None])[..., 0]


def _neighbour_sums(coupling: FloatArray) -> FloatArray:
    """Give the sum of the couplings to the frame before and the frame after: (T - 1, C) -> (T, C)."""
    nothing = np.zeros((1, coupling.shape[1]))
    return np.concatenate([coupling, nothing]) + np.concatenate([nothing, coupling])


def _coupling_gradient(weights: FloatArray, coupling: FloatArray) -> FloatArray:
    """Give half the gradient of the temporal term: (T, C)."""
    pull = coupling * (weights[1:] - weights[:-1])
    nothing = np.zeros((1, weights.shape[1]))
    return np.concatenate([nothing, pull]) - np.concatenate([pull, nothing])


@dataclass(frozen=True, slots=True)
class Solution:
    """Weights (n, 52) within 0..1 of some frames, and the share of the features' motion that they explain, 0..1.

    The share counts each row by its precision and leaves out what a wrong head pose alone would do.
    """

    weights: FloatArray
    explained: float


def solve_expression(
    observation: Observation,
    *,
    frames: IntArray,
    opinion: FloatArray,
    trust: float = 1.0,
    quick: FloatArray | None = None,
) -> Solution:
    """Give the ARKit weights of some frames (the valid ones).

    opinion: (n, 52), the regressor's weights, to which the solution is drawn as far as `trust` (1 as measured) and the
    channel's sigma say. quick: (n, 52) in 0..1, where 1 takes the temporal term off (lids in a blink).
    """
    features_normal, features_right, energy = assemble(observation, frames)
    prior = observation.prior
    normal, right_side = with_priors(features_normal, features_right, opinion=opinion, prior=prior, trust=trust)
    coupling = temporal_coupling(observation.tracks.time_s[frames], prior, quick)
    lower, upper = np.zeros(normal.shape[1]), np.ones(normal.shape[1])
    problem = BoundedProblem(normal, right_side, coupling, lower, upper)
    weights = solve_bounded(problem, start=opinion)
    gained = 2.0 * np.sum(features_right * weights) - np.sum(weights * _times(features_normal, weights))
    total = float(energy.sum())
    return Solution(weights, float(np.clip(gained / total, 0.0, 1.0)) if total > 0 else 0.0)


def estimate_row_bias(
    observation: Observation, *, frames: IntArray, opinion: FloatArray, trust: float, rest_is_sure: bool = False
) -> FloatArray:
    """Give the constant error of every row over a take whose neutral frame is not quite rest, (R,).

    Against an offset that never changes the landmarks alone have nothing to say, the regressor has: the start is the
    median residual to its opinion, or none where the neutral frame's rest is sure. Then, since weights cannot be
    negative and are mostly small, what a whole take still lacks or has too much of is no expression: the median
    residual of the calmer frontal frames goes to the bias, and the weights are solved again. Gaze has no such zero (its
    channels come in opposite pairs), so the irises keep the neutral frame's. (On synthetic takes, half of them without
    a frame at rest: 0.92 of the landmarks' motion explained, 0.90 with a start at zero.)
    """
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), BIAS_FRAMES)).round().astype(np.int64)
    part, views = frames[chosen], opinion[chosen]
    angle = np.linalg.norm(rotvec_from_matrix(observation.tracks.head_rotation[part]), axis=1)
    frontal = angle <= max(FRONTAL_RAD, float(np.median(angle)))
    used = np.flatnonzero(frontal)
    used = used[_calmest(observation.moves_cm, views[used])]
    block = build_rows(replace(observation, row_bias=None), part[used])
    bias = np.zeros(1) if rest_is_sure else _usual_residual(block, views[used])
    for _ in range(BIAS_ROUNDS):
        current = replace(observation, row_bias=bias)
        weights = solve_expression(current, frames=part, opinion=views, trust=trust).weights
        bias = _usual_residual(block, weights[used])
    return bias


def _calmest(moves_cm: FloatArray, views: FloatArray) -> IntArray:
    """Give the frames, of (n, C) weights, on which the face moves least by them."""
    size = np.linalg.norm(np.tensordot(views, moves_cm, 1).reshape(len(views), -1), axis=1)
    return np.flatnonzero(size <= np.quantile(size, CALM_SHARE))


def _usual_residual(block: RowBlock, weights: FloatArray) -> FloatArray:
    """Give the median over the frames of what weights (n, C) leave of every row, (R,); none of it for the irises."""
    residual = block.values - (block.basis @ weights[..., None])[..., 0]
    middle: FloatArray = np.asarray(np.median(residual, axis=0))
    return np.where(iris_rows(len(middle)), 0.0, middle)


def assemble(observation: Observation, frames: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the normal matrices (n, 52, 52), right sides (n, 52) and energies (n,) of the features alone."""
    chunks = [frames[start : start + FRAMES_AT_ONCE] for start in range(0, len(frames), FRAMES_AT_ONCE)]
    parts = [normal_equations(build_rows(observation, chunk)) for chunk in chunks]
    normal, right_side, energy = zip(*parts, strict=True)
    return np.concatenate(normal), np.concatenate(right_side), np.concatenate(energy)


def with_priors(
    normal: FloatArray, right_side: FloatArray, *, opinion: FloatArray, prior: ExpressionPrior, trust: float
) -> tuple[FloatArray, FloatArray]:
    """Give normal equations with the regressor's opinion, the spread, the sparsity and the pairs added."""
    own = trust * prior.opinion_sigma**-2
    diagonal = (own + prior.spread_sigma**-2) * np.eye(normal.shape[1])
    return normal + diagonal + pair_precision(prior), right_side + own * opinion - sparsities(prior)


def temporal_coupling(time_s: FloatArray, prior: ExpressionPrior, quick: FloatArray | None) -> FloatArray:
    """Give the strength of the temporal term between neighbours: (n - 1, 52).

    A random walk's variance grows with time, so the term weakens over a gap.
    """
    steps = np.maximum(np.diff(time_s) * STEP_RATE_HZ, 1e-3)
    coupling = step_sigmas(prior)[None] ** -2 / steps[:, None]
    if quick is None:
        return coupling
    return coupling * (1.0 - 0.97 * np.maximum(quick[1:], quick[:-1]))
