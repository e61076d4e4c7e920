# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever tracks hold, a rig gets finite values within its limits, unit quaternions and no flips, or a sentence."""

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.core.head_limits import LARGEST_TURN_RAD, HeadSpeeds, limited, limited_turn
from blender_addon.core.retarget import retarget
from blender_addon.core.rig import BoneControl, Rig, ShapeControl
from blender_addon.core.rotation import quaternion_from_matrix, quaternion_from_rotvec, rotvec_from_quaternion
from blender_addon.core.settings import RegionSettings, RetargetSettings
from blender_addon.core.tracks import PerformanceTracks, PinholeCamera
from fomm_engine.wire.names import ARKIT_CHANNELS
from tests.unit.made_basis import made_character
from tests.unit.made_take import CAMERA, CROP, acting, made_basis, made_neutral, made_take, nodding, still

FRAMES = 12
SHAPES = tuple(ShapeControl(name, ((name, 1.0),)) for name in ARKIT_CHANNELS)
EYES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
BONES = (
    BoneControl("neck", "neck", np.eye(3)),
    BoneControl("head", "head", EYES, parent="neck"),
    BoneControl("jaw", "jaw", np.eye(3), parent="head"),
    BoneControl("eye.L", "eye_left", EYES, parent="head"),
)
RIG = Rig(SHAPES, BONES)
AT_30 = RetargetSettings(frame_rate=(30, 1), head_location=True)
PER_FRAME = (
    *("landmarks_px", "landmarks_sigma_px", "irises_px", "irises_sigma_px", "head_rotation", "head_translation_cm"),
    *("fomm_value", "fomm_jacobian", "arkit"),
)
HOSTILE = (math.nan, math.inf, -math.inf, 0.0, -1.0, 1.0, 1e-30, -1e3, 1e5, 1e6, 1e8, 1e30, -1e300, 1e308)
LIMITS = HeadSpeeds()


def sound(result: Any, tracks: PerformanceTracks) -> None:
    """Fails unless every value of a result may reach a rig."""
    curves = result.curves
    groups = (curves.shape_values, curves.bone_rotations, curves.bone_locations, curves.bone_scales)
    for group in (*groups, curves.control_values):
        for name, values in group.items():
            assert np.isfinite(values).all(), name
            assert len(values) == len(curves.frames)
    for control in SHAPES:
        if control.name in curves.shape_values:
            values = curves.shape_values[control.name]
            assert values.min() >= control.minimum and values.max() <= control.maximum
    for name, keys in curves.bone_rotations.items():
        assert np.allclose(np.linalg.norm(keys, axis=1), 1.0, atol=1e-6), name
        assert (np.sum(keys[1:] * keys[:-1], axis=1) >= 0.0).all(), f"{name} flips"
    assert "mended-values" not in {note.code for note in result.notes}
    turn = result.head_rotation_relative
    steps = np.linalg.norm(rotvec_from_quaternion(quaternions_between(turn)), axis=1)
    assert (steps <= LIMITS.turn_rad * np.diff(tracks.time_s) * 1.01 + 1e-6).all()


def quaternions_between(turn: np.ndarray) -> np.ndarray:
    return quaternion_from_matrix(np.swapaxes(turn[:-1], 1, 2) @ turn[1:]) if len(turn) > 1 else np.zeros((0, 4))


