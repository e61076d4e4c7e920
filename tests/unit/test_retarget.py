# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole retarget on a made-up take: curves, limits, gaps, blinks, mirror, settings."""

from dataclasses import replace

import numpy as np
import pytest

from blender_addon.core import rotation
from blender_addon.core.channel_edits import ChannelSettings
from blender_addon.core.retarget import retarget
from blender_addon.core.rig import BoneControl, Rig, ShapeControl
from blender_addon.core.settings import RegionSettings, RetargetSettings
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX
from tests.unit.made_take import MOVING, acting, made_take, nodding, still

FRAMES = 120
SHAPES = tuple(ShapeControl(name, ((name, 1.0),)) for name in ARKIT_CHANNELS)
BONES = (
    BoneControl("neck", "neck", rotation.matrix_from_rotvec(np.array([0.4, 0.1, 0.0]))),
    BoneControl("head", "head", rotation.matrix_from_rotvec(np.array([0.2, 0.0, 1.2])), parent="neck"),
    BoneControl("eyeL", "eye_left", np.eye(3), parent="head"),
    BoneControl("eyeR", "eye_right", np.eye(3), parent="head"),
)
RIG = Rig(SHAPES, BONES)
AT_30 = RetargetSettings(frame_rate=(30, 1))


@pytest.fixture(scope="module")
def noisy():
    return made_take(acting(FRAMES), nodding(FRAMES), noise_px=0.6, rng=np.random.default_rng(3))


@pytest.fixture(scope="module")
def result(noisy):
    return retarget(noisy, RIG, AT_30)


def test_the_curves_follow_the_actor(result):
    truth = acting(FRAMES)
    for name in MOVING:
        assert np.corrcoef(truth[:, ARKIT_INDEX[name]], result.curves.shape_values[name])[0, 1] > 0.9, name
    relative = np.swapaxes(nodding(FRAMES)[result.report.neutral_frame][None], 1, 2) @ nodding(FRAMES)
    error = rotation.rotvec_from_matrix(np.swapaxes(relative, 1, 2) @ result.head_rotation_relative)
    assert np.degrees(np.linalg.norm(error, axis=1)).max() < 0.6
    assert result.report.explained > 0.9


def test_frames_are_whole_and_start_where_the_settings_say(noisy):
    curves = retarget(noisy, RIG, RetargetSettings(frame_rate=(24, 1), start_frame=101)).curves
    assert curves.frames[0] == 101
    assert (np.diff(curves.frames) == 1).all()
    assert curves.frames.dtype == np.int64
    assert len(curves.frames) == int(119 / 30 * 24) + 1
    assert all(len(values) == len(curves.frames) for values in curves.shape_values.values())


def test_values_stay_in_limits_and_quaternions_are_unit_and_continuous(result, noisy):
    tight = Rig(
        (ShapeControl("half", (("jawOpen", 1.0),), 0.0, 0.4), ShapeControl("side", (("jawOpen", -1.0),), -0.3, 1.0))
    )
    curves = retarget(noisy, tight, AT_30).curves
    assert curves.shape_values["half"].max() == pytest.approx(0.4)
    assert curves.shape_values["side"].min() == pytest.approx(-0.3)
    for keys in result.curves.bone_rotations.values():
        assert np.isfinite(keys).all()
        assert np.allclose(np.linalg.norm(keys, axis=1), 1.0)
        assert (np.sum(keys[1:] * keys[:-1], 1) > 0).all()


def test_every_blink_closes_fully_and_is_reported(result):
    truth = acting(FRAMES)
    for side in ("Left", "Right"):
        frames = np.flatnonzero(truth[:, ARKIT_INDEX[f"eyeBlink{side}"]] == 1.0)
        assert (result.curves.shape_values[f"eyeBlink{side}"][frames] >= 0.95).all()
        peaks = {event.peak_frame for event in result.report.events if event.part == f"eye_{side.lower()}"}
        assert peaks == set(frames.tolist())


@pytest.mark.parametrize("rate", [(24, 1), (25, 1), (12, 1)])
def test_blinks_survive_resampling_between_the_frames(noisy, rate):
    values = retarget(noisy, RIG, RetargetSettings(frame_rate=rate)).curves.shape_values["eyeBlinkLeft"]
    assert (values >= 0.95).sum() >= 2


