# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for the neutral frame: rest is preferred to expression, blinks, turned heads and lost frames."""

from dataclasses import replace

import numpy as np
import pytest

from blender_addon.core import calibration, rotation
from fomm_engine.wire.names import ARKIT_INDEX
from tests.unit.made_take import made_take, still

FRAMES = 60
REST = range(40, 50)


def busy(channel, amount=0.8):
    """Weights with one channel on everywhere but at rest."""
    weights = np.zeros((FRAMES, 52))
    weights[:, ARKIT_INDEX[channel]] = amount
    weights[list(REST)] = 0.0
    return weights


@pytest.mark.parametrize("channel", ["jawOpen", "eyeBlinkLeft"])
def test_the_frame_without_the_expression_is_found(channel):
    weights = busy(channel) if channel == "jawOpen" else busy(channel) * (np.arange(FRAMES) % 3 == 0)[:, None]
    neutral = calibration.find_neutral(made_take(weights, still(FRAMES)))
    assert weights[neutral.frame].max() == 0.0
    assert "most restful" in neutral.reason


def test_the_regressor_helps_where_landmarks_do_not_tell():
    arkit = np.full((FRAMES, 52), 0.2)
    arkit[list(REST)] = 0.0
    assert calibration.find_neutral(made_take(np.zeros((FRAMES, 52)), still(FRAMES), arkit=arkit)).frame in REST


def test_a_frontal_head_is_preferred():
    turn = np.tile(rotation.matrix_from_rotvec(np.radians([0.0, 25.0, 0.0])), (FRAMES, 1, 1))
    turn[list(REST)] = np.eye(3)
    assert calibration.find_neutral(made_take(np.zeros((FRAMES, 52)), turn)).frame in REST


def test_eyes_that_look_where_they_mostly_look_are_preferred():
    weights = np.zeros((FRAMES, 52))
    weights[:20, [ARKIT_INDEX["eyeLookUpLeft"], ARKIT_INDEX["eyeLookUpRight"]]] = 1.0
    assert calibration.find_neutral(made_take(weights, still(FRAMES))).frame >= 20


def test_sure_landmarks_are_preferred_and_lost_frames_never_taken():
    tracks = made_take(np.zeros((FRAMES, 52)), still(FRAMES))
    sigma = np.full((FRAMES, 68), 3.0)
    sigma[list(REST)] = 1.0
    assert calibration.find_neutral(replace(tracks, landmarks_sigma_px=sigma)).frame in REST
    valid = np.zeros(FRAMES, bool)
    valid[[5, 6]] = True
    assert calibration.find_neutral(made_take(np.zeros((FRAMES, 52)), still(FRAMES), valid=valid)).frame in (5, 6)


def test_rest_frames_are_those_around_that_look_the_same():
    weights = busy("jawOpen")
    neutral = calibration.find_neutral(made_take(weights, still(FRAMES)), chosen=45)
    assert neutral.frame == 45
    assert set(neutral.rest_frames) <= set(REST)
    assert len(neutral.rest_frames) >= 5
    edge = calibration.find_neutral(made_take(weights, still(FRAMES)), chosen=39)
    assert set(edge.rest_frames).isdisjoint(REST)


def test_the_captures_suggestion_wins_among_equals_and_not_against_rest():
    resting = made_take(np.zeros((FRAMES, 52)), still(FRAMES))
    assert calibration.find_neutral(replace(resting, suggested_neutral_frame=23)).frame == 23
    acted = made_take(busy("jawOpen"), still(FRAMES))
    assert calibration.find_neutral(replace(acted, suggested_neutral_frame=23)).frame in REST
