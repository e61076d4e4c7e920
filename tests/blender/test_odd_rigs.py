# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs that are not as one would wish: each is performed rightly, or refused with a sentence that says why."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix
from test_bake import curves_of, keys_of
from tiny_character import BONES, make_armature, make_character, make_face
from tiny_take import true_angles_rad

from blender_addon.blender.baking import measure
from blender_addon.blender.baking.retarget_settings import set_scene_rate
from blender_addon.blender.engine_jobs import status
from fomm_engine.wire.names import ARKIT_CHANNELS


@pytest.fixture
def take(scene, take_path):
    bpy.ops.understudy.import_take(filepath=str(take_path))
    set_scene_rate(scene, (30000, 1001))
    return scene.understudy


def perform():
    """The evaluated values of the bake."""
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.understudy.choose_character()
    bpy.ops.understudy.bake()
    own = bpy.context.scene.understudy
    return measure.measure(bpy.context.scene, range(own.baked_first, own.baked_last + 1))


def peak(measured, name):
    return measured.shape_values[:, measured.shape_names.index(name)].max()


def yaw_deg(measured):
    turn = measured.head_rotation
    return np.degrees(np.arctan2(-turn[:, 2, 0], np.hypot(turn[:, 0, 0], turn[:, 1, 0])))


def assert_performs(measured):
    assert peak(measured, "jawOpen") > 0.6
    assert peak(measured, "eyeBlinkLeft") > 0.9
    true_yaw = np.degrees(true_angles_rad()[0])
    assert np.abs(yaw_deg(measured) - true_yaw)[:20].max() < 1.0


def head_yaw_seen_deg(character):
    """How far the head is turned towards its own left on each frame, seen in the world from where it looks at rest."""
    scene, rig, found = bpy.context.scene, character.armature, []
    axes = [rig.matrix_world @ rig.data.bones["head"].matrix_local]
    for frame in range(scene.understudy.baked_first, scene.understudy.baked_last + 1):
        scene.frame_set(frame)
        axes.append(rig.matrix_world @ rig.pose.bones["head"].matrix)
    turns = np.array([np.array(m.to_3x3().normalized() if m.determinant() > 0 else m.to_3x3()) for m in axes])
    world = np.array(rig.matrix_world.to_3x3())
    forward = world @ [0, -1, 0]
    left = world @ [1, 0, 0]
    for matrix in turns[1:]:
        seen = matrix @ np.linalg.inv(turns[0]) @ forward
        found.append(np.degrees(np.arctan2(seen @ left / (left @ left), seen @ forward / (forward @ forward))))
    return np.array(found)


def test_nothing_to_drive_is_refused(take):
    bpy.ops.mesh.primitive_cube_add()
    with pytest.raises(RuntimeError, match="Cube has no shape keys and no armature"):
        bpy.ops.understudy.choose_character()
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    with pytest.raises(RuntimeError, match="There is no character"):
        bpy.ops.understudy.choose_character()


def test_everything_that_could_be_driven_is_taken(take):
    character = make_character("Ada", keys=("jawOpen", "eyeBlinkLeft", "mouthPucker"), bones=BONES[:1])
    for name in ("jawOpen", "eyeBlinkLeft", "mouthPucker"):
        character.mesh.data.shape_keys.key_blocks[name].driver_add("value")
    with pytest.raises(RuntimeError, match=r"no character|nothing to drive|no shape keys or bones"):
        perform()
    assert status.of(bpy.context).is_error


@pytest.mark.parametrize(
    "world",
    [
        Matrix.Scale(0.001, 4),
        Matrix.Scale(1000.0, 4),
        Matrix.Translation((3, -2, 5))
        @ Matrix.Rotation(2.0, 4, "Z")
        @ Matrix.Rotation(0.5, 4, "X")
        @ Matrix.Scale(2.5, 4),
    ],
    ids=["millimetres in the object", "a thousand times as large", "moved, rotated and scaled"],
)
def test_the_place_and_size_in_the_world_do_not_matter(take, character, world):
    character.armature.matrix_world = world
    bpy.context.view_layer.update()
    assert_performs(perform())
    np.testing.assert_allclose(head_yaw_seen_deg(character)[:20], np.degrees(true_angles_rad()[0])[:20], atol=1.5)


