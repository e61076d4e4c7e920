# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances and takes: importing them, and one sentence for everything that is not one."""

import struct
import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from tiny_take import write_tiny_take

from blender_addon.blender import compat, panels
from blender_addon.blender.baking import retarget_settings
from blender_addon.blender.capturing import performance, takes
from blender_addon.blender.engine_jobs import jobs, status
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


def patched(video, path, change):
    """A copy of the video with other bytes in its header."""
    data = bytearray(video.read_bytes())
    change(data)
    path.write_bytes(data)
    return path


def test_a_phones_turn_is_known(video, scene, tmp_path):
    """A header that asks for a quarter turn: the video is higher than wide, whether this Blender turns it or not."""

    def turn(data):
        at = data.index(b"tkhd") + 4 + 40
        data[at : at + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)

    bpy.ops.understudy.import_performance(filepath=str(patched(video, tmp_path / "phone.mp4", turn)))
    own = scene.understudy.performance
    assert (own.width, own.height) == (48, 64)
    assert own.turn == (0 if compat.TURNS_VIDEOS else 1)


def test_a_rate_that_varies_is_told(video, scene, tmp_path):
    def vary(data):
        """Half of the pictures stand twice as long."""
        at = data.index(b"stts") + 8
        count, length = struct.unpack_from(">II", data, at + 4)
        assert struct.unpack_from(">I", data, at)[0] == 1, "the film is even"
        room = data.index(b"stts") - 4
        table = struct.pack(">I4sIIIIII", 32, b"stts", 0, 2, count // 2, length, count - count // 2, 2 * length)
        grown(data, room, table)

    bpy.ops.understudy.import_performance(filepath=str(patched(video, tmp_path / "varies.mp4", vary)))
    own = scene.understudy.performance
    assert own.is_variable
    assert 18 < own.average_fps < 23
    from test_registration import drawn, labels_in

    assert "varies" in labels_in(drawn(panels.performance.UNDERSTUDY_PT_performance))


def grown(data, at, box):
    """Nothing; the box at `at` is another one, and every box around it has room for it."""
    old = struct.unpack_from(">I", data, at)[0]
    data[at : at + old] = box
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        around = data.rindex(kind, 0, at) - 4
        struct.pack_into(">I", data, around, struct.unpack_from(">I", data, around)[0] + len(box) - old)


def test_whether_there_is_sound_is_known(video, scene):
    bpy.ops.understudy.import_performance(filepath=str(video))
    assert scene.understudy.performance.sound == ("YES" if b"mp4a" in video.read_bytes() else "NO")


def test_the_trim_stays_inside_and_in_order(video, scene):
    bpy.ops.understudy.import_performance(filepath=str(video))
    own = scene.understudy.performance
    assert (own.trim_in, own.trim_out, performance.trim_options(own)) == (1, 12, {})
    own.trim_out = 99
    assert own.trim_out == 12
    own.trim_in = 40
    assert (own.trim_in, own.trim_out) == (12, 12)
    own.trim_in_s = 3 * 1001 / 30000
    assert own.trim_in == 4
    own.trim_out_s = 8 * 1001 / 30000
    assert own.trim_out == 8
    assert own.trim_in_s == pytest.approx(0.1001)
    options = performance.trim_options(own)
    step = 1001 / 30000
    kept = [n + 1 for n in range(12) if options["start_s"] <= n * step <= options["end_s"]]
    assert kept == [4, 5, 6, 7, 8]
    own.trim_in = 10
    assert (own.trim_in, own.trim_out) == (10, 10)
    bpy.ops.understudy.reset_trim()
    assert not performance.is_trimmed(own)


def test_the_trim_is_set_at_the_playhead(video, scene):
    bpy.ops.understudy.import_performance(filepath=str(video))
    own = scene.understudy.performance
    bpy.ops.understudy.match_frame_rate()
    assert retarget_settings.scene_rate(scene) == (30000, 1001)
    scene.frame_set(9)
    bpy.ops.understudy.trim_at_playhead(side="OUT")
    scene.frame_set(3)
    bpy.ops.understudy.trim_at_playhead(side="IN")
    assert (own.trim_in, own.trim_out, scene.frame_current) == (3, 9, 1)


def test_the_capture_is_asked_for_the_part(fake_engine, video, scene, tmp_path, monkeypatch):
    bpy.ops.understudy.import_performance(filepath=str(video))
    scene.understudy.performance.trim_in = 4
    asked = []
    real = jobs.start_engine
    monkeypatch.setattr(jobs, "start_engine", lambda job, python: asked.append(job) or real(job, python))
    bpy.ops.understudy.capture(output=str(tmp_path / "t.capture.npz"))
    assert asked[0].options.keys() == {"start_s"}
    assert asked[0].options["start_s"] == pytest.approx(2.5 * 1001 / 30000)


def test_a_dropped_video_is_taken_at_once(video, scene):
    """Blender gives a dropped file to the importer by `filepath`, and calls it as a press would."""
    handler = bpy.types.UNDERSTUDY_FH_performance
    assert handler.bl_import_operator == "understudy.import_performance"
    assert ".mp4" in handler.bl_file_extensions.split(";")
    assert bpy.ops.understudy.import_performance("INVOKE_DEFAULT", filepath=str(video)) == {"FINISHED"}
    assert scene.understudy.performance.filepath == str(video)
    over = {kind: handler.poll_drop(SimpleNamespace(area=SimpleNamespace(type=kind))) for kind in ("VIEW_3D", "TEXT")}
    assert over == {"VIEW_3D": True, "TEXT": False}
    assert not handler.poll_drop(SimpleNamespace(area=None))


def test_a_dropped_take_is_taken_at_once(scene, take_path):
    assert bpy.types.UNDERSTUDY_FH_take.bl_import_operator == "understudy.import_take"
    assert bpy.ops.understudy.import_take("INVOKE_DEFAULT", filepath=str(take_path)) == {"FINISHED"}
    assert [take.name for take in scene.understudy.takes] == ["tiny"]


def test_another_video_starts_untrimmed(video, scene, tmp_path):
    bpy.ops.understudy.import_performance(filepath=str(video))
    scene.understudy.performance.trim_in = 5
    bpy.ops.understudy.import_performance(filepath=str(patched(video, tmp_path / "b.mp4", lambda _: None)))
    assert (scene.understudy.performance.trim_in, scene.understudy.performance.trim_out) == (1, 12)


def test_panels_and_rows_of_videos_and_takes_are_drawn_in_less_than_a_millisecond(video, scene, tmp_path):
    class Quick:
        """A layout that costs nothing, so that the add-on's own time is measured."""

        def __getattr__(self, name):
            return lambda *_, **__: self

        def __setattr__(self, name, value):
            pass

    bpy.ops.understudy.import_performance(filepath=str(video))
    bpy.ops.understudy.import_take(filepath=str(write_tiny_take(tmp_path / "t.capture.npz", video=video)))
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    for place in ("BACKGROUND", "PLANE", "STRIP"):
        bpy.ops.understudy.place_video(place=place)
    stand_in, rows = SimpleNamespace(layout=Quick()), panels.takes.UNDERSTUDY_UL_takes
    drawings = {
        "row": lambda: rows.draw_row(stand_in, bpy.context, Quick(), scene.understudy.takes[0], scene.understudy),
        **{
            panel.__name__: lambda panel=panel: panel.draw(stand_in, bpy.context)
            for panel in (*panels.performance.CLASSES, panels.takes.UNDERSTUDY_PT_capture)
        },
    }
    for name, drawing in drawings.items():
        drawing()  # the first time reads and makes the pictures
        started = time.process_time()
        for _ in range(50):
            drawing()
        assert (time.process_time() - started) / 50 < 0.001, name
