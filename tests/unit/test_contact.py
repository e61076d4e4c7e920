# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts: what closes in the video closes on the character, and nothing else does."""

import numpy as np
import pytest

from blender_addon.core import contact
from fomm_engine.wire.names import ARKIT_INDEX, LANDMARKS
from tests.unit.made_take import made_basis, made_take, nodding, still

LEFT, RIGHT = ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]


def blinking(depth, frames=60):
    weights = np.zeros((frames, 52))
    weights[30:33, [LEFT, RIGHT]] = depth
    return weights


@pytest.mark.parametrize("turn", [still(60), nodding(60, 15.0)], ids=["still", "nodding"])
def test_a_shut_eye_is_found_under_any_pose_and_an_open_one_is_not(turn):
    contacts = contact.find_contacts(made_take(blinking(1.0), turn), neutral_frame=0)
    assert (contacts.lids[30:33] == 1.0).all()
    assert (contacts.lids[:30] == 0.0).all()
    assert [(event.part, event.first_frame, event.last_frame) for event in contacts.events if "eye" in event.part] == [
        ("eye_right", 30, 32),
        ("eye_left", 30, 32),
    ]


def test_a_half_shut_eye_is_no_blink():
    contacts = contact.find_contacts(made_take(blinking(0.55), still(60)), neutral_frame=0)
    assert contacts.lids.max() == 0.0


def test_the_solver_has_to_agree():
    tracks = made_take(blinking(1.0), still(60))
    contacts = contact.find_contacts(tracks, neutral_frame=0)
    assert contact.confirmed(contacts, blinking(0.9), tracks).lids.max() == 1.0
    assert contact.confirmed(contacts, blinking(0.3), tracks).lids.max() == 0.0
    assert not contact.confirmed(contacts, blinking(0.3), tracks).events[0].part.startswith("eye")


def test_closing_reaches_one_and_takes_wide_eyes_back():
    weights = np.full((2, 52), 0.4)
    closed = contact.close_lids(weights, np.array([[1.0, 0.0], [0.5, 0.0]]))
    assert closed[:, RIGHT] == pytest.approx([1.0, 0.7])
    assert closed[:, LEFT] == pytest.approx([0.4, 0.4])
    assert closed[:, ARKIT_INDEX["eyeWideRight"]] == pytest.approx([0.0, 0.2])


def test_lips_that_touch_are_closed_on_the_face_by_mouth_close_and_then_by_the_jaw():
    basis = made_basis()
    basis[ARKIT_INDEX["mouthClose"], [65, 66, 67], 1] = 1.2  # undoes two thirds of the jaw at the lips
    weights = np.zeros((2, 52))
    weights[:, ARKIT_INDEX["jawOpen"]] = 0.5
    closed = contact.close_lips(weights, np.array([True, False]), basis)
    gap = closed @ (basis[:, [61, 62, 63], 1].mean(1) - basis[:, [65, 66, 67], 1].mean(1))
    assert gap[0] == pytest.approx(0.0, abs=1e-9)
    assert closed[0, ARKIT_INDEX["mouthClose"]] == pytest.approx(0.5)
    assert (closed[1] == weights[1]).all()


def test_touching_lips_are_found():
    weights = np.zeros((60, 52))
    weights[20:, ARKIT_INDEX["jawOpen"]] = 0.5
    contacts = contact.find_contacts(made_take(weights, still(60)), neutral_frame=0)
    assert contacts.lips[:20].all()
    assert not contacts.lips[20:].any()


def test_a_peak_between_frames_is_kept_by_the_nearest():
    values = contact.keep_peaks(
        np.array([0.0, 0.5, 0.5, 0.0]), np.arange(4.0), peaks=np.array([1.0]), peaks_s=np.array([1.4])
    )
    assert values == pytest.approx([0.0, 1.0, 0.5, 0.0])
    outside = contact.keep_peaks(np.zeros(2), np.arange(2.0), peaks=np.array([1.0]), peaks_s=np.array([9.0]))
    assert outside.max() == 0.0


def test_narrow_eyes_that_shut_are_shut() -> None:
    neutral, basis = np.zeros((70, 3)), np.zeros((52, 70, 3))
    for side, opening in (("right", 0.4), ("left", 1.0)):
        neutral[list(LANDMARKS[f"lid_upper_{side}"]), 1] = opening
        basis[ARKIT_INDEX[f"eyeBlink{side.capitalize()}"], list(LANDMARKS[f"lid_upper_{side}"]), 1] = -0.8
    assert contact.full_blinks(neutral, basis).tolist() == pytest.approx([0.5, 1.0])
    weights = np.zeros((3, 52))
    weights[:, [ARKIT_INDEX["eyeBlinkRight"], ARKIT_INDEX["eyeBlinkLeft"]]] = np.array([[0.0], [0.25], [0.6]])
    own = contact.in_own_range(weights, neutral, basis)
    assert own[:, ARKIT_INDEX["eyeBlinkRight"]].tolist() == pytest.approx([0.0, 0.5, 1.0])
    assert own[:, ARKIT_INDEX["eyeBlinkLeft"]].tolist() == pytest.approx([0.0, 0.25, 0.6])
