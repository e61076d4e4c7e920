# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot: what is set up, and stills and films that are whole or not there."""

import errno
import shutil

import bpy
import numpy as np
import pytest
from mathutils import Vector

from blender_addon.blender.capturing import performance
from blender_addon.blender.characters import character as character_module
from blender_addon.blender.engine_jobs import jobs, status
from blender_addon.blender.shot import rendering


@pytest.fixture
def shot(ready, tmp_path):
    """A baked scene with a small, quick picture; Cycles, because Workbench needs EGL."""
    bpy.ops.understudy.bake()
    own = ready.render
    own.engine, own.width, own.height, own.samples, own.output = "CYCLES", 32, 24, 1, str(tmp_path / "out")
    return own


def few_frames(scene):
    scene.frame_start, scene.frame_end = 3, 5
    scene.cycles.use_denoising = False


def seen_over_the_take(scene):
    """(low, high) of the head's box in the picture, 0..1, over every frame of the bake; from the evaluated pose."""
    from bpy_extras.object_utils import world_to_camera_view

    rig = bpy.data.objects["Ada Rig"]
    rest = rig.matrix_world @ rig.data.bones["head"].matrix_local
    centre, height = character_module.face_box(scene)
    spots = []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        moved = rig.matrix_world @ rig.pose.bones["head"].matrix @ rest.inverted()
        for x, z in ((-0.35, 0.45), (0.35, 0.45), (0.0, -0.45), (0.0, 0.45)):
            spots.append(world_to_camera_view(scene, scene.camera, moved @ (centre + Vector((x, 0, z)) * height)))
    return np.min(spots, axis=0), np.max(spots, axis=0)


def test_set_up_frames_the_head_over_the_whole_take(scene, shot):
    bpy.ops.understudy.render_setup()
    own = scene.understudy
    assert (scene.frame_start, scene.frame_end) == (own.baked_first, own.baked_last)
    assert (scene.render.engine, scene.cycles.samples) == ("CYCLES", 1)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (32, 24)
    low, high = seen_over_the_take(scene)
    assert low[:2].min() > 0.0
    assert high[:2].max() < 1.0
    assert high[1] - low[1] > 0.6  # and it is not far away


@pytest.mark.parametrize("turn_deg", [0, 90, 200])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_any_size_and_any_direction(scene, shot, character, turn_deg, scale):
    character.armature.rotation_euler.z = np.radians(turn_deg)
    character.armature.scale = (scale,) * 3
    bpy.context.view_layer.update()
    bpy.ops.understudy.render_setup()
    low, high = seen_over_the_take(scene)
    assert low[:2].min() > 0.0
    assert high[:2].max() < 1.0
    assert low[2] > 0.0
    face = character.armature.matrix_world.to_quaternion() @ Vector((0, -1, 0))
    towards = scene.camera.matrix_world.translation - character_module.face_box(scene)[0]
    assert towards.normalized().dot(face) > 0.98


def test_a_portrait_format_holds_the_head_too(scene, shot):
    shot.width, shot.height = 24, 48
    bpy.ops.understudy.render_setup()
    low, high = seen_over_the_take(scene)
    assert low[:2].min() > 0.0
    assert high[:2].max() < 1.0


def test_all_lies_in_one_collection_and_a_second_press_brings_it_up_to_date(scene, shot, character):
    bpy.ops.understudy.render_setup()
    names = {"Understudy Camera", "Understudy Key", "Understudy Fill", "Understudy Rim"}
    assert {thing.name for thing in bpy.data.collections["Understudy Shot"].objects} == names
    count, before = len(bpy.data.objects), scene.camera.matrix_world.copy()
    energy = bpy.data.objects["Understudy Key"].data.energy
    character.armature.location.x, character.armature.scale = 3.0, (2, 2, 2)
    bpy.context.view_layer.update()
    bpy.ops.understudy.render_setup()
    assert len(bpy.data.objects) == count
    assert len(bpy.data.lights) + len(bpy.data.cameras) == 4
    assert scene.camera.matrix_world.translation.x == pytest.approx(before.translation.x + 3.0, abs=0.1)
    assert bpy.data.objects["Understudy Key"].data.energy == pytest.approx(4 * energy, rel=0.01)


def test_what_the_user_changes_of_it_stays(scene, shot):
    bpy.ops.understudy.render_setup()
    bpy.data.objects["Understudy Key"].data.energy = 7.0
    scene.camera.location.z += 1.0
    moved = scene.camera.location.copy()
    bpy.data.objects.remove(bpy.data.objects["Understudy Rim"])
    bpy.ops.understudy.render_setup()
    assert bpy.data.objects["Understudy Key"].data.energy == 7.0
    assert scene.camera.location == moved
    assert "Understudy Rim" in scene.objects
    assert "Kept as you set them: Understudy Camera, Understudy Key" in status.of(bpy.context).said


@pytest.fixture
def users_own(scene):
    """A scene with a camera, a light and an output of the user's."""
    for data in (bpy.data.cameras.new("Mine"), bpy.data.lights.new("Sun", "SUN")):
        scene.collection.objects.link(bpy.data.objects.new(data.name, data))
    scene.camera = bpy.data.objects["Mine"]
    scene.render.filepath, scene.render.resolution_x, scene.frame_end = "/somewhere/", 1000, 77
    return {"camera": scene.camera, "path": "/somewhere/", "size": (1000, 1080), "range": (1, 77)}


def stands(scene):
    render = scene.render
    size = render.resolution_x, render.resolution_y
    span = scene.frame_start, scene.frame_end
    return {"camera": scene.camera, "path": render.filepath, "size": size, "range": span}


