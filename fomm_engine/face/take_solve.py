# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole-take solve: one lens, one face shape, and for each frame a rigid motion and an expression.

A bundle adjustment over the landmarks of all frames with their sigmas. Levenberg-Marquardt, in which each frame's
unknowns are eliminated first (Schur complement, see Triggs et al., "Bundle Adjustment - A Modern Synthesis", 1999,
section 6), so the work grows with the number of frames and not with its cube. Huber weights for outliers; expressions
keep to [0, 1] by fixing those that press against a bound.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from fomm_engine.face.expression_habits import expression_precision
from fomm_engine.face.face_prior import FacePrior
from fomm_engine.face.take_camera import (
    POSE_SIZE,
    TakePose,
    lens_derivative,
    moved,
    point_derivative,
    pose_derivative,
    project,
)
from fomm_engine.face.take_motion import MotionPrior, MotionSettings
from fomm_engine.wire.names import LANDMARKS

Array = npt.NDArray[Any]
JAW = list(LANDMARKS["jaw"])
FIXED = 1e9  # a weight that holds an unknown where it is


@dataclass(frozen=True)
class TakeSolveSettings:
    """The priors and limits of the solve; sigmas are one standard deviation."""

    expression_sigma: float = 0.3
    free_shape_sigma_cm: float = 0.12  # what the identity modes leave: each point of each face has its own place
    inverse_focal_mean: float = 0.5  # times 1 / image width: a lens twice as long as the picture is wide
    inverse_focal_sigma: float = 0.35
    rotation_sigma_rad: float = 0.1  # of the landmark net's own rotations: less exact, but unbiased at large turns
    jaw_sigma_factor: float = 2.0  # points of the jaw line slide along it
    huber_sigmas: float = 2.0
    sigma_floor_px: float = 0.3
    sigma_factor: float = 1.6  # of the landmarks' sigmas: their errors last for many frames, and those count only once
    shared_frames: int = 64  # frames that decide on lens and shape; more add time and no knowledge
    iterations: int = 24
    frame_iterations: int = 10
    chunk_frames: int = 600  # frames solved together once lens and shape are known
    chunk_overlap: int = 40
    motion: MotionSettings = MotionSettings()


@dataclass(frozen=True)
class KnownLens:
    """A focal length that is known: px, its relative standard deviation (0: exact), and who says so."""

    focal_px: float
    sigma: float
    source: str


@dataclass(frozen=True)
class TakeObservations:
    """What the solve is given.

    time_s: (T,) increasing. points_px: (T, 70, 2) image px, y down. sigma_px: (T, 70). rotation: (T, 3, 3) first
    guesses, camera from head. width_px, height_px: the image. lens: where it is known.
    """

    time_s: Array
    points_px: Array
    sigma_px: Array
    rotation: Array
    width_px: int
    height_px: int
    lens: KnownLens | None = None


@dataclass(frozen=True)
class TakeSolution:
    """What the solve gives back.

    pose: the rigid motion and lens. expression: (T, 52). neutral_cm: (70, 3) this actor's face at rest.
    residual_sigmas: (T, 70, 2) what is left, in units of the observations' sigmas.
    """

    pose: TakePose
    expression: Array
    neutral_cm: Array
    residual_sigmas: Array


@dataclass(frozen=True)
class _State:
    pose: TakePose
    expression: Array  # (T, 52)
    identity: Array  # (M + 210,): modes, then the free shape in units of its sigma


@dataclass(frozen=True)
class _Equations:
    """Normal equations: hessian (T, P, P) and gradient (T, P) of each frame's own unknowns; where lens and shape are
    sought too, cross (T, P, S) with them, and their system (S, S) and right side (S,)."""

    hessian: Array
    gradient: Array
    cross: Array | None = None
    system: Array | None = None
    right: Array | None = None


