# SPDX-License-Identifier: GPL-3.0-or-later
"""An actor's own range: found in a range-of-motion take, applied to another, kept as JSON."""

from dataclasses import replace

import numpy as np
import pytest

from blender_addon.core.actor_calibration import (
    ActorCalibration,
    calibration_from_plain,
    calibration_of,
    calibration_to_plain,
)
from blender_addon.core.retarget import retarget
from blender_addon.core.rig import Rig, ShapeControl
from blender_addon.core.settings import RetargetSettings
from blender_addon.core.take_weights import calibrate
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX
from tests.unit.made_take import MOVING, acting, made_take, nodding

FRAMES = 120
RIG = Rig(tuple(ShapeControl(name, ((name, 1.0),)) for name in ARKIT_CHANNELS))
AT_30 = RetargetSettings(frame_rate=(30, 1), smoothing=0.0)
SMILE = ARKIT_INDEX["mouthSmileLeft"]


def stiff_take():
    """An actor whose fullest smile is 0.5 of the channel."""
    weights = acting(FRAMES)
    weights[:, SMILE] *= 0.5 / weights[:, SMILE].max()
    return made_take(weights, nodding(FRAMES))


def test_a_stiff_actors_fullest_becomes_one_and_other_channels_hardly_change():
    take = stiff_take()
    own = calibrate(take, actor="Ada")
    assert own.moved[SMILE]
    assert own.one[SMILE] == pytest.approx(0.5, abs=0.08)
    assert not own.moved[ARKIT_INDEX["cheekPuff"]]
    plain, scaled = (retarget(take, RIG, replace(AT_30, calibration=c)).curves.shape_values for c in (None, own))
    assert plain["mouthSmileLeft"].max() < 0.75
    assert scaled["mouthSmileLeft"].max() > 0.97
    assert scaled["mouthSmileLeft"][:5].max() < 0.05
    assert np.corrcoef(plain["jawOpen"], scaled["jawOpen"])[0, 1] > 0.99


def test_what_shows_at_rest_is_zero_and_single_frames_do_not_count():
    weights = np.zeros((300, 52))
    weights[:, SMILE] = 0.1 + 0.5 * np.clip(np.sin(np.arange(300) / 20.0), 0, 1)
    weights[150, SMILE] = 1.0
    own = calibration_of(weights, np.array([0]))
    assert own.zero[SMILE] == pytest.approx(0.1)
    assert own.one[SMILE] == pytest.approx(0.6, abs=0.01)
    assert own.applied(weights)[0, SMILE] == 0.0
    assert own.applied(weights)[:, SMILE].max() == 1.0


def test_a_calibration_comes_back_from_json_and_others_are_refused():
    own = calibrate(made_take(acting(FRAMES), nodding(FRAMES)), actor="Ada")
    again = calibration_from_plain(calibration_to_plain(own))
    assert again == own
    moving = calibration_to_plain(own)["ranges"]
    assert set(moving) <= set(MOVING)
    for broken in (
        3,
        {},
        calibration_to_plain(own) | {"version": 9},
        calibration_to_plain(own) | {"ranges": {"ear": [0, 1]}},
        calibration_to_plain(own) | {"ranges": {"jawOpen": [0.5, 0.4]}},
    ):
        with pytest.raises(ValueError, match="calibrat"):
            calibration_from_plain(broken)


def test_ranges_that_are_none_are_refused_by_name():
    with pytest.raises(ValueError, match="eyeBlinkLeft"):
        ActorCalibration((0.5,) + (0.0,) * 51, (0.6,) + (1.0,) * 51, (True,) * 52)
    with pytest.raises(ValueError, match="52"):
        ActorCalibration((0.0,), (1.0,), (True,))