def test_what_is_the_users_own_is_kept_and_said(scene, shot, users_own):
    bpy.ops.understudy.render_setup()
    assert stands(scene) == users_own
    assert "Understudy Shot" not in bpy.data.collections
    said = status.of(bpy.context).said
    assert all(word in said for word in ("size", "output", "frame range"))
    assert scene.render.engine == "CYCLES"  # Blender's own default had not been touched


def test_what_is_asked_for_is_put_aside_and_given_back(scene, shot, users_own):
    shot.use_camera = shot.use_light = shot.use_output = "OWN"
    engine = scene.render.engine
    bpy.ops.understudy.render_setup()
    assert scene.camera.name == "Understudy Camera"
    assert scene.render.resolution_x == 32
    bpy.ops.understudy.remove_shot()
    assert stands(scene) == users_own
    assert (scene.render.engine, scene.render.image_settings.file_format) == (engine, "PNG")
    assert not [thing for thing in bpy.data.objects if thing.name.startswith("Understudy")]
    assert not bpy.ops.understudy.remove_shot.poll()


def test_a_film_is_given_back_too(scene, shot):
    shot.format = "MP4"
    bpy.ops.understudy.render_setup()
    assert scene.render.image_settings.file_format == "FFMPEG"
    bpy.ops.understudy.remove_shot()
    assert scene.render.image_settings.file_format == "PNG"


def test_a_camera_of_the_version_before_is_taken_up(scene, shot):
    old = bpy.data.objects.new("Understudy Camera", bpy.data.cameras.new("Understudy Camera"))
    scene.collection.objects.link(old)
    scene.camera = old
    bpy.ops.understudy.render_setup()
    assert scene.camera == old
    assert old.name in bpy.data.collections["Understudy Shot"].objects
    assert old.name not in scene.collection.objects


def test_setting_up_is_undone_in_one_step(scene, shot):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.understudy.render_setup("EXEC_DEFAULT", True)
    bpy.ops.ed.undo()
    assert bpy.context.scene.camera is None
    assert "Understudy Shot" not in bpy.data.collections
    assert bpy.context.scene.render.resolution_x == 1920


def test_one_press_sets_up_and_renders(scene, shot, tmp_path):
    scene.frame_set(9)
    shot.format = "MP4"
    scene.cycles.use_denoising = False
    assert bpy.ops.understudy.render(still=True) == {"FINISHED"}
    assert scene.camera.name == "Understudy Camera"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["still_0009.png"]
    assert scene.render.image_settings.file_format == "FFMPEG"
    assert scene.render.filepath.endswith("render.mp4")


def test_a_full_disk_is_one_sentence_before_anything_is_rendered(scene, shot, monkeypatch, tmp_path):
    bpy.ops.understudy.render_setup()
    few_frames(scene)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(rendering.shutil, "disk_usage", lambda _: usage._replace(free=3 * 2**20))
    with pytest.raises(RuntimeError, match="Only 3 MB are free"):
        bpy.ops.understudy.render()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("number", "sentence"), [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "you may not")])
def test_a_disk_that_refuses_in_the_middle_is_one_sentence(scene, shot, monkeypatch, tmp_path, number, sentence):
    bpy.ops.understudy.render_setup()
    few_frames(scene)

    def refuse(self, target):
        raise OSError(number, "no")

    monkeypatch.setattr(rendering.Path, "replace", refuse)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.understudy.render()
    assert [path.name for path in (tmp_path / "out").iterdir()] == []


def test_stills(scene, shot, tmp_path):
    heard = []
    jobs.DESK.listener = lambda title, session: heard.append((title, session.current, session.total))
    bpy.ops.understudy.render_setup()
    few_frames(scene)
    try:
        assert bpy.ops.understudy.render() == {"FINISHED"}
    finally:
        jobs.DESK.listener = None
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["frame_0003.png", "frame_0004.png", "frame_0005.png"]
    assert heard == [("Render", number, 3) for number in (1, 2, 3)]
    assert scene.render.filepath.endswith("frame_####")


def test_a_film(scene, shot, tmp_path):
    shot.format = "MP4"
    bpy.ops.understudy.render_setup()
    few_frames(scene)
    bpy.ops.understudy.render()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["render.mp4"]
    assert performance.read_video_facts(tmp_path / "out" / "render.mp4").frames == 3


def test_stopping_keeps_whole_frames_and_nothing_else(scene, shot, tmp_path):
    bpy.ops.understudy.render_setup()
    few_frames(scene)
    jobs.DESK.stop_asked = (tmp_path / "out" / "frame_0003.png").exists
    try:
        assert bpy.ops.understudy.render() == {"CANCELLED"}
    finally:
        jobs.DESK.stop_asked = lambda: False
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["frame_0003.png"]


@pytest.mark.parametrize(("output", "sentence"), [("", "no folder to render to"), ("//render/", "Save the .blend")])
def test_an_output_that_leads_nowhere_is_refused(scene, shot, output, sentence):
    shot.output = output
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.understudy.render_setup()


def test_a_folder_that_cannot_be_made_is_one_sentence(scene, shot, tmp_path):
    (tmp_path / "file").write_text("in the way")
    shot.output = str(tmp_path / "file" / "frames")
    bpy.ops.understudy.render_setup()
    with pytest.raises(RuntimeError, match="cannot be made"):
        bpy.ops.understudy.render()


def test_a_film_of_odd_size_is_refused(scene, shot):
    shot.format, shot.width = "MP4", 33
    with pytest.raises(RuntimeError, match="even width and height"):
        bpy.ops.understudy.render_setup()
