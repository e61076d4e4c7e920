# SPDX-License-Identifier: GPL-3.0-or-later
"""The expression solver on a made-up face: known weights come back, bounds hold, noise and a wrong pose do little."""

from dataclasses import replace

import numpy as np
import pytest

from blender_addon.core import expression, features, rotation
from blender_addon.core.expression import BoundedProblem
from blender_addon.core.priors import DEFAULT_PRIOR
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX
from tests.unit.made_take import MOVING, acting, made_take, nodding, still

FRAMES = 120
REST = np.arange(8)
FAINT = replace(
    DEFAULT_PRIOR,
    sparsity=1e-6,
    spread_sigma=1e3,
    opinion_sigma=1e3,
    step_sigma=1e3,
    pair_sigma=1e3,
    gaze_pair_sigma=1e3,
)


def solve(tracks, prior, **changes):
    observation = features.observe(tracks, rest_frames=REST, prior=prior)
    opinion = changes.pop("opinion", np.zeros((tracks.frame_count, 52)))
    frames = np.arange(tracks.frame_count)
    return expression.solve_expression(observation, frames=frames, opinion=opinion, **changes).weights


@pytest.mark.parametrize("turn", [still(FRAMES), nodding(FRAMES)], ids=["still", "nodding"])
def test_known_weights_come_back_from_clean_landmarks(turn):
    truth = acting(FRAMES)
    solved = solve(made_take(truth, turn), FAINT)
    used = [ARKIT_INDEX[name] for name in MOVING]
    assert np.abs(solved - truth)[:, used].max() < 0.05


def test_landmarks_alone_are_enough():
    truth = acting(FRAMES)
    solved = solve(made_take(truth, nodding(FRAMES), keypoints=False), FAINT)
    assert np.abs(solved - truth)[:, [ARKIT_INDEX[name] for name in MOVING]].max() < 0.05


def test_channels_that_explain_nothing_are_exactly_zero():
    solved = solve(made_take(acting(FRAMES), nodding(FRAMES)), DEFAULT_PRIOR)
    idle = [k for k, name in enumerate(ARKIT_CHANNELS) if name not in MOVING]
    assert (solved[:, idle] == 0.0).all()


def test_noise_a_constant_bias_and_a_wrong_pose_keep_the_correlation():
    rng = np.random.default_rng(5)
    truth = acting(FRAMES)
    tracks = made_take(truth, nodding(FRAMES), noise_px=1.2, rng=rng)
    wrong = rotation.matrix_from_rotvec(np.radians(rng.normal(0.0, 0.6, (FRAMES, 3))))
    solved = solve(replace(tracks, head_rotation=wrong @ tracks.head_rotation), DEFAULT_PRIOR)
    for name in MOVING:
        column = ARKIT_INDEX[name]
        assert np.corrcoef(truth[:, column], solved[:, column])[0, 1] > 0.9, name


def test_weights_stay_within_bounds_where_the_face_does_more_than_the_channels():
    truth = acting(FRAMES) * 1.8
    solved = solve(made_take(truth, still(FRAMES)), FAINT)
    assert solved.min() >= 0.0
    assert solved.max() <= 1.0
    assert solved[:, ARKIT_INDEX["jawOpen"]].max() == pytest.approx(1.0)


def test_the_regressors_opinion_decides_what_landmarks_cannot_see():
    opinion = np.zeros((FRAMES, 52))
    opinion[:, ARKIT_INDEX["cheekPuff"]] = 0.8
    solved = solve(made_take(acting(FRAMES), still(FRAMES)), DEFAULT_PRIOR, opinion=opinion)
    ignored = solve(made_take(acting(FRAMES), still(FRAMES)), DEFAULT_PRIOR, opinion=opinion, trust=0.0)
    assert solved[:, ARKIT_INDEX["cheekPuff"]].min() > 0.3
    assert ignored[:, ARKIT_INDEX["cheekPuff"]].max() == 0.0


