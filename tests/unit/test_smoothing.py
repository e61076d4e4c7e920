# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing: less noise, no lag, blinks kept."""

import numpy as np
import pytest

from blender_addon.core import rotation, smoothing

TIME_S = np.arange(150) / 30.0
USUAL = np.ones(1)


def smooth(values, **changes):
    options = {"strength": USUAL, "least_noise": 0.005} | changes
    return smoothing.smooth_columns(values[:, None], TIME_S, **options)[:, 0]


def test_noise_on_a_still_face_is_at_least_halved():
    noise = np.random.default_rng(0).normal(0.3, 0.02, 150)
    assert smooth(noise).std() < 0.5 * noise.std()


@pytest.mark.parametrize("strength", [1.0, 3.0])
@pytest.mark.parametrize("shape", [(1.0,), (0.5, 1.0, 0.5), (0.4, 0.9, 1.0, 0.7, 0.3)])
def test_a_blink_keeps_its_closure_and_its_frame(shape, strength):
    values = np.random.default_rng(1).normal(0.05, 0.01, 150)
    start = 70
    values[start : start + len(shape)] = shape
    result = smooth(values, strength=np.array([strength]))
    assert result.max() >= 0.95
    assert np.argmax(result) == np.argmax(values)


def test_what_is_kept_is_kept_to_the_bit():
    values = np.random.default_rng(2).normal(0.5, 0.1, 150)
    keep = np.zeros((150, 1))
    keep[40:45] = 1.0
    assert (smooth(values, keep=keep)[40:45] == values[40:45]).all()


def test_there_is_no_lag():
    values = np.clip(np.sin(TIME_S * 5.0), 0, 1) + np.random.default_rng(3).normal(0, 0.02, 150)
    result = smooth(values, strength=np.array([3.0]))
    lags = {lag: np.corrcoef(result[10:-10], np.roll(values, lag)[10:-10])[0, 1] for lag in range(-5, 6)}
    assert max(lags, key=lags.get) == 0


def test_strength_zero_changes_nothing_and_bounds_are_kept():
    values = np.random.default_rng(4).uniform(0, 1, 150)
    assert (smooth(values, strength=np.zeros(1)) == values).all()
    result = smooth(values, strength=np.array([2.0]))
    assert result.min() >= values.min()
    assert result.max() <= values.max()


def test_a_straight_line_has_no_noise_and_stays_straight():
    line = TIME_S * 0.1
    assert smoothing.noise_sigma(line[:, None])[0] == pytest.approx(0.0, abs=1e-12)
    assert np.abs(smooth(line) - line)[10:-10].max() < 1e-3


def test_variable_time_stamps_weigh_by_time():
    values = np.array([0.0, 0.004, 0.0, 0.004, 0.0])[:, None]
    near = smoothing.smooth_columns(values, np.arange(5) * 0.01, strength=USUAL, least_noise=0.01)
    far = smoothing.smooth_columns(values, np.arange(5) * 1.0, strength=USUAL, least_noise=0.01)
    assert np.ptp(near) < 0.5 * np.ptp(values)
    assert np.ptp(far) > 0.99 * np.ptp(values)


def test_rotations_lose_noise_and_keep_a_snap_of_the_head():
    rng = np.random.default_rng(5)
    angles = np.where(TIME_S > 2.5, 0.6, 0.0)
    clean = rotation.quaternion_from_rotvec(np.stack([angles * 0, angles, angles * 0], 1))
    noise = rotation.quaternion_from_rotvec(rng.normal(0, 0.004, (150, 3)))
    noisy = rotation.multiply(noise, clean)
    result = smoothing.smooth_turns(noisy, TIME_S, strength=1.0, least_noise_rad=0.001)

    def error(turns):
        back = turns * np.array([1.0, -1.0, -1.0, -1.0])
        return np.linalg.norm(rotation.rotvec_from_quaternion(rotation.multiply(clean, back)), axis=1)

    assert error(result).mean() < 0.6 * error(noisy).mean()
    assert error(result).max() < 0.03
    assert (np.sum(result[1:] * result[:-1], 1) > 0).all()


def test_smoothing_does_not_depend_on_the_reference():
    rng = np.random.default_rng(6)
    noisy = rotation.quaternion_from_rotvec(rng.normal(0, 0.01, (150, 3)))
    far = rotation.quaternion_from_rotvec(np.array([[2.0, 1.0, 0.5]]))
    plain = smoothing.smooth_turns(noisy, TIME_S, strength=1.0, least_noise_rad=0.001)
    moved = smoothing.smooth_turns(rotation.multiply(noisy, far), TIME_S, strength=1.0, least_noise_rad=0.001)
    expected = rotation.multiply(plain, far)
    assert np.abs(np.sum(moved * expected, 1)).min() == pytest.approx(1.0, abs=1e-9)
