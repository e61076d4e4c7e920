# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel settings: gain, response, limits and mute do what they say, on the channel they say, mirrored or not."""

import numpy as np
import pytest

from blender_addon.core.channel_edits import ChannelSettings, apply_edits, hold_limits, respond
from blender_addon.core.regions import mirrored
from fomm_engine.wire.names import ARKIT_INDEX

RAMP = np.linspace(0.0, 1.0, 11)
WEIGHTS = np.tile(RAMP[:, None], (1, 52))


def column(weights, name):
    return weights[:, ARKIT_INDEX[name]]


def test_nothing_set_changes_nothing():
    np.testing.assert_array_equal(apply_edits(WEIGHTS, {}, {}), WEIGHTS)
    np.testing.assert_array_equal(apply_edits(WEIGHTS, {"jawOpen": ChannelSettings()}, {}), WEIGHTS)


def test_gain_then_curve_then_limits():
    own = ChannelSettings(gain=2.0, curve=((0.0, 0.0), (0.5, 0.1), (1.0, 1.0)), minimum=0.05, maximum=0.9)
    result = apply_edits(WEIGHTS, {"jawOpen": own}, {})
    np.testing.assert_allclose(column(result, "jawOpen")[[0, 1, 2, 5, 10]], [0.05, 0.05, 0.08, 0.9, 0.9], atol=1e-12)
    others = np.delete(result, ARKIT_INDEX["jawOpen"], 1)
    np.testing.assert_array_equal(others, np.delete(WEIGHTS, ARKIT_INDEX["jawOpen"], 1))


def test_a_regions_curve_bends_all_its_channels_and_no_other():
    result = apply_edits(WEIGHTS, {}, {"brows": ((0.0, 0.0), (1.0, 0.5))})
    np.testing.assert_allclose(column(result, "browInnerUp"), RAMP / 2)
    np.testing.assert_allclose(column(result, "browDownLeft"), RAMP / 2)
    np.testing.assert_array_equal(column(result, "eyeBlinkLeft"), RAMP)


def test_muted_stays_at_rest_even_where_something_closed_it():
    own = {"eyeBlinkLeft": ChannelSettings(mute=True), "jawOpen": ChannelSettings(maximum=0.4)}
    result = hold_limits(WEIGHTS, own)
    assert column(result, "eyeBlinkLeft").max() == 0.0
    assert column(result, "jawOpen").max() == 0.4


def test_settings_are_of_the_characters_side_when_mirrored():
    own = {"mouthSmileLeft": ChannelSettings(mute=True), "jawLeft": ChannelSettings(gain=0.5)}
    result = mirrored(apply_edits(WEIGHTS, own, {}, mirror=True))
    assert column(result, "mouthSmileLeft").max() == 0.0
    assert column(result, "mouthSmileRight").max() == 1.0
    np.testing.assert_allclose(column(result, "jawLeft"), RAMP / 2)


def test_a_curve_holds_its_ends():
    np.testing.assert_allclose(respond(RAMP, ((0.2, 0.3), (0.8, 0.7)))[[0, 5, 10]], [0.3, 0.5, 0.7])


@pytest.mark.parametrize(
    "bad",
    [
        {"gain": -1.0},
        {"gain": float("nan")},
        {"minimum": 0.6, "maximum": 0.4},
        {"maximum": 1.2},
        {"curve": ((0.5, 0.0), (0.5, 1.0))},
        {"curve": ((0.0, 0.0), (1.0, 2.0))},
    ],
)
def test_what_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match="must"):
        ChannelSettings(**bad)
