# SPDX-License-Identifier: GPL-3.0-or-later
"""Reduced keys: within the stated error or share, contacts exact, never beyond the span between two keys."""

import numpy as np
import pytest

from blender_addon.core.key_reduction import ReductionSettings, curve_at, reduce_keys

FRAMES = np.arange(1, 301)


def acted(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = FRAMES / 30.0
    curve = sum(rng.uniform(0.1, 0.3) * np.sin(rng.uniform(0.5, 4.0) * t + rng.uniform(0, 6)) for _ in range(4))
    curve = np.clip(curve + 0.4, 0.0, 1.0)
    curve[[99, 100, 101, 102, 103]] = (0.6, 1.0, 1.0, 1.0, 0.5)
    return curve


@pytest.mark.parametrize("interpolation", ["bezier", "linear"])
@pytest.mark.parametrize("error", [0.002, 0.02])
def test_the_stated_error_is_kept_with_far_fewer_keys(interpolation, error):
    curve = acted()
    keys = reduce_keys(FRAMES, curve, ReductionSettings(error, interpolation=interpolation))
    assert np.abs(curve_at(keys, FRAMES)[:, 0] - curve).max() <= error * np.ptp(curve) + 1e-12
    assert len(keys.frames) < 0.6 * len(FRAMES)
    assert set(keys.values[:, 0]) <= set(curve)


def test_a_share_of_keys_is_kept_to_and_contacts_are_exact():
    curve, contact = acted(1), np.array([101, 102, 103])
    keys = reduce_keys(FRAMES, curve, ReductionSettings(0.0, share=1 / 3), kept=contact)
    assert len(keys.frames) <= 100
    assert np.abs(curve_at(keys, FRAMES)[:, 0] - curve)[100:103].max() < 1e-12
    assert np.abs(curve_at(keys, FRAMES)[:, 0] - curve).max() < 0.02


def test_contacts_outlast_the_smallest_share():
    contact = np.array([101, 102, 103])
    keys = reduce_keys(FRAMES, acted(), ReductionSettings(0.0, share=0.005), kept=contact)
    assert {101, 103} <= set(keys.frames.tolist())
    assert np.abs(curve_at(keys, contact)[:, 0] - 1.0).max() < 1e-12


def test_the_curve_stays_between_its_keys():
    keys = reduce_keys(FRAMES, acted(2), ReductionSettings(0.05))
    fine = np.linspace(1, 300, 4000)
    values = curve_at(keys, fine)[:, 0]
    assert values.max() <= keys.values.max() + 1e-12
    assert values.min() >= keys.values.min() - 1e-12


def test_handles_a_third_of_the_way_make_the_same_curve():
    keys = reduce_keys(FRAMES, acted(), ReductionSettings(0.02))
    t = np.linspace(0, 1, 7)
    for place in (0, 3, len(keys.frames) - 2):
        span = keys.frames[place + 1] - keys.frames[place]
        a, d = keys.values[place, 0], keys.values[place + 1, 0]
        b, c = a + keys.slopes[place, 0] * span / 3, d - keys.slopes[place + 1, 0] * span / 3
        bezier = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
        assert np.allclose(bezier, curve_at(keys, keys.frames[place] + t * span)[:, 0])


def test_columns_share_their_keys_and_a_still_curve_has_two():
    pair = np.stack([acted(), acted(5)], 1)
    keys = reduce_keys(FRAMES, pair, ReductionSettings(0.01))
    assert np.abs(curve_at(keys, FRAMES) - pair).max() <= 0.01 + 1e-12
    still = reduce_keys(FRAMES, np.full(300, 0.3), ReductionSettings(), kept=np.array([50]))
    assert still.frames.tolist() == [1, 300]
    assert reduce_keys(FRAMES[:1], np.array([0.5]), ReductionSettings()).frames.tolist() == [1]


@pytest.mark.parametrize("wrong", [{"error": -0.1}, {"share": 0.0}, {"share": 1.5}, {"interpolation": "constant"}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|not by"):
        ReductionSettings(**wrong)