def test_a_mesh_in_millimetres(take, tmp_path):
    big = tuple((name, *(tuple(1000 * x for x in end) for end in ends), parent) for name, *ends, parent in BONES)
    character = make_character("Ada", bones=big)
    character.mesh.data.transform(Matrix.Scale(1000, 4), shape_keys=True)
    character.armature.scale = (0.001,) * 3
    bpy.context.view_layer.update()
    assert_performs(perform())
    take.render.output = str(tmp_path)
    bpy.ops.understudy.render_setup()
    assert bpy.context.scene.camera is not None


def test_bones_whose_rolls_are_mirrored(take, character):
    bpy.context.view_layer.objects.active = character.armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in character.armature.data.edit_bones:
        bone.roll = 3.0 if bone.name.endswith(".R") else -2.2
    bpy.ops.object.mode_set(mode="OBJECT")
    assert_performs(perform())


def test_a_character_mirrored_by_negative_scale(take, character):
    """Its left is on the right of the world; its own left still follows the actor's left."""
    character.armature.scale = (-1, 1, 1)
    bpy.context.view_layer.update()
    measured = perform()
    assert_performs(measured)
    np.testing.assert_allclose(head_yaw_seen_deg(character)[:20], np.degrees(true_angles_rad()[0])[:20], atol=1.5)


def test_locked_channels_are_told_and_left_alone(take, character):
    bones = character.armature.pose.bones
    bones["head"].lock_rotation = (True, True, True)
    measured = perform()
    assert "rotation is locked: head" in take.character.remarks
    assert not any('"head"' in path for path, _ in curves_of(character.armature))
    assert peak(measured, "jawOpen") > 0.6


def test_single_locked_axes_are_kept_where_the_bone_has_axes(take, character):
    bones = character.armature.pose.bones
    bones["head"].rotation_mode = "XYZ"
    bones["head"].lock_rotation = bones["neck"].lock_rotation = (False, True, False)
    perform()
    assert "free axes only, the others are locked: head" in take.character.remarks
    assert "quaternions have no single axes: neck" in take.character.remarks
    written = [key for key in curves_of(character.armature) if '"head"' in key[0]]
    assert sorted(index for _, index in written) == [0, 2]


def test_muted_and_driven_keys_are_told_and_left_alone(take, character):
    keys = character.mesh.data.shape_keys
    keys.key_blocks["mouthPucker"].mute = True
    keys.key_blocks["jawOpen"].driver_add("value")
    perform()
    assert "muted or a driver sets them: jawOpen, mouthPucker" in take.character.remarks
    assert len(curves_of(keys)) == 50


def test_keys_that_are_absolute_are_refused(take, character):
    character.mesh.data.shape_keys.use_relative = False
    with pytest.raises(RuntimeError, match="Ada Face's shape keys are absolute"):
        perform()


def test_keys_that_go_below_zero_stay_in_the_channels_range(take, character):
    for block in character.mesh.data.shape_keys.key_blocks:
        block.slider_min = -1.0
    measured = perform()
    assert_performs(measured)
    assert measured.shape_values.min() >= 0.0


def test_a_face_of_several_meshes(take, character):
    teeth = make_face("Teeth", ("jawOpen", "eyeBlinkLeft"))
    teeth.parent = character.armature
    teeth.modifiers.new("Armature", "ARMATURE").object = character.armature
    measured = perform()
    assert_performs(measured)
    assert len(curves_of(teeth.data.shape_keys)) == 2
    assert len(curves_of(character.mesh.data.shape_keys)) == 52


def test_without_a_head_bone_the_face_still_acts(take):
    character = make_character("Ada", bones=BONES[:1])
    measured = perform()
    assert peak(measured, "jawOpen") > 0.6
    assert list(take.character.bones) == []
    assert "no head bone" in take.character.summary
    assert character.armature.animation_data is None


