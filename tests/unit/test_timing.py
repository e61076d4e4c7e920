# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene frames and media times: fractions, resampling, gaps."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.core import timing
from blender_addon.core.timing import SceneClock


def test_frames_of_2997_resampled_to_24_are_exact_to_the_microsecond():
    media = np.arange(300) * 1001 / 30000
    clock = SceneClock(1, (24, 1))
    frames = clock.frames_within(media[0], media[-1])
    values = timing.resample_linear(media[:, None], media, clock.time_s(frames))[:, 0]
    expected = [float(Fraction(int(n) - 1, 24)) for n in frames]
    assert np.abs(values - expected).max() < 1e-9
    assert frames[0] == 1
    assert frames[-1] == 1 + int(Fraction(299 * 1001, 30000) * 24)


def test_an_hour_of_ntsc_stays_on_the_frame():
    clock = SceneClock(1, (30000, 1001))
    assert clock.time_s(np.array([1 + 107892]))[0] == float(Fraction(107892 * 1001, 30000))


def test_the_same_rate_gives_the_same_values_to_the_bit():
    media = np.arange(200) * 1001 / 30000
    values = np.random.default_rng(0).normal(size=(200, 3))
    clock = SceneClock(101, (30000, 1001))
    frames = clock.frames_within(media[0], media[-1])
    assert frames.tolist() == list(range(101, 301))
    assert (timing.resample_linear(values, media, clock.time_s(frames)) == values).all()


def test_variable_frame_rates_follow_the_time_stamps():
    media = np.array([0.0, 0.1, 0.15, 0.4])
    assert timing.resample_linear(media, media, np.array([0.125, 0.275]))[:] == pytest.approx([0.125, 0.275])


def test_time_offset_moves_the_motion_later():
    early, late = SceneClock(1, (10, 1)), SceneClock(1, (10, 1), 0.5)
    assert (late.frames_within(0, 1) - early.frames_within(0, 1) == 5).all()
    assert late.time_s(np.array([6]))[0] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("rate", "fraction"),
    [
        (29.97, (30000, 1001)),
        (23.976, (24000, 1001)),
        (59.94, (60000, 1001)),
        (25, (25, 1)),
        (30.0, (30, 1)),
        (12.5, (25, 2)),
    ],
)
def test_decimal_rates_are_the_fractions_they_stand_for(rate, fraction):
    assert timing.rate_from_number(rate) == fraction


@pytest.mark.parametrize("rate", [0.0, -5.0])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="positive"):
        timing.rate_from_number(rate)
    with pytest.raises(ValueError, match="positive"):
        SceneClock(1, (int(rate), 1))


def test_time_stamps_must_grow():
    with pytest.raises(ValueError, match="grow"):
        timing.require_increasing(np.array([0.0, 0.1, 0.1]))


def test_short_gaps_are_crossed_and_ends_are_held():
    valid = np.array([False, True, False, False, True, False])
    time_s = np.arange(6) / 10
    before, after, share = timing.bridge_positions(valid, time_s, bridge_s=0.5)
    assert before.tolist() == [1, 1, 1, 1, 4, 4]
    assert after.tolist() == [1, 1, 4, 4, 4, 4]
    assert share == pytest.approx([0, 0, 1 / 3, 2 / 3, 0, 0])


def test_long_gaps_hold_first_and_go_over_at_their_end():
    valid = np.ones(41, bool)
    valid[1:40] = False
    _, _, share = timing.bridge_positions(valid, np.arange(41) / 10, bridge_s=0.5)
    assert (share[:36] == 0).all()
    assert (np.diff(share[35:40]) > 0).all()
    assert share[39] < 1


def test_gaps_are_reported_with_their_frames():
    gaps = timing.find_gaps(np.array([True, False, False, True, True, False]), np.arange(6) / 10)
    assert [(gap.first, gap.last) for gap in gaps] == [(1, 2), (5, 5)]
    assert gaps[0].duration_s == pytest.approx(0.3)


@given(st.lists(st.booleans(), min_size=1, max_size=30).filter(any))
def test_every_frame_is_stood_in_for_by_valid_ones(valid):
    flags = np.array(valid)
    before, after, share = timing.bridge_positions(flags, np.arange(len(valid)) / 30, bridge_s=0.2)
    assert flags[before].all()
    assert flags[after].all()
    assert ((share >= 0) & (share <= 1)).all()


def test_a_take_without_a_face_is_refused():
    with pytest.raises(ValueError, match="No frame"):
        timing.bridge_positions(np.zeros(3, bool), np.arange(3.0), bridge_s=1)
