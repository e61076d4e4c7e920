# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances and takes: importing them, and one sentence for everything that is not one."""

import bpy
import numpy as np
import pytest
from tiny_take import write_tiny_take

from blender_addon.blender import retarget_settings, status, takes
from fomm_engine.wire.capture import read_capture


def test_a_video_is_known_by_size_rate_and_length(video, scene):
    assert bpy.ops.understudy.import_performance(filepath=str(video)) == {"FINISHED"}
    own = scene.understudy.performance
    assert (own.width, own.height, own.frames) == (64, 48, 12)
    assert (own.rate_num, own.rate_den) == (30000, 1001)
    assert own.filepath == str(video)
    assert "64 x 48, 29.97 fps, 0.4 s" in status.of(bpy.context).said
    assert len(bpy.data.movieclips) == 0


@pytest.mark.parametrize(
    ("content", "sentence", "code"),
    [
        (None, "There is no file", "video-missing"),
        (b"", "is empty", "video-empty"),
        (b"this is a letter, not a film", "is not a video that can be read", "video-unreadable"),
    ],
)
def test_what_is_no_video_is_one_sentence(scene, tmp_path, content, sentence, code):
    path = tmp_path / "x.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.understudy.import_performance(filepath=str(path))
    assert status.of(bpy.context).error_code == code
    assert scene.understudy.performance.filepath == ""
    assert len(bpy.data.movieclips) == 0


def test_a_picture_is_no_video(scene, tmp_path):
    path = tmp_path / "still.png"
    image = bpy.data.images.new("still", 8, 8)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    with pytest.raises(RuntimeError, match="not a video"):
        bpy.ops.understudy.import_performance(filepath=str(path))


def test_capture_waits_for_a_video(scene):
    with pytest.raises(RuntimeError, match="Choose a performance video first"):
        bpy.ops.understudy.capture()


def test_a_video_that_went_away_is_said_so(scene, engine, video):
    bpy.ops.understudy.import_performance(filepath=str(video))
    scene.understudy.performance.filepath += ".gone"
    with pytest.raises(RuntimeError, match="There is no file"):
        bpy.ops.understudy.capture()


def test_a_take_is_listed_with_its_facts(scene, take_path):
    bpy.ops.understudy.import_take(filepath=str(take_path))
    take = scene.understudy.takes[0]
    assert (take.name, take.frames, take.lost, take.rate_num, take.rate_den) == ("tiny", 45, 2, 30000, 1001)
    assert take.duration_s == pytest.approx(1.5015, abs=1e-4)
    assert len(take.sha256) == 64


def test_the_same_take_is_listed_once(scene, take_path, tmp_path):
    other = write_tiny_take(tmp_path / "other.capture.npz", rate=(24, 1))
    for path in (take_path, other, take_path):
        bpy.ops.understudy.import_take(filepath=str(path))
    own = scene.understudy
    assert [take.name for take in own.takes] == ["tiny", "other"]
    assert own.take_index == 0
    bpy.ops.understudy.remove_take()
    assert [take.name for take in own.takes] == ["other"]
    assert take_path.exists()


@pytest.mark.parametrize(("content", "sentence"), [(None, "no take at"), (b"PK nonsense", "is not a take")])
def test_what_is_no_take_is_one_sentence(scene, tmp_path, content, sentence):
    path = tmp_path / "x.capture.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.understudy.import_take(filepath=str(path))
    assert len(scene.understudy.takes) == 0


def test_tracks_are_the_captures_arrays(scene, take_path):
    capture = read_capture(take_path)
    tracks = takes.tracks_from_capture(capture)
    np.testing.assert_allclose(tracks.landmarks_px, capture.tracks["landmarks_px"])
    assert (tracks.camera.focal_px, tracks.crop.size_px, tracks.suggested_neutral_frame) == (900.0, 512.0, 3)


@pytest.mark.parametrize("rate", [(24, 1), (25, 1), (60, 1), (120, 1), (30000, 1001), (24000, 1001), (60000, 1001)])
def test_rates_stay_exact_through_blenders_floats(scene, rate):
    retarget_settings.set_scene_rate(scene, rate)
    assert retarget_settings.scene_rate(scene) == rate
