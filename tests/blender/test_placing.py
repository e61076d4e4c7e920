# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance's video in the scene: behind the camera's view, on a plane, in the sequencer, always in step."""

import bpy
import numpy as np
import pytest
from tiny_take import write_tiny_take

from blender_addon.blender import compat
from blender_addon.blender.baking import retarget_settings
from blender_addon.blender.capturing import takes
from blender_addon.blender.capturing.placing import background, places, plane, step, strips

EVERYWHERE = ("BACKGROUND", "PLANE", "STRIP")


@pytest.fixture
def staged(scene, video):
    """A scene with a camera and the performance's video: 12 frames at 29.97."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    bpy.ops.understudy.import_performance(filepath=str(video))
    retarget_settings.set_scene_rate(scene, (30000, 1001))
    return scene


def place(where, **options):
    assert bpy.ops.understudy.place_video(place=where, **options) == {"FINISHED"}


def pictures_at(scene, frame):
    """Which picture background and plane show on a scene frame, as Blender counts."""
    scene.frame_set(frame)
    own = scene.understudy.performance
    users = [background.entry(scene)[1].image_user, plane.image_user(own.plane)]
    return [user.frame_offset for user in users]


def test_it_stands_where_it_is_put_and_goes_without_a_trace(staged):
    own, before = staged.understudy.performance, (len(bpy.data.images), len(bpy.data.meshes), len(bpy.data.materials))
    for where in EVERYWHERE:
        place(where)
        place(where)  # in place of the first
    assert places.placed(staged) == set(EVERYWHERE)
    assert len(staged.camera.data.background_images) == 1
    assert sum(thing.type == "MESH" for thing in staged.objects) == 1
    assert len(list(strips.of(staged, strips.VIDEO))) == 1
    for where in EVERYWHERE:
        assert bpy.ops.understudy.remove_video(place=where) == {"FINISHED"}
        assert where not in places.placed(staged)
    assert (len(bpy.data.images), len(bpy.data.meshes), len(bpy.data.materials)) == before
    assert len(staged.camera.data.background_images) == len(compat.own_strips(staged)) == 0
    assert (own.image, own.plane, own.camera, own.stand) == (None, None, None, "")
    with pytest.raises(RuntimeError, match="not there"):
        bpy.ops.understudy.remove_video(place="PLANE")


def test_other_backgrounds_and_strips_stay(staged):
    other = staged.camera.data.background_images.new()
    other.image = bpy.data.images.new("mine", 4, 4)
    mine = compat.sequencer_strips(staged).new_effect(name="mine", type="COLOR", channel=3, frame_start=1, **length(9))
    for where in ("BACKGROUND", "STRIP"):
        place(where)
        bpy.ops.understudy.remove_video(place=where)
    assert [shown.image.name for shown in staged.camera.data.background_images] == ["mine"]
    assert [strip.name for strip in compat.own_strips(staged)] == [mine.name]


def length(frames):
    return {"length": frames} if bpy.app.version >= (5, 0, 0) else {"frame_end": 1 + frames}


def test_at_the_videos_own_rate_every_picture_has_its_frame(staged):
    for where in EVERYWHERE:
        place(where)
    assert [pictures_at(staged, frame) for frame in range(1, 13)] == [[n, n] for n in range(12)]
    assert pictures_at(staged, -5) == [0, 0]
    assert pictures_at(staged, 99) == [11, 11]
    (strip,) = strips.of(staged, strips.VIDEO)
    assert (strip.frame_final_start, strip.frame_final_duration) == (1, 12)
    assert not list(strips.of(staged, strips.SPEED))


@pytest.mark.parametrize("rate", [(24, 1), (30, 1), (60, 1)])
def test_at_another_rate_the_video_keeps_its_own_time(staged, rate):
    retarget_settings.set_scene_rate(staged, rate)
    for where in EVERYWHERE:
        place(where)
    fps, video_fps = rate[0] / rate[1], 30000 / 1001
    for frame in (1, 4, 7, 9):
        nearest = round((frame - 1) / fps * video_fps)
        assert pictures_at(staged, frame) == [nearest, nearest]
    (strip,), (speed,) = strips.of(staged, strips.VIDEO), strips.of(staged, strips.SPEED)
    assert speed.speed_factor == pytest.approx(video_fps / fps)
    assert strip.frame_final_duration == round(12 / video_fps * fps)


def test_at_30_fps_an_hour_of_29_97_does_not_drift():
    an_hour = step.Shown(None, 30000 / 1001, 200_000, (64, 48), 0, 0.0, 3600.0, 1.0)
    assert an_hour.picture_at(1 + 108_000, 30.0) == round(3600 * 30000 / 1001)
    assert an_hour.picture_at(1 + 108_000, 30000 / 1001) == 108_000


def test_it_follows_start_offset_rate_and_trim(staged):
    own = staged.understudy
    for where in EVERYWHERE:
        place(where)
    own.retarget.start_frame = 101
    assert pictures_at(staged, 105) == [4, 4]
    (strip,) = strips.of(staged, strips.VIDEO)
    assert strip.frame_final_start == 101
    own.retarget.time_offset_s = 2 * 1001 / 30000
    assert pictures_at(staged, 105) == [2, 2]
    own.retarget.time_offset_s = 0.0
    own.performance.trim_in = 5
    assert pictures_at(staged, 101) == [4, 4]
    (strip,) = strips.of(staged, strips.VIDEO)
    assert (strip.frame_final_start, strip.frame_final_duration) == (101, 8)
    retarget_settings.set_scene_rate(staged, (15000, 1001))
    assert pictures_at(staged, 102) == [6, 6]


def test_it_is_in_step_with_the_take_whatever_the_trim_says_now(staged, video, tmp_path):
    path = write_tiny_take(tmp_path / "later.capture.npz", video=video, start_s=3 * 1001 / 30000)
    take = takes.add_take(staged, path)
    place("BACKGROUND")
    staged.understudy.performance.trim_in = 7
    place("PLANE")
    assert take.start_s == pytest.approx(0.1001)
    assert pictures_at(staged, 1) == [3, 3]
    tracks = takes.tracks_of(take)
    assert tracks.time_s[0] == 0.0  # the bake's first frame shows the take's first picture
    bpy.ops.understudy.remove_take()
    assert pictures_at(staged, 1) == [6, 6]


def test_another_video_takes_the_places_of_the_first(staged, video, tmp_path):
    for where in EVERYWHERE:
        place(where)
    other = tmp_path / "other.mp4"
    other.write_bytes(video.read_bytes())
    bpy.ops.understudy.import_performance(filepath=str(other))
    assert bpy.path.abspath(staged.understudy.performance.image.filepath) == str(other)
    (strip,) = strips.of(staged, strips.VIDEO)
    assert bpy.path.abspath(strip.filepath) == str(other)


def test_each_place_is_one_undo_step(staged):
    bpy.ops.ed.undo_push(message="before")
    for where in EVERYWHERE:
        bpy.ops.understudy.place_video("EXEC_DEFAULT", True, place=where)
    for left in (2, 1, 0):
        bpy.ops.ed.undo()
        assert len(places.placed(bpy.context.scene)) == left
    bpy.ops.ed.redo()
    assert places.placed(bpy.context.scene) == {"BACKGROUND"}


def test_it_survives_save_and_reload(staged, tmp_path):
    for where in EVERYWHERE:
        place(where)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene = bpy.context.scene
    assert places.placed(scene) == set(EVERYWHERE)
    scene.understudy.retarget.start_frame = 3
    assert pictures_at(scene, 5) == [2, 2]


def test_the_plane_has_the_videos_shape_and_shines_by_itself(staged):
    place("PLANE", side="BEHIND")
    thing = staged.understudy.performance.plane
    bpy.context.view_layer.update()
    assert thing.dimensions.x / thing.dimensions.y == pytest.approx(64 / 48)
    nodes = thing.active_material.node_tree.nodes
    assert {node.bl_idname for node in nodes} >= {"ShaderNodeEmission", "ShaderNodeTexImage"}
    assert thing.location.y > 0  # behind, as seen from the front
    bpy.ops.understudy.place_video(place="PLANE", side="FRONT")
    assert staged.understudy.performance.plane.location.y < 0


@pytest.mark.parametrize(("turn", "corner"), [(0, (0, 0)), (1, (1, 0)), (2, (1, 1)), (3, (0, 1))])
def test_a_video_that_lies_is_stood_up_on_the_plane(staged, turn, corner):
    """The lower left corner of the upright picture is where the file keeps it."""
    own = staged.understudy.performance
    own.turn = turn
    if turn % 2:
        own.width, own.height = 48, 64
    place("PLANE")
    mesh = own.plane.data
    assert tuple(mesh.uv_layers[0].data[0].uv) == corner
    xs = [vertex.co.x for vertex in mesh.vertices]
    assert max(xs) - min(xs) == pytest.approx(48 / 64 if turn % 2 else 64 / 48)


def test_the_background_is_as_one_chooses(staged):
    place("BACKGROUND", depth="FRONT", opacity=0.5)
    shown = background.entry(staged)[1]
    assert (shown.display_depth, shown.alpha, shown.frame_method) == ("FRONT", 0.5, "FIT")
    assert staged.camera.data.show_background_images


def test_without_a_camera_or_a_video_it_says_what_to_do(scene, video, fault_record):
    with pytest.raises(RuntimeError, match="Choose a performance video first"):
        bpy.ops.understudy.place_video(place="PLANE")
    bpy.ops.understudy.import_performance(filepath=str(video))
    with pytest.raises(RuntimeError, match="has no camera"):
        bpy.ops.understudy.place_video(place="BACKGROUND")
    scene.understudy.performance.filepath += ".gone"
    with pytest.raises(RuntimeError, match="There is no file") as refused:
        bpy.ops.understudy.place_video(place="PLANE")
    assert places.placed(scene) == frozenset()
    fault_record(
        fault="The performance's video was deleted",
        done="put it into the scene",
        user_saw=str(refused.value).strip().removeprefix("Error: ").splitlines()[0],
        survived="the scene, unchanged",
        group="video",
    )


def test_renders_go_on_showing_the_scene(staged):
    staged.render.use_sequencer = True
    place("STRIP")
    assert not staged.render.use_sequencer


def test_a_plane_that_the_user_deleted_is_not_there(staged):
    place("PLANE")
    bpy.data.objects.remove(staged.understudy.performance.plane)
    assert places.placed(staged) == frozenset()
    place("PLANE")
    assert places.placed(staged) == {"PLANE"}


def test_the_driver_needs_neither_python_nor_the_addon(staged):
    place("BACKGROUND")
    (curve,) = staged.camera.data.animation_data.drivers
    assert curve.driver.is_simple_expression
    assert curve.driver.is_valid
    assert {target.data_path for variable in curve.driver.variables for target in variable.targets} == {
        "render.fps",
        "render.fps_base",
    }


def test_watching_costs_next_to_nothing(staged):
    import time

    place("BACKGROUND")
    started = time.process_time()
    for _ in range(1000):
        places.watch(staged)
    assert (time.process_time() - started) / 1000 < 0.0003


def test_a_bake_and_the_video_start_together(staged, character, video, tmp_path):
    takes.add_take(staged, write_tiny_take(tmp_path / "t.capture.npz", video=video, start_s=0.2002))
    bpy.ops.understudy.choose_character()
    staged.understudy.retarget.start_frame = 11
    place("BACKGROUND")
    bpy.ops.understudy.bake()
    assert staged.understudy.baked_first == 11
    place("PLANE")
    assert pictures_at(staged, 11) == [6, 6]
    np.testing.assert_array_equal(pictures_at(staged, 13), [8, 8])
