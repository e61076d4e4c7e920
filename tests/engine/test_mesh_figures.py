# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh figures: truth without its head, proportions, contacts, lag and jitter, each where one can reckon it."""

import numpy as np
import pytest

from fomm_engine.evaluation.mesh_figures import (
    LIDS,
    LIPS,
    TruthMotion,
    contact_figures,
    explained,
    in_proportions,
    jitter_percent,
    lag_frames,
    mesh_figures,
    runs,
    truth_motion,
)
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.standard_face import standard_face

FACE = standard_face()
NEUTRAL, BASIS = FACE.neutral_cm[:68], FACE.expression_cm[:, :68]
NAMES = ["eyeBlinkLeft", "eyeBlinkRight", "jawOpen"]
ROWS = [0, 7, 17]


def write_truth(path, *, bent=0.0):
    """A clip of 60 frames: a turning and wandering head, a nod of the jaw, two blinks."""
    t = np.arange(60) / 30.0
    weights = np.stack([np.isin(np.arange(60), (20, 40)) * 1.0] * 2 + [0.5 - 0.5 * np.cos(3 * t)], 1)
    faces = NEUTRAL + np.tensordot(weights + bent * weights[:, ::-1] ** 2 * weights, BASIS[ROWS], 1)
    angle = 0.4 * np.sin(2 * t)
    c, s, o, e = np.cos(angle), np.sin(angle), 0 * angle, 1 + 0 * angle
    rotation = np.stack([np.stack([c, o, s], -1), np.stack([o, e, o], -1), np.stack([-s, o, c], -1)], 1)
    shift = np.stack([t, 0.3 * t, -t], 1)
    seen = np.einsum("tij,tnj->tni", rotation, faces) + shift[:, None] + [1.0, -4.0, -60.0]
    np.savez(path, landmarks68_cam=seen, head_R=rotation, head_t=shift, weights=weights, weight_names=NAMES, fps=30.0)
    return weights


def test_the_truths_motion_is_what_its_weights_do_whatever_the_head_does(tmp_path):
    weights = write_truth(tmp_path / "x.gt.npz")
    truth = truth_motion(tmp_path / "x.gt.npz")
    assert np.allclose(truth.motion_cm, np.tensordot(weights, BASIS[ROWS], 1), atol=1e-6)
    assert np.allclose(truth.neutral_cm - truth.neutral_cm[30], NEUTRAL - NEUTRAL[30], atol=1e-6)


def test_a_truth_of_another_model_is_refused(tmp_path):
    write_truth(tmp_path / "x.gt.npz", bent=0.5)
    with pytest.raises(UserError, match="linear"):
        truth_motion(tmp_path / "x.gt.npz")


def made_truth(motion):
    blink = {side: np.zeros(len(motion)) for side in LIDS}
    return TruthMotion(np.arange(len(motion)) / 30.0, NEUTRAL, motion, blink)


def test_a_bigger_character_that_moves_in_proportion_explains_all_and_a_still_one_nothing(tmp_path):
    write_truth(tmp_path / "x.gt.npz")
    truth = truth_motion(tmp_path / "x.gt.npz")
    rest = 2.5 * truth.neutral_cm
    points = {
        "same": rest + 2.5 * truth.motion_cm,
        "still": np.repeat(rest[None], 60, 0),
        "half": rest + 1.25 * truth.motion_cm,
    }
    figures = mesh_figures(truth, rest, points, truth.time_s)
    assert figures["explained"]["same"] == pytest.approx(1.0)
    assert figures["explained"]["still"] == pytest.approx(0.0)
    assert figures["explained"]["half"] == pytest.approx(0.75)
    assert (figures["contact"]["same"]["blinks"], figures["contact"]["still"]["blinks_met"]) == (4, 0)


def test_an_eye_twice_as_open_needs_twice_the_way():
    tall = NEUTRAL.copy()
    for side in LIDS:
        upper, lower = (list(ids) for ids in LIDS[side])
        middle = (NEUTRAL[upper, 1].mean() + NEUTRAL[lower, 1].mean()) / 2
        tall[upper + lower, 1] = middle + 2 * (NEUTRAL[upper + lower, 1] - middle)
    moved = in_proportions(BASIS[[0]], NEUTRAL, tall)
    lid = LIDS["left"][0][0]
    assert moved[0, lid, 1] == pytest.approx(2 * BASIS[0, lid, 1])
    assert moved[0, lid, 0] == pytest.approx(BASIS[0, lid, 0])


def test_contacts_count_what_the_mesh_reaches():
    blink = np.zeros((30, 68, 3))
    truth = made_truth(blink)
    truth.blinks["right"][10:13] = 1.0
    mesh = np.repeat(NEUTRAL[None], 30, 0)
    upper, lower = (list(ids) for ids in LIDS["right"])
    gap = NEUTRAL[upper, 1] - NEUTRAL[lower, 1]
    mesh[11, upper, 1] -= 0.97 * gap
    figures = contact_figures(truth, NEUTRAL, mesh)
    assert (figures["blinks"], figures["blinks_met"]) == (1, 1)
    assert figures["least_closure"] == pytest.approx(0.97)
    mesh[11, upper, 1] += 0.1 * gap
    assert contact_figures(truth, NEUTRAL, mesh)["blinks_met"] == 0
    mesh[:, list(LIPS[0]), 1] += 1.0
    assert contact_figures(truth, NEUTRAL, mesh)["lips_met"] == 0


def test_lag_and_jitter_and_runs():
    curve = np.sin(np.arange(90) / 7.0)
    assert lag_frames(curve, curve) == 0
    assert lag_frames(np.roll(curve, 3)[5:-5], curve[5:-5]) == 3
    rng = np.random.default_rng(0)
    points = NEUTRAL + rng.normal(0, 0.01, (500, 68, 3))
    height = NEUTRAL[17:27, 1].max() - NEUTRAL[8, 1]
    assert jitter_percent(points) == pytest.approx(100 * 0.01 * 3**0.5 / height, rel=0.05)
    assert explained(np.ones((1, 68, 3)), np.ones((1, 68, 3))) == 1.0
    assert runs(np.array([True, True, False, True])) == [(0, 1), (3, 3)]