def solve_take(
    observations: TakeObservations,
    prior: FacePrior,
    settings: TakeSolveSettings | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> TakeSolution:
    """The take's lens, shape, motion and expressions that explain the observations best.

    At least one frame, in the order of time. `on_step(done, total)` is called between iterations and may raise to stop.
    """
    settings = settings or TakeSolveSettings()
    solver = _Solver(observations, prior, settings)
    chunks = _chunks(len(observations.points_px), settings)
    total = settings.iterations + len(chunks) * settings.frame_iterations
    chosen = _spread(len(observations.points_px), settings.shared_frames)
    shared = _run(solver.of(chosen), solver.start(chosen), settings.iterations, _after(on_step, 0, total))
    parts: list[TakeSolution] = []
    for number, (frames, kept) in enumerate(chunks):
        done = settings.iterations + number * settings.frame_iterations
        part = solver.of(frames, moving=True)
        start = part.with_shared(solver.start(frames), shared)
        state = _run(part, start, settings.frame_iterations, _after(on_step, done, total))
        parts.append(part.solution(state, kept))
    return _joined(parts)


def _chunks(count: int, settings: TakeSolveSettings) -> list[tuple[Array, slice]]:
    """Runs of frames that overlap, each with the part of it that is kept."""
    size, overlap = settings.chunk_frames, settings.chunk_overlap
    chunks: list[tuple[Array, slice]] = []
    for start in range(0, count, size):
        low, high = max(0, start - overlap), min(count, start + size + overlap)
        chunks.append((np.arange(low, high), slice(start - low, min(start + size, count) - low)))
    return chunks


def _joined(parts: list[TakeSolution]) -> TakeSolution:
    pose = parts[0].pose
    joined = TakePose(
        np.concatenate([part.pose.rotation for part in parts]),
        np.concatenate([part.pose.shift_cm for part in parts]),
        np.concatenate([part.pose.log_scale for part in parts]),
        pose.inverse_focal,
    )
    expression = np.concatenate([part.expression for part in parts])
    residual = np.concatenate([part.residual_sigmas for part in parts])
    return TakeSolution(joined, expression, parts[0].neutral_cm, residual)


def _after(on_step: Callable[[int, int], None] | None, done: int, total: int) -> Callable[[int], None]:
    def report(step: int) -> None:
        if on_step is not None:
            on_step(done + step + 1, total)

    return report


def _spread(count: int, most: int) -> Array:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _run(solver: "_Solver", state: _State, iterations: int, report: Callable[[int], None]) -> _State:
    damping, cost = 1e-3, solver.cost(state)
    equations = solver.equations(state)
    for step in range(iterations):
        trial = solver.step(state, equations, damping)
        trial_cost = solver.cost(trial)
        report(step)
        if trial_cost < cost:
            settled = cost - trial_cost < 3e-5 * cost
            state, cost, damping = trial, trial_cost, max(damping * 0.3, 1e-7)
            if settled or step + 1 == iterations:
                break
            equations = solver.equations(state)
        else:
            damping = min(damping * 8, 1e6)
    return state


def _damped(system: Array, damping: float) -> Array:
    """A copy of symmetric matrices (..., P, P) with their diagonals enlarged, as Marquardt does."""
    result = system.copy()
    diagonal = np.arange(system.shape[-1])
    result[..., diagonal, diagonal] *= 1 + damping
    return result


class _Solver:
    """The cost of a state, and the step that lowers it, for a set of frames."""

    def __init__(self, observations: TakeObservations, prior: FacePrior, settings: TakeSolveSettings) -> None:
        self._all = observations
        self._prior = prior
        self._settings = settings
        free = np.eye(prior.neutral_cm.size).reshape(-1, *prior.neutral_cm.shape) * settings.free_shape_sigma_cm
        self._modes = np.concatenate([prior.identity_modes_cm, free])
        center = np.array([observations.width_px, observations.height_px]) / 2
        self._target = (observations.points_px - center) * [1, -1]
        self._sigma = np.maximum(observations.sigma_px * settings.sigma_factor, settings.sigma_floor_px)
        self._sigma[:, JAW] *= settings.jaw_sigma_factor
        self._seen_rotation = observations.rotation
        unit = 1 / max(observations.width_px, observations.height_px)
        lens = observations.lens
        self._lens_mean = settings.inverse_focal_mean * unit if lens is None else 1 / lens.focal_px
        self._habit = expression_precision(settings.expression_sigma)
        self._motion: MotionPrior | None = None
        known_sigma = 0.0 if lens is None else max(lens.sigma * self._lens_mean, 1e-9)
        self._lens_sigma = known_sigma or settings.inverse_focal_sigma * unit

    def of(self, frames: Array, moving: bool = False) -> "_Solver":
        """The same solver for some of the frames; `moving` ones follow each other, and lens and shape stay."""
        part = object.__new__(_Solver)
        part.__dict__.update(self.__dict__)
        part._target, part._sigma = self._target[frames], self._sigma[frames]
        part._seen_rotation = self._seen_rotation[frames]
        if moving:
            part._motion = MotionPrior(self._all.time_s[frames], self._settings.motion)
        return part

    def with_shared(self, state: _State, other: _State) -> _State:
        """`state` with the lens and the shape of `other`."""
        pose = replace(state.pose, inverse_focal=other.pose.inverse_focal)
        return replace(state, pose=pose, identity=other.identity)

    def start(self, frames: Array) -> _State:
        """The first guess: given rotations, scale and shift by weak perspective on the mean face, no expression."""
        rotation = self._all.rotation[frames]
        turned = (rotation @ self._prior.neutral_cm.T).transpose(0, 2, 1)[..., :2]
        target = self._target[frames]
        model, seen = turned - turned.mean(1, keepdims=True), target - target.mean(1, keepdims=True)
        scale = np.maximum((model * seen).sum((1, 2)), 1e-3) / (model**2).sum((1, 2))
        shift = target.mean(1) / scale[:, None] - turned.mean(1)
        pose = TakePose(rotation, shift, np.log(scale), self._lens_mean)
        return _State(pose, np.zeros((len(frames), len(self._prior.expression_cm))), np.zeros(len(self._modes)))

    def cost(self, state: _State) -> float:
        """The robust cost of a state: landmarks, then priors."""
        sigmas = np.linalg.norm(self._residual(state), axis=-1)
        limit = self._settings.huber_sigmas
        data = np.where(sigmas < limit, sigmas**2, limit * (2 * sigmas - limit)).sum()
        lens = ((state.pose.inverse_focal - self._lens_mean) / self._lens_sigma) ** 2
        habit = float(np.einsum("te,ef,tf->", state.expression, self._habit, state.expression, optimize=True))
        motion = 0.0 if self._motion is None else self._motion.cost(state.pose, state.expression)
        turned = (self._turned(state) ** 2).sum()
        return float(data + lens + habit + (state.identity**2).sum() + motion + turned)

    def solution(self, state: _State, kept: slice) -> TakeSolution:
        """The kept frames of the state in the caller's terms."""
        residual = self._residual(state)[kept]
        return TakeSolution(state.pose.frames(kept), state.expression[kept], self._neutral(state), residual)

    def equations(self, state: _State) -> _Equations:
        """The normal equations of a state; they stay the same while only the damping is sought."""
        by_frame, by_shared, residual = self._derivatives(state, self._motion is None)
        hessian = by_frame.transpose(0, 2, 1) @ by_frame
        gradient = np.einsum("trp,tr->tp", by_frame, residual)
        self._add_expression_prior(state, hessian, gradient)
        self._add_seen_rotation(state, hessian, gradient)
        if self._motion is not None:
            return _Equations(hessian, gradient)
        rows = by_shared.reshape(-1, by_shared.shape[-1])
        precision = np.r_[self._lens_sigma**-2, np.ones(len(state.identity))]
        offset = np.r_[state.pose.inverse_focal - self._lens_mean, state.identity]
        system = rows.T @ rows + np.diag(precision)
        right = rows.T @ residual.ravel() - precision * offset
        return _Equations(hessian, gradient, by_frame.transpose(0, 2, 1) @ by_shared, system, right)

    def step(self, state: _State, equations: _Equations, damping: float) -> _State:
        """The state after one Levenberg-Marquardt step; with a motion prior the lens and the shape stay."""
        hessian, gradient = _damped(equations.hessian, damping), equations.gradient
        if self._motion is not None:
            return self._moved(state, self._motion.solve(hessian, gradient, state.pose, state.expression), None)
        cross = equations.cross
        assert cross is not None and equations.system is not None and equations.right is not None
        solved = np.linalg.solve(hessian, np.concatenate([cross, gradient[..., None]], axis=-1))
        both = ((0, 1), (0, 1))  # over frames and their unknowns
        reduced = _damped(equations.system, damping) - np.tensordot(cross, solved[..., :-1], both)
        shared_step = np.linalg.solve(reduced, equations.right - np.tensordot(cross, solved[..., -1], both))
        return self._moved(state, solved[..., -1] - solved[..., :-1] @ shared_step, shared_step)

    def _add_expression_prior(self, state: _State, hessian: Array, gradient: Array) -> None:
        hessian[:, POSE_SIZE:, POSE_SIZE:] += self._habit
        gradient[:, POSE_SIZE:] -= state.expression @ self._habit
        push = gradient[:, POSE_SIZE:]
        stuck = ((state.expression <= 0) & (push < 0)) | ((state.expression >= 1) & (push > 0))
        unknowns = np.arange(POSE_SIZE, hessian.shape[-1])
        hessian[:, unknowns, unknowns] += FIXED * stuck
        push[stuck] = 0

    def _add_seen_rotation(self, state: _State, hessian: Array, gradient: Array) -> None:
        turned = self._turned(state)
        hessian[:, [0, 1, 2], [0, 1, 2]] += self._settings.rotation_sigma_rad**-2
        gradient[:, :3] -= turned / self._settings.rotation_sigma_rad

    def _turned(self, state: _State) -> Array:
        """(T, 3) turns of the state away from the rotations that the net saw, in their sigmas."""
        away = state.pose.rotation @ self._seen_rotation.transpose(0, 2, 1)
        return Rotation.from_matrix(away).as_rotvec() / self._settings.rotation_sigma_rad

    def _derivatives(self, state: _State, shared: bool) -> tuple[Array, Array, Array]:
        """((T, 140, 58), (T, 140, 1 + M), (T, 140)): weighted derivatives by frame and shared unknowns, residuals."""
        points = self._points(state)
        projection = project(state.pose, points)
        residual = self._residual(state)
        weight = (self._huber(residual) / self._sigma)[..., None]
        by_point = point_derivative(state.pose, projection)
        by_model = by_point @ state.pose.rotation[:, None]  # by a point in the head frame
        by_expression = by_model @ self._prior.expression_cm.transpose(1, 2, 0)
        by_frame = np.concatenate([pose_derivative(projection, by_point), by_expression], axis=-1)
        rows = (len(residual), -1)
        by_shared = np.zeros((len(residual), 0, 0))
        if shared:
            by_identity = by_model @ self._modes.transpose(1, 2, 0)
            by_lens = lens_derivative(state.pose, projection)[..., None]
            stacked = np.concatenate([by_lens, by_identity], axis=-1) * weight[..., None]
            by_shared = stacked.reshape(*rows, stacked.shape[-1])
        by_frame = (by_frame * weight[..., None]).reshape(*rows, by_frame.shape[-1])
        return by_frame, by_shared, (residual * self._huber(residual)[..., None]).reshape(rows)

    def _huber(self, residual: Array) -> Array:
        """(T, N) square roots of Huber's weights."""
        sigmas = np.linalg.norm(residual, axis=-1)
        return np.sqrt(np.minimum(1, self._settings.huber_sigmas / np.maximum(sigmas, 1e-9)))

    def _residual(self, state: _State) -> Array:
        seen = project(state.pose, self._points(state)).image
        return (self._target - seen) / self._sigma[..., None]

    def _points(self, state: _State) -> Array:
        return self._neutral(state) + np.tensordot(state.expression, self._prior.expression_cm, 1)

    def _neutral(self, state: _State) -> Array:
        return self._prior.neutral_cm + np.tensordot(state.identity, self._modes, 1)

    def _moved(self, state: _State, frame_step: Array, shared_step: Array | None) -> _State:
        lens_step = 0.0 if shared_step is None else float(shared_step[0])
        limited = np.clip(frame_step[:, :POSE_SIZE], -0.5, 0.5) if shared_step is None else frame_step[:, :POSE_SIZE]
        pose = moved(state.pose, limited, lens_step)
        expression = np.clip(state.expression + frame_step[:, POSE_SIZE:], 0, 1)
        identity = state.identity if shared_step is None else state.identity + shared_step[1:]
        return _State(pose, expression, identity)
