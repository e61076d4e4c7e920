# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot: what is set up, and stills and films that are whole or not there."""

import bpy
import pytest
from mathutils import Vector

from blender_addon.blender import character as character_module
from blender_addon.blender import jobs, performance


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


def test_set_up_frames_the_face_and_takes_the_bakes_range(scene, shot):
    bpy.ops.understudy.render_setup()
    own = scene.understudy
    assert (scene.frame_start, scene.frame_end) == (own.baked_first, own.baked_last)
    assert (scene.render.engine, scene.cycles.samples) == ("CYCLES", 1)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (32, 24)
    centre, height = character_module.face_box(scene)
    assert (centre - Vector((0, -0.1, 1.23))).length < 0.05
    from bpy_extras.object_utils import world_to_camera_view

    bpy.context.view_layer.update()
    for offset, inside in ((0.0, True), (0.45, True), (-0.45, True), (1.2, False)):
        seen = world_to_camera_view(scene, scene.camera, centre + Vector((0, 0, offset * height)))
        assert (0 < seen.y < 1) is inside, offset


def test_set_up_twice_adds_nothing_twice_and_keeps_what_is_there(scene, shot):
    bpy.ops.understudy.render_setup()
    count, camera = len(scene.objects), scene.camera
    bpy.ops.understudy.render_setup()
    assert (len(scene.objects), scene.camera) == (count, camera)


def test_rendering_waits_for_a_camera(scene, shot):
    with pytest.raises(RuntimeError, match="the scene has no camera"):
        bpy.ops.understudy.render()


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