def test_keypoint_stretch_sees_an_eye_shut_and_not_a_head_turn():
    truth = np.zeros((40, 52))
    truth[20:, ARKIT_INDEX["eyeBlinkLeft"]] = 1.0
    tracks = made_take(truth, nodding(40, degrees=20.0))
    observation = features.observe(tracks, rest_frames=np.arange(3), prior=DEFAULT_PRIOR)
    left, right = observation.stretch[:, 1, 1, 1], observation.stretch[:, 0, 1, 1]
    assert np.abs(right).max() < 0.02
    assert np.abs(left[:20]).max() < 0.02
    assert left[20:].max() < -0.15


def test_the_bounded_solver_meets_the_optimality_conditions():
    rng = np.random.default_rng(0)
    frames, width = 30, 8
    rows = rng.normal(size=(frames, 12, width))
    normal = np.swapaxes(rows, 1, 2) @ rows + 0.1 * np.eye(width)
    right = rng.normal(size=(frames, width)) * 6
    coupling = np.full((frames - 1, width), 2.0)
    problem = BoundedProblem(normal, right, coupling, np.zeros(width), np.ones(width))
    w = expression.solve_bounded(problem, start=np.full((frames, width), 0.5), iterations=1500)
    gradient = (normal @ w[..., None])[..., 0] - right
    gradient[1:] += coupling * (w[1:] - w[:-1])
    gradient[:-1] -= coupling * (w[1:] - w[:-1])
    assert np.abs(gradient[(w > 0) & (w < 1)]).max() < 1e-2
    assert (gradient[w == 0] > -1e-2).all()
    assert (gradient[w == 1] < 1e-2).all()
    assert ((w == 0) | (w == 1)).any()


def test_a_stronger_temporal_term_gives_calmer_weights():
    rng = np.random.default_rng(1)
    tracks = made_take(acting(FRAMES), still(FRAMES), noise_px=1.0, rng=rng)
    calm = solve(tracks, replace(DEFAULT_PRIOR, step_sigma=0.02))
    lively = solve(tracks, replace(DEFAULT_PRIOR, step_sigma=1.0))
    column = ARKIT_INDEX["browInnerUp"]
    assert np.std(np.diff(calm[:, column], 2)) < 0.5 * np.std(np.diff(lively[:, column], 2))


def test_explained_share_is_near_one_for_the_truth_and_low_for_what_no_channel_does():
    truth = acting(FRAMES)
    observation = features.observe(made_take(truth, still(FRAMES)), rest_frames=REST, prior=DEFAULT_PRIOR)
    frames, opinion = np.arange(FRAMES), np.zeros((FRAMES, 52))
    assert expression.solve_expression(observation, frames=frames, opinion=opinion).explained > 0.98
    rng = np.random.default_rng(0)
    scattered = replace(observation, point_offset=rng.normal(0, 0.05, observation.point_offset.shape))
    assert expression.solve_expression(scattered, frames=frames, opinion=opinion).explained < 0.5


def test_a_neutral_frame_that_was_not_rest_is_made_good_over_the_take():
    truth = acting(FRAMES)
    truth[:10, ARKIT_INDEX["browInnerUp"]] = 0.5  # the actor frowns on what is taken for rest
    observation = features.observe(made_take(truth, nodding(FRAMES)), rest_frames=REST, prior=DEFAULT_PRIOR)
    frames, opinion = np.arange(FRAMES), np.zeros((FRAMES, 52))
    bias = expression.estimate_row_bias(observation, frames=frames, opinion=opinion, trust=1.0)
    mended = replace(observation, row_bias=bias)
    column = ARKIT_INDEX["browInnerUp"]
    errors = [
        np.abs(expression.solve_expression(each, frames=frames, opinion=opinion).weights - truth)[:, column].mean()
        for each in (observation, mended)
    ]
    assert errors[1] < 0.35 * errors[0]
