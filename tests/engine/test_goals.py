# SPDX-License-Identifier: GPL-3.0-or-later
"""How far eyes and mouth open by the landmarks, and which goals a clip reaches."""

from dataclasses import replace

import numpy as np
import pytest

from fomm_engine.evaluation.goals import goals_table
from fomm_engine.evaluation.openings import opening, opening_figures
from fomm_engine.evaluation.truth import Standard
from fomm_engine.wire.names import LANDMARKS

FRAMES = np.arange(40)
LIDS = LANDMARKS["lid_upper_left"], LANDMARKS["lid_lower_left"]
LIPS = LANDMARKS["lip_inner_upper"], LANDMARKS["lip_inner_lower"]


@pytest.fixture
def standard() -> Standard:
    """A face 100 px wide whose left lids, and nothing else, open and shut by 10 px."""
    points = np.zeros((len(FRAMES), 68, 2))
    points[:, 45, 0] = 100.0
    points[:, list(LIDS[0]), 1] -= (5 + 5 * np.sin(FRAMES / 3))[:, None]
    turn = np.broadcast_to(np.eye(3), (len(FRAMES), 3, 3))
    return Standard("made", True, 30.0, points, turn, np.ones(len(FRAMES), bool), {}, {})


def test_openings_are_compared_where_they_move(standard: Standard) -> None:
    np.testing.assert_allclose(opening(standard.landmarks_px, *LIDS), (5 + 5 * np.sin(FRAMES / 3)) / 100)
    assert opening_figures(standard, standard.landmarks_px, FRAMES) == {"eye_opening_r": pytest.approx(1.0)}
    stiff = np.repeat(standard.landmarks_px[:1], len(FRAMES), 0)
    assert opening_figures(standard, stiff, FRAMES) == {"eye_opening_r": 0.0}


def test_a_reference_is_asked_for_its_own_feature(standard: Standard) -> None:
    other_way = replace(
        standard, is_truth=False, features={"eyeOpenL": -standard.landmarks_px[:, LIDS[1][0], 0] - FRAMES}
    )
    ours = standard.landmarks_px.copy()
    ours[:, list(LIDS[0]), 1] = -FRAMES[:, None]
    assert opening_figures(other_way, ours, FRAMES)["eye_opening_r"] == pytest.approx(-1.0)


def test_each_goal_is_judged_in_its_own_direction_and_for_its_own_clips() -> None:
    figures = {
        "is_truth": False,
        "lost": 0,
        "beyond_12_percent": 2,
        "rotation_mae_deg": {"yaw": 0.9, "pitch": 1.0, "mean": 2.0},
        "blink": {"recall": 1.0, "precision": None},
        "eye_opening_r": 0.94,
    }
    lines = goals_table({"clip": figures}).splitlines()
    verdicts = {line[:40].strip(): line.split()[-1] for line in lines[2:]}
    assert verdicts == {
        "frames without a face": "yes",
        "frames with an error over 12 %": "NO",
        "yaw less its offset, degrees": "NO",
        "pitch less its offset, degrees": "yes",
        "blinks found": "yes",
        "r of the eyes' opening, landmarks": "NO",
    }
    assert "head rotation, mean error" in goals_table({"clip": figures | {"is_truth": True}})
