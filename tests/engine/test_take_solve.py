# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole-take solve on made-up faces: known lenses, motions and expressions come back."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fomm_engine.evaluation.metrics import euler_deg
from fomm_engine.face.face_prior import FacePrior
from fomm_engine.face.take_camera import TakePose, project, translation_cm
from fomm_engine.face.take_solve import KnownLens, TakeObservations, TakeSolveSettings, solve_take
from fomm_engine.face.weights import load_face_prior
from fomm_engine.wire.names import ARKIT_INDEX

FRAMES, WIDTH = 40, 640
FOCAL_PX = 1500.0


@pytest.fixture(scope="module")
def prior() -> FacePrior:
    """The shipped statistical face."""
    return load_face_prior()


def performance(prior: FacePrior) -> tuple[TakePose, np.ndarray, np.ndarray]:
    """Pose, expression (T, 52) and points (T, 70, 2) px of an actor who nods, turns, opens the mouth and blinks."""
    time = np.linspace(0, 2 * np.pi, FRAMES)
    euler = np.stack([0.3 * np.sin(time), 0.2 * np.sin(2 * time), 0.1 * np.cos(time)], 1)
    rotation = Rotation.from_euler("yxz", euler * [1, -1, 1]).as_matrix()
    scale = FOCAL_PX / 60.0 * np.ones(FRAMES)
    pose = TakePose(rotation, np.stack([np.sin(time), np.cos(time)], 1), np.log(scale), 1 / FOCAL_PX)
    expression = np.zeros((FRAMES, 52))
    expression[:, ARKIT_INDEX["jawOpen"]] = 0.4 - 0.4 * np.cos(2 * time)
    for side in ("Left", "Right"):
        expression[14:18, ARKIT_INDEX["eyeBlink" + side]] = 1
        expression[:, ARKIT_INDEX["mouthSmile" + side]] = 0.35 - 0.35 * np.cos(time)
    identity = np.random.default_rng(3).normal(size=len(prior.identity_modes_cm)) * 0.7
    image = project(pose, np.stack([prior.points_cm(identity, weights) for weights in expression])).image
    return pose, expression, image * [1, -1] + WIDTH / 2


def observed(
    points_px: np.ndarray, rotation: np.ndarray, noise_px: float, focal_px: float | None = None
) -> TakeObservations:
    """Noisy observations, the net's own rotations off by some degrees."""
    rng = np.random.default_rng(0)
    guess = rotation @ Rotation.from_rotvec(rng.normal(0, 0.05, (len(points_px), 3))).as_matrix()
    noisy = points_px + rng.normal(0, noise_px, points_px.shape)
    sigma = np.full(points_px.shape[:2], max(noise_px, 0.3))
    lens = None if focal_px is None else KnownLens(focal_px, 0.0, "given")
    return TakeObservations(np.arange(len(points_px)) / 30, noisy, sigma, guess, WIDTH, WIDTH, lens)


def test_a_clean_take_comes_back(prior: FacePrior) -> None:
    pose, expression, points = performance(prior)
    solution = solve_take(observed(points, pose.rotation, 0.05), prior)
    turn = euler_deg(solution.pose.rotation) - euler_deg(pose.rotation)
    assert np.abs(turn - np.median(turn, axis=0)).mean() < 0.3
    for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft"):
        column = ARKIT_INDEX[name]
        assert np.corrcoef(solution.expression[:, column], expression[:, column])[0, 1] > 0.95, name
    assert 0.6 < FOCAL_PX * solution.pose.inverse_focal < 1.6


def test_noise_is_not_motion(prior: FacePrior) -> None:
    pose, _, points = performance(prior)
    solution = solve_take(observed(points, pose.rotation, 2.0), prior)
    error = euler_deg(solution.pose.rotation) - euler_deg(pose.rotation)
    assert np.sqrt((np.diff(error, axis=0) ** 2).mean()) < 0.35


def test_a_given_lens_is_kept(prior: FacePrior) -> None:
    pose, _, points = performance(prior)
    solution = solve_take(observed(points, pose.rotation, 0.5, focal_px=FOCAL_PX), prior)
    assert solution.pose.inverse_focal == pytest.approx(1 / FOCAL_PX, rel=1e-3)
    depth_cm = translation_cm(solution.pose)[:, 2]
    assert np.abs(depth_cm + 60).max() < 10, "as far as one can tell without knowing how large the face is"


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_takes_are_solved(frames: int, prior: FacePrior) -> None:
    pose, _, points = performance(prior)
    solution = solve_take(observed(points[:frames], pose.rotation[:frames], 0.5), prior)
    assert np.isfinite(solution.expression).all() and np.isfinite(solution.pose.rotation).all()


def test_weights_stay_in_their_range_and_outliers_are_borne(prior: FacePrior) -> None:
    pose, _, points = performance(prior)
    observations = observed(points, pose.rotation, 0.5)
    observations.points_px[5, 30:40] += 300
    solution = solve_take(observations, prior)
    assert solution.expression.min() >= 0 and solution.expression.max() <= 1
    error = np.abs(euler_deg(solution.pose.rotation) - euler_deg(pose.rotation))
    assert error[5].max() < error.mean() + 4


def test_pieces_agree_with_the_whole(prior: FacePrior) -> None:
    pose, _, points = performance(prior)
    whole = solve_take(observed(points, pose.rotation, 0.5), prior)
    pieces = solve_take(
        observed(points, pose.rotation, 0.5), prior, TakeSolveSettings(chunk_frames=20, chunk_overlap=12)
    )
    assert np.abs(euler_deg(whole.pose.rotation) - euler_deg(pieces.pose.rotation)).max() < 0.2


def test_the_solve_can_be_stopped(prior: FacePrior) -> None:
    pose, _, points = performance(prior)

    def stop(done: int, total: int) -> None:
        assert 0 < done <= total
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve_take(observed(points, pose.rotation, 0.5), prior, on_step=stop)
