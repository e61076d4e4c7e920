# SPDX-License-Identifier: GPL-3.0-or-later
"""Several characters in one scene: each with its own take, settings and bake; files of before are taken over."""

import shutil

import bpy
import numpy as np
import pytest
from tiny_character import make_character

from blender_addon.blender import compat, properties, registration
from blender_addon.blender.baking import measure


@pytest.fixture
def pair(ready, character):
    """Ada and Bea; Bea is chosen and acts half as much."""
    other = make_character("Bea")
    bpy.ops.understudy.choose_character(object="Bea Rig")
    ready.retarget.gain = 0.5
    return character, other


def jaw_keys(character):
    curves = {curve.data_path: curve for curve in compat.assigned_curves(character.mesh.data.shape_keys)}
    points = np.empty(2 * len(curves['key_blocks["jawOpen"].value'].keyframe_points))
    curves['key_blocks["jawOpen"].value'].keyframe_points.foreach_get("co", points)
    return points[1::2]


def test_each_has_its_own_settings_and_one_click_switches(ready, pair):
    ready.retarget.channels["jawOpen"].mute = True
    ready.bake.use_nla = True
    bpy.ops.understudy.edit_response()
    assert [performer.name for performer in ready.performers] == ["Ada Rig", "Bea Rig"]
    ready.performer_index = 0
    assert (ready.retarget.gain, ready.retarget.channels["jawOpen"].mute, ready.bake.use_nla) == (1.0, False, False)
    assert ready.retarget.curves is None
    assert ready.character.armature.name == "Ada Rig"
    bpy.ops.understudy.choose_character(object="Bea Face")
    assert (ready.performer_index, ready.retarget.gain) == (1, 0.5)


def test_all_are_baked_with_one_press_and_one_undo_step(scene, ready, pair):
    bpy.ops.ed.undo_push(message="before")
    assert "FINISHED" in bpy.ops.understudy.bake("EXEC_DEFAULT", True, all=True)
    full, half = (jaw_keys(each) for each in pair)
    np.testing.assert_allclose(half.max(), 0.5 * full.max(), atol=0.02)
    assert ready.performer_index == 1
    assert all(performer.baked for performer in ready.performers)
    bpy.ops.ed.undo()
    for name in ("Ada Face", "Bea Face"):
        data = bpy.data.objects[name].data.shape_keys.animation_data
        assert data is None or data.action is None
    bpy.ops.ed.redo()
    assert bpy.data.objects["Ada Face"].data.shape_keys.animation_data.action is not None


def test_nothing_is_written_where_one_cannot_be_baked(ready, pair):
    for character in pair:
        character.mesh.data.shape_keys.use_relative = character is pair[0]
    with pytest.raises(RuntimeError, match=r"Bea Rig: .*absolute"):
        bpy.ops.understudy.bake(all=True)
    assert pair[0].mesh.data.shape_keys.animation_data is None
    assert ready.performer_index == 1


def test_two_takes_and_a_shared_one(ready, pair, take_path, tmp_path):
    shutil.copyfile(take_path, tmp_path / "second.capture.npz")
    bpy.ops.understudy.import_take(filepath=str(tmp_path / "second.capture.npz"))
    assert [properties.chosen_take(bpy.context.scene).name, ready.take_index] == ["second", 1]
    ready.performer_index = 0
    assert [properties.chosen_take(bpy.context.scene).name, ready.take_index] == ["tiny", 0]
    ready.take_index = 1  # both
    bpy.ops.understudy.bake(all=True)
    for character in pair:
        assert character.mesh.data.shape_keys.animation_data.action["understudy_take"].endswith("second.capture.npz")
    ready.performer_index, ready.take_index = 1, 0
    bpy.ops.understudy.remove_take()
    ready.performer_index = 0
    assert properties.chosen_take(bpy.context.scene).name == "second"


def test_a_take_that_is_removed_is_not_exchanged_for_another(ready, pair, take_path, tmp_path):
    shutil.copyfile(take_path, tmp_path / "second.capture.npz")
    bpy.ops.understudy.import_take(filepath=str(tmp_path / "second.capture.npz"))
    bpy.ops.understudy.remove_take()
    ready.performer_index = 0
    assert properties.chosen_take(bpy.context.scene).name == "tiny"
    bpy.ops.understudy.remove_take()
    assert properties.chosen_take(bpy.context.scene) is None


