# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures on made-up performances whose errors are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fomm_engine.evaluation.metrics import Baked, Tracked, clip_figures, euler_deg
from fomm_engine.evaluation.truth import Standard

FRAMES = 90


def turned(yaw_deg: np.ndarray, pitch_deg: np.ndarray) -> np.ndarray:
    """Rotations of a head that looks up and turns, R = Ry(yaw) Rx(-pitch)."""
    return Rotation.from_euler("YX", np.stack([yaw_deg, -pitch_deg], 1), degrees=True).as_matrix()


@pytest.fixture
def truth() -> Standard:
    time = np.arange(FRAMES) / 30
    rotation = turned(20 * np.sin(2 * time), 10 * np.sin(3 * time))
    blink = np.zeros(FRAMES)
    blink[20:25] = blink[60:66] = 1
    channels = {
        "jawOpen": 0.5 + 0.5 * np.sin(4 * time),
        "eyeBlinkLeft": blink,
        "eyeBlinkRight": blink,
        "cheekPuff": 0.1 * blink,
    }
    points = np.random.default_rng(0).uniform(80, 160, (1, 68, 2)) + np.zeros((FRAMES, 1, 1))
    points[:, 36], points[:, 45], points[:, 27], points[:, 8] = (80, 100), (180, 100), (130, 100), (130, 180)
    return Standard("clip", True, 30.0, points, rotation, np.ones(FRAMES, bool), channels, {})


def perfect(truth: Standard) -> tuple[Baked, Tracked]:
    """A bake and a take without error."""
    relative = truth.rotation[0].T @ truth.rotation
    tracked = Tracked(truth.time_s, np.ones(FRAMES, bool), truth.landmarks_px.copy(), 0)
    return Baked(truth.time_s, relative, dict(truth.channels)), tracked


def test_no_error_is_none(truth: Standard) -> None:
    figures = clip_figures(truth, *perfect(truth))
    assert figures["rotation_mae_deg"]["mean"] == pytest.approx(0, abs=1e-6)
    assert figures["mean_correlation"] == pytest.approx(1)
    assert figures["blink"] == {"recall": 1.0, "precision": 1.0, "events": 2}
    assert figures["nme_68_percent"] == 0 and figures["lost"] == 0
    assert "cheekPuff" not in figures["correlation"], "a channel that hardly moves says nothing"


def test_a_known_error_is_measured(truth: Standard) -> None:
    baked, tracked = perfect(truth)
    away = turned(np.full(FRAMES, 3.0), np.zeros(FRAMES))
    landmarks = tracked.landmarks_px + np.array([4.0, 0.0])
    figures = clip_figures(
        truth, replace(baked, rotation=away @ baked.rotation), replace(tracked, landmarks_px=landmarks)
    )
    assert figures["rotation_mae_deg"]["yaw"] == pytest.approx(3, abs=0.2)
    assert figures["nme_68_percent"] == pytest.approx(4, abs=1e-6)


def test_offsets_are_forgiven_to_references_only(truth: Standard) -> None:
    baked, tracked = perfect(truth)
    features = dict.fromkeys(("eyeOpenL", "eyeOpenR", "jawDrop"), truth.channels["jawOpen"])
    reference = replace(truth, is_truth=False, channels={}, features=features)
    shifted = replace(tracked, landmarks_px=tracked.landmarks_px + np.array([4.0, 0.0]))
    away = replace(baked, rotation=turned(np.full(FRAMES, 3.0), np.zeros(FRAMES)) @ baked.rotation)
    figures = clip_figures(reference, away, shifted)
    assert figures["nme_68_percent"] == pytest.approx(0, abs=1e-6)
    assert figures["rotation_mae_deg"]["yaw"] < 0.2
    assert figures["correlation"]["jawDrop"] == pytest.approx(1)


def test_missed_and_imagined_blinks_count(truth: Standard) -> None:
    baked, tracked = perfect(truth)
    seen = truth.channels["eyeBlinkLeft"].copy()
    seen[20:25] = 0
    seen[40:44] = 1
    values = {**baked.values, "eyeBlinkLeft": seen, "eyeBlinkRight": seen}
    blink = clip_figures(truth, replace(baked, values=values), tracked)["blink"]
    assert (blink["recall"], blink["precision"]) == (0.5, 0.5)


def test_a_channel_the_character_lacks_counts_as_zero(truth: Standard) -> None:
    baked, tracked = perfect(truth)
    values = {name: value for name, value in baked.values.items() if name != "jawOpen"}
    assert clip_figures(truth, replace(baked, values=values), tracked)["correlation"]["jawOpen"] == 0


def test_euler_follows_the_convention() -> None:
    yaw, pitch = np.array([25.0]), np.array([-12.0])
    np.testing.assert_allclose(euler_deg(turned(yaw, pitch))[0], [25, -12, 0], atol=1e-9)
