# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of takes, and takes that come from and go to other tools."""

import bpy
import numpy as np
import pytest
from test_bake import curves_of, keys_of
from tiny_take import true_weights

from blender_addon.blender.capturing import live_link_takes, take_files
from blender_addon.core import live_link
from blender_addon.core.live_link import LiveLinkTake
from blender_addon.core.timecode import Timecode
from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX


@pytest.fixture
def own(scene, take_path):
    bpy.ops.understudy.import_take(filepath=str(take_path))
    bpy.context.preferences.addons["blender_addon"].preferences.takes_folder = ""
    return scene.understudy


@pytest.fixture
def recording(tmp_path):
    """A recording of two seconds at 29.97 fps: a smile, a nod, two frames without a face."""
    count = 60
    arkit = np.zeros((count, 52))
    arkit[:, ARKIT_INDEX["mouthSmileLeft"]] = np.linspace(0, 0.9, count)
    arkit[:, ARKIT_INDEX["jawLeft"]] = 0.25
    angles = np.zeros((count, 3))
    angles[:, 1] = 0.3 * np.sin(np.linspace(0, 3, count))
    valid = np.ones(count, bool)
    valid[30:32] = False
    arkit[~valid], angles[~valid] = 0, 0
    take = LiveLinkTake(
        (30000, 1001),
        30,
        Timecode(9, 8, 7, 6.5),
        np.arange(count) * 1001 / 30000,
        valid,
        arkit,
        live_link.matrices_from_angles(angles),
        np.zeros((count, 2, 2)),
        np.zeros((count, 2)),
    )
    path = tmp_path / "MySlate_1 ä.csv"
    live_link_takes.write_recording(take, path)
    return path


def test_a_recording_becomes_a_take_that_says_where_it_is_from(scene, recording, tmp_path):
    target = tmp_path / "llf.capture.npz"
    bpy.ops.understudy.import_live_link(filepath=str(recording), output=str(target))
    take = scene.understudy.takes[0]
    assert (take.frames, take.lost, take.rate_num, take.rate_den, take.landmarks) == (60, 2, 30000, 1001, False)
    header = read_capture(target).header
    assert header["origin"] == {
        "kind": "live-link-face",
        "file": recording.name,
        "timecode": "09:08:07:06.500",
        "landmarks": False,
    }


def test_a_recording_is_baked_as_it_is(scene, character, recording, tmp_path):
    bpy.ops.understudy.import_live_link(filepath=str(recording), output=str(tmp_path / "llf.capture.npz"))
    bpy.ops.understudy.choose_character()
    scene.understudy.retarget.smoothing = 0.0
    from blender_addon.blender.baking.retarget_settings import set_scene_rate

    set_scene_rate(scene, (30000, 1001))
    bpy.ops.understudy.bake()
    curves = curves_of(character.mesh.data.shape_keys)
    smile = keys_of(curves[('key_blocks["mouthSmileLeft"].value', 0)])[1]
    seen = np.setdiff1d(np.arange(60), (30, 31))
    np.testing.assert_allclose(smile[seen], np.linspace(0, 0.9, 60)[seen], atol=1e-5)
    np.testing.assert_allclose(smile[30:32], np.linspace(0, 0.9, 60)[30:32], atol=1e-3)
    jaw = keys_of(curves[('key_blocks["jawLeft"].value', 0)])[1]
    np.testing.assert_allclose(jaw, 0.25, atol=1e-6)
    assert keys_of(curves[('key_blocks["jawRight"].value', 0)])[1].max() == 0.0


def test_a_recording_goes_out_as_it_came_in(scene, recording, tmp_path):
    bpy.ops.understudy.import_live_link(filepath=str(recording), output=str(tmp_path / "llf.capture.npz"))
    bpy.ops.understudy.export_live_link(filepath=str(tmp_path / "again.csv"), edited=False)
    assert (tmp_path / "again.csv").read_text("ascii") == recording.read_text("ascii")


def test_jaw_sides_and_landscape_are_choices(scene, recording, tmp_path):
    bpy.ops.understudy.import_live_link(
        filepath=str(recording), output=str(tmp_path / "s.npz"), swap_sides=True, flip_head=True
    )
    capture = read_capture(tmp_path / "s.npz")
    assert capture.tracks["arkit"][0, ARKIT_INDEX["jawRight"]] == pytest.approx(0.25)
    straight = live_link_takes.read_recording(recording).head_rotation
    np.testing.assert_allclose(capture.tracks["head_rotation"][20, 1, 2], -straight[20, 1, 2], atol=1e-6)


def test_a_captured_take_goes_out_as_it_is_performed(own, tmp_path):
    path = tmp_path / "tiny.csv"
    bpy.ops.understudy.export_live_link(filepath=str(path))
    written = live_link_takes.read_recording(path)
    assert written.frame_rate == (30000, 1001)
    jaw = written.arkit[:, ARKIT_INDEX["jawOpen"]]
    assert np.corrcoef(jaw, true_weights()[:, ARKIT_INDEX["jawOpen"]])[0, 1] > 0.95
    own.retarget.channels["jawOpen"].mute = True
    bpy.ops.understudy.export_live_link(filepath=str(path))
    assert live_link_takes.read_recording(path).arkit[:, ARKIT_INDEX["jawOpen"]].max() == 0.0
    assert len(ARKIT_CHANNELS) == written.arkit.shape[1]


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"", "empty"), (b"\xff\xfe\x00\x01", "is no text"), (b"a,b\n1,2\n", "no Live Link Face")]
)
def test_files_that_are_no_recording_leave_nothing_behind(scene, tmp_path, content, sentence):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.understudy.import_live_link(filepath=str(bad), output=str(tmp_path / "x.npz"))
    assert len(scene.understudy.takes) == 0
    assert not (tmp_path / "x.npz").exists()