def test_a_deleted_character_breaks_nothing(scene, ready, pair):
    from test_registration import PANELS, drawn

    with bpy.context.temp_override(selected_objects=[pair[1].mesh, pair[1].armature]):
        bpy.ops.object.delete()
    assert not bpy.ops.understudy.bake.poll() or ready.performers
    for panel in PANELS:
        if not hasattr(panel, "poll") or panel.poll(bpy.context):
            drawn(panel)
    with pytest.raises(RuntimeError, match="no longer in this scene"):
        bpy.ops.understudy.bake()
    assert bpy.ops.understudy.bake(all=True) == {"FINISHED"}
    assert pair[0].mesh.data.shape_keys.animation_data.action is not None
    bpy.ops.understudy.remove_character()
    assert [performer.name for performer in ready.performers] == ["Ada Rig"]


def test_adding_and_taking_off(scene, ready, character):
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.understudy.add_character()
    assert (len(ready.performers), ready.performer_index) == (2, 1)
    make_character("Bea")
    bpy.ops.understudy.choose_character()  # Ada is on the list already, so Bea is meant
    assert ready.character.armature.name == "Bea Rig"
    ready.retarget.curves = bpy.data.node_groups.new("curves", "ShaderNodeTree")
    bpy.ops.understudy.remove_character()
    assert "curves" not in bpy.data.node_groups
    assert ready.character.armature.name == "Ada Rig"
    bpy.ops.understudy.select_character()
    assert {thing.name for thing in bpy.context.selected_objects} == {"Ada Rig", "Ada Face"}
    bpy.ops.understudy.remove_character()
    assert len(ready.performers) == 1
    assert not ready.performers[0].character.meshes


def test_they_survive_saving_and_loading(ready, pair, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "two.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "two.blend"))
    own = bpy.context.scene.understudy
    assert [performer.name for performer in own.performers] == ["Ada Rig", "Bea Rig"]
    assert [performer.retarget.gain for performer in own.performers] == [1.0, 0.5]
    bpy.ops.understudy.bake(all=True)
    frames = range(own.baked_first, own.baked_last + 1)
    assert measure.measure(bpy.context.scene, frames).shape_values.max() > 0.2


def test_a_file_of_before_there_were_several_is_taken_over(scene, ready, tmp_path):
    """The scene's own data as the version before wrote it: everything in the scene's group itself."""
    ready.retarget.gain, ready.bake.use_nla = 0.5, True
    ready.retarget.channels["jawOpen"].mute = True
    bpy.ops.understudy.edit_response()
    shutil.copyfile(ready.takes[0].filepath, tmp_path / "second.capture.npz")
    bpy.ops.understudy.import_take(filepath=str(tmp_path / "second.capture.npz"))
    first = ready.performers[0]
    old = {name: first[name] for name in properties.performers.OWN if name in first}
    assert {"character", "retarget", "bake"} <= set(old)
    for name, value in old.items():
        ready[name] = value
    ready["take_index"] = 1
    ready.performers.clear()
    ready.takes[1].uid = ready.takes[0].uid = ""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "old.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "old.blend"))
    own = bpy.context.scene.understudy
    assert [performer.name for performer in own.performers] == ["Ada Rig"]
    assert (own.retarget.gain, own.bake.use_nla, own.take_index) == (0.5, True, 1)
    assert own.retarget.channels["jawOpen"].mute
    assert own.retarget.channels[own.retarget.channel_index].use_curve
    assert own.retarget.curves.users == 1
    assert not {"retarget", "character", "bake"} & set(own.keys())
    registration.prepare_scenes()
    assert len(own.performers) == 1
    bpy.ops.understudy.bake()


def test_a_scene_just_added_can_be_set_before_any_command(scene, ready):
    new = bpy.data.scenes.new("New")
    new.understudy.retarget.gain = 0.25
    assert len(new.understudy.performers) == 0
    registration.prepare_scenes()
    assert (len(new.understudy.performers), new.understudy.retarget.gain) == (1, 0.25)
    assert len(new.understudy.retarget.channels) == 52
