# SPDX-License-Identifier: GPL-3.0-or-later
"""The landmarks over the video: the right picture's points, in the right place, and nothing where there is nothing."""

import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from tiny_take import FRAMES, SIZE_PX, write_tiny_take

from blender_addon.blender.baking import retarget_settings
from blender_addon.blender.capturing import takes
from blender_addon.blender.capturing.placing import background, places, plane
from blender_addon.blender.capturing.video_overlay import drawing, points, views
from fomm_engine.wire.capture import read_capture

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])  # of the upright picture, from its top left


@pytest.fixture(autouse=True)
def fresh_reader():
    drawing.HANDLERS.reader.forget()
    yield
    drawing.HANDLERS.reader.forget()


@pytest.fixture
def shown(scene, video, tmp_path):
    """A scene that shows its video behind the camera and on a plane, with a take of it."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = 200, 100
    bpy.ops.understudy.import_performance(filepath=str(video))
    takes.add_take(scene, write_tiny_take(tmp_path / "t.capture.npz", video=video))
    retarget_settings.set_scene_rate(scene, (30000, 1001))
    for where in ("BACKGROUND", "PLANE"):
        bpy.ops.understudy.place_video(place=where)
    scene.understudy.performance.show_landmarks = True
    return scene


def read(scene):
    drawing.points_now(scene)
    drawing.HANDLERS.reader.wait()
    return drawing.points_now(scene)


def view_of(scene, matrix, camera=None, width=400, height=300):
    """What drawing asks of a 3D view."""
    view = SimpleNamespace(perspective_matrix=matrix, view_perspective="CAMERA" if camera else "PERSP")
    return SimpleNamespace(
        scene=scene,
        region=SimpleNamespace(width=width, height=height),
        view_layer=bpy.context.view_layer,
        space_data=SimpleNamespace(type="VIEW_3D", region_3d=view, camera=camera or scene.camera),
    )


def test_the_points_are_the_takes(shown):
    found, capture = read(shown), read_capture(takes.take_files.path_of(shown.understudy.takes[0]))
    spots, sure = found.at(7 * 1001 / 30000, 1001 / 30000)
    np.testing.assert_allclose(spots[:68] * SIZE_PX, capture.tracks["landmarks_px"][7], atol=0.01)
    np.testing.assert_allclose(spots[68:] * SIZE_PX, capture.tracks["irises_px"][7], atol=0.01)
    assert sure.shape == (70,)
    assert sure.min() > 0.8
    assert found.at(20 * 1001 / 30000, 1001 / 30000) is None  # no face was seen there
    assert found.at(FRAMES * 1001 / 30000 + 1, 1001 / 30000) is None  # after the take
    assert found.at(-1.0, 1001 / 30000) is None


def test_nothing_is_drawn_without_the_wish_the_take_or_its_video(shown):
    assert read(shown) is not None
    own = shown.understudy
    own.performance.show_landmarks = False
    assert drawing.points_now(shown) is None
    own.performance.show_landmarks = True
    video, own.takes[0].video, own.takes[0].video_absolute = own.takes[0].video, "", ""
    assert read(shown) is None
    own.takes[0].video = video
    assert read(shown) is not None
    path = takes.take_files.path_of(own.takes[0])
    path.rename(path.with_name("moved away.npz"))
    takes.take_files.LOOKUPS.forget()
    assert read(shown) is None
    path.with_name("moved away.npz").rename(path)
    takes.take_files.LOOKUPS.forget()
    assert read(shown) is not None
    bpy.ops.understudy.remove_take()
    assert read(shown) is None


def test_a_file_that_is_no_take_draws_nothing(shown):
    path = takes.take_files.path_of(shown.understudy.takes[0])
    path.write_bytes(b"PK nonsense")
    takes.take_files.LOOKUPS.forget()
    assert read(shown) is None


def test_the_background_shows_the_picture_of_the_frame_where_the_camera_sees_it(shown):
    """An orthographic view straight down the camera: its frame is as wide as the region, and half as high."""
    shown.frame_set(5)
    shown.camera.data.type, shown.camera.data.ortho_scale = "ORTHO", 2.0
    bpy.context.view_layer.update()
    context = view_of(shown, np.diag([1.0, 4 / 3, 1.0, 1.0]), shown.camera)
    over = next(iter(views.views_in(context)))
    assert over.picture == 4
    # 400 x 200 pixels of frame in the middle of 400 x 300; a picture of 4:3 fits by its height: 266.7 x 200.
    left, right = 200 - 400 / 3, 200 + 400 / 3
    np.testing.assert_allclose(over.place(CORNERS), [[left, 250], [right, 250], [right, 50], [left, 50]], atol=1e-3)


def test_the_backgrounds_own_settings_are_followed(shown):
    entry = background.entry(shown)[1]
    frame = np.array([0.0, 50.0]), np.array([400.0, 250.0])
    stored = views.stored(CORNERS, 0)
    entry.frame_method = "STRETCH"
    np.testing.assert_allclose(views.in_frame(stored, entry, (64, 48), frame)[0], [0, 250])
    entry.frame_method = "CROP"
    np.testing.assert_allclose(views.in_frame(stored, entry, (64, 48), frame)[0], [0, 300])
    entry.frame_method, entry.scale = "FIT", 0.5
    np.testing.assert_allclose(views.in_frame(stored, entry, (64, 48), frame)[0], [200 - 200 / 3, 200])
    entry.use_flip_x = True
    np.testing.assert_allclose(views.in_frame(stored, entry, (64, 48), frame)[0], [200 + 200 / 3, 200])
    shown.camera.data.show_background_images = False
    shown.frame_set(5)
    kinds = list(views.views_in(view_of(shown, np.eye(4), shown.camera)))
    assert len(kinds) == 1  # the plane only


@pytest.mark.parametrize(("turn", "top_left"), [(0, [0.0, 1.0]), (1, [0.0, 0.0]), (2, [1.0, 0.0]), (3, [1.0, 1.0])])
def test_a_video_that_lies_has_its_points_where_it_is_stored(turn, top_left):
    """Turned clockwise by so many quarters, this corner of the stored picture (from its bottom left) comes to the top
    left."""
    np.testing.assert_allclose(views.stored(CORNERS, turn)[0], top_left)


def test_the_plane_has_the_points_on_its_corners(shown):
    thing = plane.of(shown)
    bpy.context.view_layer.update()
    matrix = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])  # from the front, without perspective
    (seen,) = views.views_in(view_of(shown, matrix))
    corners = np.array([(thing.matrix_world @ thing.data.vertices[n].co)[:] for n in (3, 2, 1, 0)])
    expected = (corners[:, [0, 2]] + 1) / 2 * (400, 300)
    np.testing.assert_allclose(seen.place(CORNERS), expected, atol=1e-3)
    shown.frame_set(9)
    assert next(iter(views.views_in(view_of(shown, matrix)))).picture == 8


def test_what_is_behind_the_viewer_is_left_out(shown):
    matrix = np.diag([1.0, 1.0, 1.0, -1.0])
    (seen,) = views.views_in(view_of(shown, matrix))
    spots = seen.place(np.tile([[0.5, 0.5]], (70, 1)))
    assert np.isnan(spots).all()
    positions, colours = drawing.triangles(spots, np.ones(70), 1.0)
    assert len(positions) == len(colours) == 0


def test_image_and_clip_editor_show_the_points_of_their_own_picture(shown, video):
    own = shown.understudy.performance
    user = SimpleNamespace(frame_start=1, frame_duration=12, frame_offset=3)
    view = SimpleNamespace(view_to_region=lambda x, y, **_: (100 + 200 * x, 50 + 100 * y))
    region, shown.frame_current = SimpleNamespace(view2d=view), 2
    space = SimpleNamespace(type="IMAGE_EDITOR", image=own.image, image_user=user)
    (seen,) = views.views_in(SimpleNamespace(scene=shown, region=region, space_data=space))
    assert seen.picture == 4
    np.testing.assert_allclose(seen.place(CORNERS), [[100, 150], [300, 150], [300, 50], [100, 50]])
    clip = bpy.data.movieclips.load(str(video))
    clip.frame_start, clip.frame_offset = 2, 1
    space = SimpleNamespace(type="CLIP_EDITOR", clip=clip)
    (seen,) = views.views_in(SimpleNamespace(scene=shown, region=region, space_data=space))
    assert seen.picture == 1
    space.clip = None
    assert not list(views.views_in(SimpleNamespace(scene=shown, region=region, space_data=space)))
    other = SimpleNamespace(type="IMAGE_EDITOR", image=bpy.data.images.new("other", 4, 4), image_user=user)
    assert not list(views.views_in(SimpleNamespace(scene=shown, region=region, space_data=other)))


def test_colours_tell_how_sure_a_point_is(shown):
    spots = np.random.default_rng(1).uniform(0, 100, (70, 2))
    sure = np.ones(70)
    sure[3] = 0.0
    positions, colours = drawing.triangles(spots, sure, 1.0)
    assert positions.shape == (len(colours), 3)
    discs = colours[-70 * 24 :].reshape(70, 24, 4)[:, 0]
    assert discs[3, 0] > 0.7 > 0.4 > discs[3, 1]
    assert (discs[np.arange(70) != 3, 1] > discs[np.arange(70) != 3, 0]).all()
    middles = positions[-70 * 24 :].reshape(70, 24, 3)[:, 0, :2]
    np.testing.assert_allclose(middles, spots)


def test_drawing_takes_less_than_a_millisecond(shown):
    """All but the card's own work: the picture, the places, the triangles."""
    found = read(shown)
    context = view_of(shown, np.diag([1.0, 4 / 3, 1.0, 1.0]), shown.camera)
    started = time.process_time()
    for _ in range(50):
        assert drawing.points_now(shown) is found
        for seen in views.views_in(context):
            spots, sure = found.at(seen.picture * 1001 / 30000, 1001 / 30000)
            drawing.triangles(seen.place(spots.astype(float)), sure.astype(float), 1.0)
    assert (time.process_time() - started) / 50 < 0.002


def test_the_handlers_come_and_go(addon):
    drawing.HANDLERS.add()
    drawing.HANDLERS.add()
    assert drawing.HANDLERS.count == 3
    drawing.stop()
    assert drawing.HANDLERS.count == 0


def test_a_recording_without_pictures_has_no_points(take_path):
    capture = read_capture(take_path)
    capture.header["source"] = {}
    assert points.points_of(capture) is None


def test_the_places_are_forgotten_with_the_file(shown):
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert drawing.points_now(bpy.context.scene) is None
    assert places.placed(bpy.context.scene) == frozenset()