@st.composite
def hostile_arrays(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """The arrays of a good take, a few of which are spoilt in some frames, from one number to all of them."""
    count = draw(st.sampled_from((1, 2, 3, FRAMES)))
    good = made_take(acting(30)[10 : 10 + count], nodding(count, draw(st.sampled_from((0.0, 12.0, 170.0)))))
    arrays = {name: getattr(good, name).copy() for name in (*PER_FRAME, "time_s", "valid")}
    for name in draw(st.lists(st.sampled_from(PER_FRAME), max_size=4)):
        value, frame = draw(st.sampled_from(HOSTILE)), draw(st.integers(-1, count - 1))
        flat = arrays[name].reshape(count, -1)
        place = slice(None) if draw(st.booleans()) else draw(st.integers(0, flat.shape[1] - 1))
        flat[slice(None) if frame < 0 else frame, place] = value
    arrays["valid"] = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    if draw(st.booleans()):
        arrays["valid"][:] = True
    return arrays


def arrays_of(count: int, *more: str) -> dict[str, np.ndarray]:
    """The arrays of a good take of a still head."""
    good = made_take(acting(30)[:count], still(count))
    return {name: getattr(good, name).copy() for name in (*PER_FRAME, *more)}


def tracks_of(arrays: dict[str, np.ndarray]) -> PerformanceTracks:
    models = {"neutral_cm": made_neutral(), "basis_cm": made_basis()}
    return PerformanceTracks(**{**models, **arrays}, camera=CAMERA, crop=CROP)


@given(hostile_arrays(), st.booleans(), st.sampled_from((0.0, 0.5)), st.sampled_from((1.0, 4.0)))
def test_hostile_tracks_give_sound_curves_or_a_sentence(arrays, measured, bridge_s, gain):
    settings = replace(AT_30, bridge_s=bridge_s, head=RegionSettings(gain=gain))
    rig = Rig(SHAPES, BONES, basis=made_character()) if measured else RIG
    try:
        tracks = tracks_of(arrays)
        result = retarget(tracks, rig, settings)
    except ValueError as error:
        sentence = str(error)
    else:
        sound(result, tracks)
        return
    assert sentence.endswith(".")


@pytest.mark.parametrize("times", [[0.0, 0.0, 0.1], [0.2, 0.1, 0.3], [0.0, math.nan, 0.2], [0.0, 0.1, math.inf]])
def test_times_that_do_not_grow_are_refused(times):
    arrays = arrays_of(3, "valid")
    with pytest.raises(ValueError, match="grow from frame to frame"):
        tracks_of({**arrays, "time_s": np.array(times)})


def test_a_gap_of_days_in_the_times_is_refused_before_memory_is_taken():
    arrays = arrays_of(2, "valid")
    with pytest.raises(ValueError, match="timeline of Blender"):
        retarget(tracks_of({**arrays, "time_s": np.array([0.0, 9e5])}), RIG, AT_30)
    with pytest.raises(ValueError, match="grow from frame to frame"):
        tracks_of({**arrays, "time_s": np.array([0.0, 1e12])})


@pytest.mark.parametrize("name", PER_FRAME)
def test_one_bad_number_costs_its_frame_and_not_the_take(name, fault_record):
    arrays = arrays_of(30, "time_s", "valid")
    arrays[name].reshape(30, -1)[14, 0] = math.nan
    tracks = tracks_of(arrays)
    result = retarget(tracks, RIG, AT_30)
    assert np.flatnonzero(tracks.broken).tolist() == [14] == np.flatnonzero(~tracks.valid).tolist()
    told = {note.code: note for note in result.notes}
    assert told["broken-frames"].frames == told["gap-bridged"].frames == (14,)
    sound(result, tracks)
    fault_record(
        group="numbers",
        fault=f"NaN in one frame of the track {name}",
        done="retarget of 30 frames for a rig of 52 shapes and 4 bones",
        user_saw=told["broken-frames"].message,
        survived="all 29 other frames; the rig gets finite values and no flip",
    )


def test_a_frame_behind_the_camera_or_with_a_skewed_head_is_broken_too():
    arrays = arrays_of(5, "time_s", "valid")
    arrays["head_translation_cm"][1, 2] = 40.0
    arrays["head_rotation"][2] *= 1.5
    arrays["head_rotation"][3] = np.diag([1.0, 1.0, -1.0])
    tracks = tracks_of(arrays)
    assert tracks.valid.tolist() == [True, False, False, False, True]
    assert tracks.broken.tolist() == [False, True, True, True, False]
    again = replace(tracks, arkit=tracks.arkit)
    assert again.broken.tolist() == tracks.broken.tolist()


def test_a_matrix_that_is_nearly_a_rotation_becomes_one():
    good = made_take(acting(30)[:3], nodding(3))
    arrays = {each: getattr(good, each).copy() for each in (*PER_FRAME, "time_s", "valid")}
    arrays["head_rotation"][1] *= 1.004
    found = tracks_of(arrays).head_rotation
    assert np.allclose(found, good.head_rotation, atol=1e-6)
    assert np.array_equal(found[0], good.head_rotation[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [("neutral_cm", np.full((70, 3), 1e6)), ("neutral_cm", np.zeros((70, 3))), ("basis_cm", np.full((52, 70, 3), 1e4))],
)
def test_a_model_that_is_no_face_is_refused(name, value):
    arrays = arrays_of(3, "time_s", "valid")
    with pytest.raises(ValueError, match="no face"):
        tracks_of({**arrays, name: value})


@pytest.mark.parametrize("camera", [(0.0, 1.0, 1.0), (math.nan, 1.0, 1.0), (600.0, math.inf, 1.0), (600.0, 1.0, 1e9)])
def test_a_camera_that_is_none_is_refused(camera):
    with pytest.raises(ValueError, match="camera is none"):
        PinholeCamera(*camera)


def spiky(turns: list[float], rate: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """(quaternions, times) of turns about y in degrees."""
    vectors = np.zeros((len(turns), 3))
    vectors[:, 1] = np.radians(turns)
    return quaternion_from_rotvec(vectors), np.arange(len(turns)) / rate


def yaw_deg(turn: np.ndarray) -> np.ndarray:
    return np.degrees(rotvec_from_quaternion(turn)[:, 1])


def test_a_spike_of_the_tracker_is_taken_out():
    found, changed = limited_turn(*spiky([0, 1, 120, 118, 4, 5]), LIMITS)
    assert yaw_deg(found) == pytest.approx([0, 1, 2, 3, 4, 5], abs=1e-9)
    assert changed.tolist() == [False, False, True, True, False, False]


def test_a_jump_that_stays_is_followed_as_fast_as_a_head_turns():
    found, changed = limited_turn(*spiky([0, 0, 0, 120, 120, 120, 120, 120]), LIMITS)
    assert yaw_deg(found) == pytest.approx([0, 0, 0, 50, 100, 120, 120, 120], abs=1e-6)
    assert changed.tolist() == [False, False, False, True, True, False, False, False]


def test_quick_heads_are_left_alone():
    turn, time_s = spiky([0, 20, 45, 60, 20, -25, -20])
    found, changed = limited_turn(turn, time_s, LIMITS)
    assert found is turn
    assert not changed.any()


def test_no_turn_goes_beyond_what_shares_of_it_can_be_taken_of():
    slow = np.arange(0.0, 400.0, 10.0).tolist()
    found, changed = limited_turn(*spiky(slow), LIMITS)
    assert np.abs(yaw_deg(found)).max() <= np.degrees(LARGEST_TURN_RAD) + 1e-6
    assert np.abs(np.diff(yaw_deg(found))).max() <= 50.0 + 1e-6
    assert changed[16:].any() and not changed[:15].any()


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=40), st.floats(0.1, 1e3))
def test_nothing_moves_faster_than_it_may(values, speed):
    track = np.stack([values, values, np.zeros(len(values))], 1)
    time_s = np.arange(len(values)) / 24.0
    found, changed = limited(track, time_s, speed)
    assert (np.linalg.norm(np.diff(found, axis=0), axis=1) <= speed / 24.0 * 1.000001 + 1e-9).all()
    assert np.array_equal(found[~changed], track[~changed])


def test_all_fields_of_tracks_are_known_here():
    rest = {"neutral_cm", "basis_cm", "camera", "crop", "suggested_neutral_frame", "arkit_is_exact", "broken"}
    assert {field.name for field in fields(PerformanceTracks)} == {*PER_FRAME, "time_s", "valid"} | rest