def test_blinks_survive_strong_smoothing(noisy):
    strong = replace(AT_30, smoothing=4.0)
    values = retarget(noisy, RIG, strong).curves.shape_values["eyeBlinkLeft"]
    assert (values[[FRAMES // 3, 2 * FRAMES // 3]] >= 0.95).all()


def test_a_short_gap_is_crossed_and_a_long_one_held_and_both_are_told():
    valid = np.ones(FRAMES, bool)
    valid[60:64] = False
    valid[85:110] = False
    tracks = made_take(acting(FRAMES), nodding(FRAMES), valid=valid)
    result = retarget(tracks, RIG, AT_30)
    assert [note.code for note in result.notes if note.code.startswith("gap")] == ["gap-bridged", "gap-held"]
    assert result.notes[0].frames == (60, 61, 62, 63)
    assert "held" in result.notes[1].message
    assert result.report.lost_frames == 29
    jaw = result.curves.shape_values["mouthSmileLeft"]
    assert np.allclose(jaw[85:94], jaw[84], atol=1e-6)
    turns = result.curves.bone_rotations["head"]
    assert np.abs(np.diff(turns, axis=0)).max() < 0.05
    assert np.isfinite(np.stack(list(result.curves.shape_values.values()))).all()


def test_the_first_frame_does_not_jump_when_the_face_comes_late():
    valid = np.ones(FRAMES, bool)
    valid[:15] = False
    result = retarget(made_take(acting(FRAMES), nodding(FRAMES), valid=valid), RIG, AT_30)
    for values in result.curves.shape_values.values():
        assert (values[:15] == values[15]).all()
    head = result.curves.bone_rotations["head"]
    assert np.allclose(head[:15], head[15])


def test_the_neutral_frame_can_be_chosen_and_is_rest(noisy):
    result = retarget(noisy, RIG, replace(AT_30, neutral_frame=4))
    assert result.report.neutral_frame == 4
    assert "chosen" in result.report.neutral_reason
    assert result.arkit_weights[4].max() < 0.1
    assert np.allclose(result.head_rotation_relative[4], np.eye(3), atol=0.01)


@pytest.mark.parametrize("frame", [-1, FRAMES, 7])
def test_a_neutral_frame_that_cannot_be_is_refused(frame):
    valid = np.ones(FRAMES, bool)
    valid[7] = False
    tracks = made_take(acting(FRAMES), still(FRAMES), valid=valid)
    with pytest.raises(ValueError, match="neutral frame"):
        retarget(tracks, RIG, replace(AT_30, neutral_frame=frame))


def test_nothing_to_drive_and_no_face_are_refused(noisy):
    with pytest.raises(ValueError, match="nothing to drive"):
        retarget(noisy, Rig(), AT_30)
    with pytest.raises(ValueError, match="No frame"):
        retarget(made_take(acting(20), still(20), valid=np.zeros(20, bool)), RIG, AT_30)


def test_the_mirror_exchanges_sides_and_turns_the_head_the_other_way(noisy, result):
    mirrored = retarget(noisy, RIG, replace(AT_30, mirror=True))
    assert mirrored.curves.shape_values["mouthSmileLeft"] == pytest.approx(
        result.curves.shape_values["mouthSmileRight"]
    )
    assert mirrored.curves.shape_values["eyeBlinkLeft"] == pytest.approx(result.curves.shape_values["eyeBlinkRight"])
    flip = np.diag([-1.0, 1.0, 1.0])
    assert np.allclose(mirrored.head_rotation_relative, flip @ result.head_rotation_relative @ flip)


def test_gain_and_regions_change_only_what_they_name(noisy, result):
    changed = retarget(noisy, RIG, replace(AT_30, brows=RegionSettings(gain=0.5), head=RegionSettings(gain=2.0)))
    brow, smile = "browOuterUpLeft", "mouthSmileLeft"
    free = result.curves.shape_values[brow] < 1.0  # where nothing was cut off at the control's end
    assert free.any() and result.curves.shape_values[brow].max() > 0.2
    assert changed.curves.shape_values[brow][free] == pytest.approx(0.5 * result.curves.shape_values[brow][free])
    assert changed.curves.shape_values[smile] == pytest.approx(result.curves.shape_values[smile])
    angle = [
        np.linalg.norm(rotation.rotvec_from_matrix(r.head_rotation_relative), axis=1).max() for r in (changed, result)
    ]
    assert angle[0] == pytest.approx(2 * angle[1], rel=1e-3)


def test_a_jaw_bone_moves_only_where_no_shape_opens_the_jaw(noisy):
    jaw = BoneControl("jaw", "jaw", np.eye(3))
    assert "jaw" not in retarget(noisy, Rig(SHAPES, (jaw,)), AT_30).curves.bone_rotations
    turned = retarget(noisy, Rig((), (jaw,)), AT_30).curves.bone_rotations["jaw"]
    angle = np.linalg.norm(rotation.rotvec_from_quaternion(turned), axis=1)
    assert np.corrcoef(angle, acting(FRAMES)[:, ARKIT_INDEX["jawOpen"]])[0, 1] > 0.95


def test_eye_bones_follow_the_irises(result):
    truth = acting(FRAMES)
    up = result.gaze_rad[:, 1, 1]
    assert np.corrcoef(up, truth[:, ARKIT_INDEX["eyeLookUpLeft"]])[0, 1] > 0.9
    turned = rotation.rotvec_from_quaternion(result.curves.bone_rotations["eyeL"])
    assert np.corrcoef(turned[:, 0], -up)[0, 1] > 0.99  # looking up turns about -x


def test_gaze_can_go_to_bones_alone(noisy):
    curves = retarget(noisy, RIG, replace(AT_30, gaze_target="bones")).curves
    assert curves.shape_values["eyeLookUpLeft"].max() == 0.0
    assert "eyeL" in curves.bone_rotations
    curves = retarget(noisy, RIG, replace(AT_30, gaze_target="shapes")).curves
    assert "eyeL" not in curves.bone_rotations


def test_channels_without_a_control_are_told(noisy):
    notes = retarget(noisy, Rig((ShapeControl("open", (("jawOpen", 1.0),)),)), AT_30).notes
    text = next(note.message for note in notes if note.code == "not-driven")
    assert "mouthSmileLeft" in text
    assert "jawOpen" not in text


def test_head_location_is_written_on_request(noisy):
    curves = retarget(noisy, RIG, replace(AT_30, head_location=True)).curves
    assert curves.bone_locations["head"].shape == (FRAMES, 3)
    assert np.abs(curves.bone_locations["head"]).max() < 1e-6  # the made-up actor turns in place


def test_the_same_take_gives_the_same_curves(noisy, result):
    again = retarget(noisy, RIG, AT_30)
    assert all((again.curves.shape_values[name] == values).all() for name, values in result.curves.shape_values.items())


def test_a_take_of_one_frame_works():
    result = retarget(made_take(np.zeros((1, 52)), still(1)), RIG, AT_30)
    assert result.curves.frames.tolist() == [1]


@pytest.mark.parametrize("change", [{"gain": -1.0}, {"neck_share": 1.5}, {"frame_rate": (0, 1)}, {"bridge_s": -1.0}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        RetargetSettings(**change)


def test_a_track_of_the_wrong_shape_is_named(noisy):
    with pytest.raises(ValueError, match="irises_px"):
        replace(noisy, irises_px=noisy.irises_px[:-1])


def test_channels_are_edited_without_touching_the_others(noisy, result):
    channels = {
        "jawOpen": ChannelSettings(maximum=0.3),
        "eyeBlinkLeft": ChannelSettings(mute=True),
        "mouthSmileLeft": ChannelSettings(curve=((0.0, 0.0), (1.0, 0.5))),
    }
    edited = retarget(noisy, RIG, replace(AT_30, channels=channels)).curves.shape_values
    before = result.curves.shape_values
    assert edited["jawOpen"].max() == pytest.approx(0.3)
    assert edited["eyeBlinkLeft"].max() == 0.0
    np.testing.assert_allclose(edited["mouthSmileLeft"], before["mouthSmileLeft"] / 2, atol=1e-9)
    for name in ("eyeBlinkRight", "mouthSmileRight", "browInnerUp"):
        np.testing.assert_array_equal(edited[name], before[name])


def test_a_regions_response_bends_its_channels(noisy, result):
    half = RegionSettings(curve=((0.0, 0.0), (1.0, 0.5)))
    edited = retarget(noisy, RIG, replace(AT_30, brows=half)).curves.shape_values
    np.testing.assert_allclose(edited["browInnerUp"], result.curves.shape_values["browInnerUp"] / 2, atol=1e-9)
    np.testing.assert_array_equal(edited["jawOpen"], result.curves.shape_values["jawOpen"])


def test_the_channels_of_another_tools_take_are_not_solved_again():
    weights = np.random.default_rng(2).random((FRAMES, 52))
    tracks = replace(made_take(acting(FRAMES), nodding(FRAMES), arkit=weights), arkit_is_exact=True)
    raw = replace(AT_30, smoothing=0.0, contact=False)
    taken = retarget(tracks, RIG, raw)
    np.testing.assert_allclose(taken.arkit_weights, weights, atol=1e-12)
    assert taken.report.explained == 1.0
    rested = retarget(tracks, RIG, replace(raw, neutral_frame=5))
    np.testing.assert_allclose(rested.arkit_weights, np.clip(weights - weights[5], 0, 1), atol=1e-12)