def test_a_take_is_duplicated_renamed_and_deleted_with_undo(own, tmp_path):
    bpy.context.preferences.addons["blender_addon"].preferences.takes_folder = str(tmp_path)
    own.takes[0].name, own.takes[0].actor = "Monday", "Ada"
    bpy.ops.understudy.duplicate_take()
    copied = own.takes[1]
    assert (copied.name, copied.actor, copied.frames) == ("Monday 2", "Ada", own.takes[0].frames)
    assert copied.filepath != own.takes[0].filepath
    assert copied.sha256 == own.takes[0].sha256
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.understudy.remove_take("EXEC_DEFAULT", True)
    assert len(bpy.context.scene.understudy.takes) == 1
    bpy.ops.ed.undo()
    assert [take.name for take in bpy.context.scene.understudy.takes] == ["Monday", "Monday 2"]


def test_a_take_that_was_moved_is_found_again(own, tmp_path, take_path, recording):
    moved = tmp_path / "elsewhere.capture.npz"
    moved.write_bytes(take_path.read_bytes())
    own.takes[0].filepath, own.takes[0].absolute = str(tmp_path / "gone.npz"), ""
    own.takes[0].name = "Mine"
    assert not take_files.is_there(own.takes[0])
    bpy.ops.understudy.relink_take(filepath=str(moved))
    assert (take_files.is_there(own.takes[0]), own.takes[0].name) == (True, "Mine")
    other = tmp_path / "other.capture.npz"
    bpy.ops.understudy.import_live_link(filepath=str(recording), output=str(other))
    own.take_index = 0
    with pytest.raises(RuntimeError, match="another take than Mine"):
        bpy.ops.understudy.relink_take(filepath=str(other))
    bpy.ops.understudy.relink_take(filepath=str(other), force=True)
    assert own.takes[0].frames == 60


def test_a_take_is_exported_with_its_video_or_without(own, tmp_path, take_path):
    target = tmp_path / "out" / "take.capture.npz"
    bpy.ops.understudy.export_take(filepath=str(target))
    assert target.read_bytes() == take_path.read_bytes()
    with pytest.raises(RuntimeError, match=r"video .* is not there"):
        bpy.ops.understudy.export_take(filepath=str(tmp_path / "b.npz"), with_video=True)
    assert not (tmp_path / "b.npz").exists()
    own.takes[0].video = str(tmp_path / "clip.mp4")
    (tmp_path / "clip.mp4").write_bytes(b"film")
    bpy.ops.understudy.export_take(filepath=str(target), with_video=True)
    assert (target.parent / "clip.mp4").read_bytes() == b"film"
    with pytest.raises(RuntimeError, match="own file"):
        bpy.ops.understudy.export_take(filepath=str(take_path))


def jaw_peak(character):
    return keys_of(curves_of(character.mesh.data.shape_keys)[('key_blocks["jawOpen"].value', 0)])[1].max()


def test_an_actors_range_is_taken_used_and_goes_to_other_scenes(ready, character, tmp_path):
    """The tiny take opens the jaw to 0.8: for this actor that is all the way."""
    bpy.ops.understudy.bake()
    plain = jaw_peak(character)
    with pytest.raises(RuntimeError, match="has no actor"):
        bpy.ops.understudy.calibrate_actor()
    ready.takes[0].actor = "Ada"
    with pytest.raises(RuntimeError, match="no calibration"):
        bpy.ops.understudy.export_calibration(filepath=str(tmp_path / "ada.json"))
    bpy.ops.understudy.calibrate_actor()
    bpy.ops.understudy.bake()
    assert plain < 0.9 < jaw_peak(character)
    bpy.ops.understudy.export_calibration(filepath=str(tmp_path / "ada.json"))
    ready.retarget.use_calibration = False
    bpy.ops.understudy.bake()
    assert jaw_peak(character) == pytest.approx(plain)
    ready.retarget.use_calibration = True
    bpy.ops.understudy.remove_calibration()
    bpy.ops.understudy.bake()
    assert jaw_peak(character) == pytest.approx(plain)
    bpy.ops.understudy.import_calibration(filepath=str(tmp_path / "ada.json"))
    bpy.ops.understudy.bake()
    assert jaw_peak(character) > 0.9
    (tmp_path / "bad.json").write_text('{"format": "actor-calibration", "version": 7}')
    with pytest.raises(RuntimeError, match="version 7"):
        bpy.ops.understudy.import_calibration(filepath=str(tmp_path / "bad.json"))


def test_a_take_whose_file_is_gone_offers_to_find_it(own, tmp_path):
    from test_registration import drawn, operators_in

    from blender_addon.blender.panels.takes import UNDERSTUDY_PT_capture

    assert "understudy.relink_take" not in operators_in(drawn(UNDERSTUDY_PT_capture))
    own.takes[0].filepath, own.takes[0].absolute = str(tmp_path / "gone.npz"), ""
    assert "understudy.relink_take" in operators_in(drawn(UNDERSTUDY_PT_capture))