def test_two_objects_that_share_one_mesh(take, character):
    twin = bpy.data.objects.new("Twin", character.mesh.data)
    bpy.context.scene.collection.objects.link(twin)
    twin.parent = character.armature
    assert_performs(perform())
    assert len(bpy.data.actions) == 2


def test_hidden_objects_are_performed_too(take, character):
    character.mesh.hide_set(True)
    character.armature.hide_viewport = True
    assert_performs(perform())


def test_objects_that_the_view_layer_leaves_out_are_told(take, character):
    collection = bpy.data.collections.new("Off")
    bpy.context.scene.collection.children.link(collection)
    for thing in (character.mesh, character.armature):
        collection.objects.link(thing)
        bpy.context.scene.collection.objects.unlink(thing)
    bpy.ops.understudy.choose_character()
    bpy.context.view_layer.layer_collection.children["Off"].exclude = True
    bpy.ops.understudy.bake()
    assert "not in this view layer" in take.notes
    assert len(curves_of(character.mesh.data.shape_keys)) == 52


@pytest.mark.parametrize(("mode", "words"), [("EDIT", "Edit Mode"), ("SCULPT", "Sculpt Mode")])
def test_an_object_that_is_being_edited_is_refused(take, character, mode, words):
    bpy.ops.understudy.choose_character()
    bpy.context.view_layer.objects.active = character.mesh
    character.mesh.select_set(True)
    bpy.ops.object.mode_set(mode=mode)
    with pytest.raises(RuntimeError, match=f"Ada Face is in {words}"):
        bpy.ops.understudy.bake()
    assert len(bpy.data.actions) == 0
    bpy.ops.object.mode_set(mode="OBJECT")


def test_pose_mode_is_no_hindrance(take, character):
    bpy.ops.understudy.choose_character()
    bpy.context.view_layer.objects.active = character.armature
    character.armature.select_set(True)
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.understudy.bake()
    assert character.armature.mode == "POSE"
    bpy.ops.object.mode_set(mode="OBJECT")
    assert len(curves_of(character.mesh.data.shape_keys)) == 52


@pytest.fixture
def library(scene, tmp_path):
    """A .blend that holds the character."""
    make_character("Ada")
    path = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(path), link=True) as (source, target):
        target.objects = source.objects
    for thing in target.objects:
        bpy.context.scene.collection.objects.link(thing)
    return path


def test_linked_characters_are_refused_with_what_to_do(library, take_path):
    bpy.ops.understudy.import_take(filepath=str(take_path))
    bpy.ops.understudy.choose_character()
    with pytest.raises(RuntimeError, match="linked from another file; make a library override"):
        bpy.ops.understudy.bake()
    assert len(bpy.data.actions) == 0


def test_library_overrides_perform(library, take_path):
    for thing in list(bpy.context.scene.objects):
        thing.override_create(remap_local_usages=True)
    face = next(thing for thing in bpy.data.objects if thing.type == "MESH" and thing.library is None)
    face.data.override_create(remap_local_usages=True)
    bpy.context.view_layer.update()
    bpy.ops.understudy.import_take(filepath=str(take_path))
    set_scene_rate(bpy.context.scene, (30000, 1001))
    assert_performs(perform())
    assert len(curves_of(face.data.shape_keys)) == len(ARKIT_CHANNELS)
    assert keys_of(curves_of(face.data.shape_keys)[('key_blocks["jawOpen"].value', 0)])[1].max() > 0.6


def test_an_armature_without_a_mesh_and_a_mesh_whose_armature_is_gone(take):
    make_armature("Bare", BONES)
    bpy.context.view_layer.update()
    bpy.ops.understudy.choose_character()
    bpy.data.objects.remove(bpy.data.objects["Bare"])
    with pytest.raises(RuntimeError, match=r"no longer in this file|Detect the character first"):
        bpy.ops.understudy.bake()
