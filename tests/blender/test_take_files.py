# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes after save, reload, append and moves of files and folders; where new ones go."""

import shutil
from pathlib import Path

import bpy
import pytest
from tiny_take import write_tiny_take

from blender_addon.blender import paths
from blender_addon.blender.capturing import take_files, takes
from blender_addon.blender.capturing.take_files import LOOKUPS


@pytest.fixture
def folder(tmp_path):
    """A shot's folder: a take and its video in `takes`."""
    own = tmp_path / "shot ä"
    (own / "takes").mkdir(parents=True)
    (own / "takes" / "face.mp4").write_bytes(b"not looked into")
    write_tiny_take(own / "takes" / "one.capture.npz", video=own / "takes" / "face.mp4")
    return own


@pytest.fixture
def saved(scene, folder):
    """The shot's .blend, saved and open."""
    bpy.ops.understudy.import_take(filepath=str(folder / "takes" / "one.capture.npz"))
    scene.understudy.takes[0].name, scene.understudy.takes[0].actor = "Monday", "Ada"
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    return folder / "shot.blend"


def chosen():
    return bpy.context.scene.understudy.takes[0]


def load(blend):
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    return chosen()


def test_a_saved_take_is_kept_relative_and_comes_back(saved, folder):
    assert chosen().filepath == "//takes/one.capture.npz"
    assert chosen().video == "//takes/face.mp4"
    take = load(saved)
    assert (take.name, take.actor, take.frames) == ("Monday", "Ada", 45)
    assert take_files.path_of(take) == folder / "takes" / "one.capture.npz"
    assert take_files.is_there(take)
    assert take_files.seen_video(take)


def test_a_folder_that_moved_keeps_its_takes(saved, folder, tmp_path, fault_record):
    moved = tmp_path / "archive" / "shot"
    shutil.move(folder, moved)
    take = load(moved / "shot.blend")
    assert take_files.path_of(take) == moved / "takes" / "one.capture.npz"
    assert take_files.video_of(take) == moved / "takes" / "face.mp4"
    assert takes.tracks_of(take).frame_count == 45
    fault_record(
        fault="The shot's folder was moved to another place",
        done="opened the .blend there",
        user_saw=f"{take.name}: {take.frames} frames",
        survived="every take and its video, found beside the .blend",
        group="takes",
    )


def test_saving_elsewhere_keeps_what_it_points_to(saved, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "elsewhere" / "v2.blend"))
    assert chosen().filepath == "//../shot ä/takes/one.capture.npz"
    assert take_files.is_there(load(tmp_path / "elsewhere" / "v2.blend"))


def test_saving_a_copy_leaves_the_open_file_alone(saved, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / "copy.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(copy), copy=True)
    assert chosen().filepath == "//takes/one.capture.npz"
    assert take_files.is_there(chosen())
    assert take_files.path_of(load(copy)) == folder / "takes" / "one.capture.npz"


def test_a_take_put_beside_the_blend_is_found(saved, folder):
    shutil.move(folder / "takes" / "one.capture.npz", folder / "one.capture.npz")
    LOOKUPS.forget()
    assert take_files.path_of(chosen()) == folder / "one.capture.npz"
    assert load(saved).filepath == "//one.capture.npz"


def test_an_appended_scene_finds_its_takes_and_not_anothers_of_the_same_name(saved, folder, tmp_path, scene):
    other = tmp_path / "other"
    (other / "takes").mkdir(parents=True)
    write_tiny_take(other / "takes" / "one.capture.npz", rate=(25, 1), video="another, with a longer name.mp4")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(other / "new.blend"))
    bpy.ops.wm.append(filename="Scene", directory=f"{saved}/Scene/")
    appended = next(scene for scene in bpy.data.scenes if len(scene.understudy.takes))
    take = appended.understudy.takes[0]
    assert take_files.path_of(take) == folder / "takes" / "one.capture.npz"
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(other / "new.blend"))
    take = next(scene for scene in bpy.data.scenes if len(scene.understudy.takes)).understudy.takes[0]
    assert take.filepath == "//../shot ä/takes/one.capture.npz"


def test_an_appended_character_brings_its_take_by_its_action(folder, character, scene, tmp_path):
    bpy.ops.understudy.import_take(filepath=str(folder / "takes" / "one.capture.npz"))
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.understudy.choose_character()
    bpy.ops.understudy.bake()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with pytest.raises(RuntimeError, match="No baked Action"):
        bpy.ops.understudy.adopt_takes()
    with bpy.data.libraries.load(str(folder / "shot.blend")) as (theirs, ours):
        ours.objects = theirs.objects
    bpy.ops.understudy.adopt_takes()
    assert [take.name for take in bpy.context.scene.understudy.takes] == ["one"]
    with pytest.raises(RuntimeError, match="No baked Action"):
        bpy.ops.understudy.adopt_takes()


def test_lost_takes_are_found_by_content_whatever_their_names(saved, folder, tmp_path, fault_record):
    deep = tmp_path / "backup" / "2024" / "a"
    deep.mkdir(parents=True)
    write_tiny_take(deep / "one.capture.npz", rate=(24, 1))  # of the name, not of the content
    with pytest.raises(RuntimeError, match="No take is missing"):
        bpy.ops.understudy.find_takes(directory=str(tmp_path))
    shutil.move(folder / "takes" / "one.capture.npz", deep / "renamed.npz")
    LOOKUPS.forget()
    assert not take_files.is_there(chosen())
    with pytest.raises(RuntimeError, match="None of the missing takes") as refused:
        bpy.ops.understudy.find_takes(directory=str(folder))
    assert bpy.ops.understudy.find_takes(directory=str(tmp_path / "backup")) == {"FINISHED"}
    assert take_files.path_of(chosen()) == deep / "renamed.npz"
    assert chosen().name == "Monday"
    fault_record(
        fault="A take's file was moved and renamed, and another take has its name now",
        done="Find Missing Takes in a wrong folder, then above the right one",
        user_saw=str(refused.value).strip().removeprefix("Error: ").splitlines()[0],
        survived="the take with name, actor and settings, found by its content",
        group="takes",
    )


def test_takes_are_gathered_beside_the_blend_with_their_videos(saved, folder, tmp_path):
    far = tmp_path / "far"
    far.mkdir()
    (far / "clip.mp4").write_bytes(b"far away")
    bpy.ops.understudy.import_take(filepath=str(write_tiny_take(far / "one.capture.npz", (25, 1), far / "clip.mp4")))
    bpy.ops.understudy.gather_takes()
    mine, theirs = bpy.context.scene.understudy.takes
    assert take_files.path_of(mine) == folder / "takes" / "one.capture.npz"
    assert take_files.path_of(theirs) == folder / "takes" / "one-2.capture.npz"
    assert take_files.video_of(theirs) == folder / "takes" / "clip.mp4"
    shutil.rmtree(far)
    LOOKUPS.forget()
    assert takes.tracks_of(theirs).frame_count == 45
    bpy.ops.understudy.gather_takes()  # nothing to do
    assert len(list((folder / "takes").iterdir())) == 4


def test_a_take_captured_before_the_first_save_comes_along(scene, tmp_path):
    source = paths.user_folder("takes") / "early.capture.npz"
    bpy.ops.understudy.import_take(filepath=str(write_tiny_take(source)))
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
        assert chosen().filepath == "//takes/early.capture.npz"
        assert (tmp_path / "takes" / "early.capture.npz").read_bytes() == source.read_bytes()
        assert take_files.path_of(chosen()) == tmp_path / "takes" / "early.capture.npz"
    finally:
        source.unlink()


def test_new_takes_go_where_the_scene_then_the_preferences_then_the_blend_say(scene, tmp_path):
    preferences = bpy.context.preferences.addons["blender_addon"].preferences
    assert take_files.folder_of(scene) == paths.user_folder("takes")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene = bpy.context.scene
    assert take_files.folder_of(scene) == tmp_path / "takes"
    preferences.takes_folder = str(tmp_path / "all")
    assert take_files.folder_of(scene) == tmp_path / "all"
    scene.understudy.takes_folder = "//mine"
    assert take_files.folder_of(scene) == tmp_path / "mine"
    (tmp_path / "file").write_text("")
    scene.understudy.takes_folder = str(tmp_path / "file")
    with pytest.raises(Exception, match="cannot be made"):
        take_files.folder_of(scene)


def test_paths_stay_absolute_where_the_user_wants_that(scene, folder):
    bpy.context.preferences.filepaths.use_relative_paths = False
    try:
        bpy.ops.understudy.import_take(filepath=str(folder / "takes" / "one.capture.npz"))
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
        assert Path(chosen().filepath) == folder / "takes" / "one.capture.npz"
    finally:
        bpy.context.preferences.filepaths.use_relative_paths = True


def test_a_take_exported_with_its_video_is_whole_elsewhere(saved, folder, tmp_path):
    bpy.ops.understudy.export_take(filepath=str(tmp_path / "out" / "x.capture.npz"), with_video=True)
    shutil.rmtree(folder)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.understudy.import_take(filepath=str(tmp_path / "out" / "x.capture.npz"))
    assert take_files.video_of(chosen()) == tmp_path / "out" / "face.mp4"


def test_the_strip_of_a_take_shows_where_the_face_was_lost(saved):
    strip = chosen().strip
    assert len(strip) == 45
    assert strip[20] == strip[21] == "0"
    assert min(strip[:20] + strip[22:]) > "b"


def test_pictures_of_strip_and_outline_are_made(saved):
    from blender_addon.blender import pictures

    parts = [pictures.strip_picture(chosen().strip, part) for part in range(pictures.PARTS)]
    together = parts[0].shape[1] * len(parts)
    lost = int((20.5 / 45) * together)  # the column in which frames 20 and 21 are
    whole = [column for part in parts for column in part.transpose(1, 0, 2)]
    assert whole[lost][:, 3].sum() < whole[lost - 12][:, 3].sum()
    assert whole[lost][-5, 0] > whole[lost][-5, 1]  # red
    assert whole[lost - 12][-5, 1] > whole[lost - 12][-5, 0]  # green
    face = pictures.outline_picture(chosen().outline)
    assert 0.02 < face[..., 3].mean() < 0.3
    assert len(pictures.PICTURES.of_strip(chosen().strip)) == pictures.PARTS
    pictures.PICTURES.clear()


def test_the_takes_video_becomes_the_performance_with_its_part(scene, video, tmp_path):
    path = write_tiny_take(tmp_path / "t.capture.npz", video=video, start_s=3 * 1001 / 30000)
    takes.add_take(scene, path)
    bpy.ops.understudy.use_take_video()
    own = scene.understudy.performance
    assert (own.filepath, own.trim_in, own.trim_out) == (str(video), 4, 12)
    takes.add_take(scene, write_tiny_take(tmp_path / "none.capture.npz", video=tmp_path / "gone.mp4"))
    with pytest.raises(RuntimeError, match="is not there"):
        bpy.ops.understudy.use_take_video()
