# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the character is: from the selection, from the scene, and a sentence where it is nobody or more than one."""

import bpy
import numpy as np
import pytest
from tiny_character import BONES, make_character

from blender_addon.blender.characters import bone_roles, character, rig_scan
from blender_addon.blender.engine_jobs import status


def select(*names):
    bpy.ops.object.select_all(action="DESELECT")
    for name in names:
        bpy.data.objects[name].select_set(True)


def add_prop(name, location=(3, 0, 0)):
    bpy.ops.mesh.primitive_cube_add(location=location)
    bpy.context.object.name = name
    bpy.ops.object.select_all(action="DESELECT")
    return bpy.data.objects[name]


def roles(scene):
    return {entry.name: entry.role for entry in scene.understudy.character.bones}


@pytest.mark.parametrize("selected", [(), ("Ada Face",), ("Ada Rig",), ("Ada Face", "Ada Rig")])
def test_found_from_any_of_its_parts_or_none(scene, character, selected):
    add_prop("Crate")
    select(*selected)
    bpy.ops.understudy.choose_character()
    own = scene.understudy.character
    assert own.armature.name == "Ada Rig"
    assert [entry.object.name for entry in own.meshes] == ["Ada Face"]
    assert (own.matched, own.rig_map) == (52, "arkit")
    expected = {"neck": "neck", "head": "head", "jaw": "jaw", "eye.L": "eye_left", "eye.R": "eye_right"}
    assert roles(scene) == expected
    assert "52 of 52 face channels" in status.of(bpy.context).said


def test_found_from_a_thing_that_hangs_on_it(scene, character):
    hat = add_prop("Hat")
    hat.parent = bpy.data.objects["Ada Rig"]
    select("Hat")
    bpy.ops.understudy.choose_character()
    assert scene.understudy.character.armature.name == "Ada Rig"


def test_found_from_an_empty_above_it(scene, character):
    root = bpy.data.objects.new("Root", None)
    scene.collection.objects.link(root)
    bpy.data.objects["Ada Rig"].parent = root
    select("Root")
    bpy.ops.understudy.choose_character()
    assert scene.understudy.character.armature.name == "Ada Rig"


def test_a_face_without_an_armature(scene):
    mesh = make_character("Solo", bones=()).mesh
    armature = mesh.parent
    mesh.parent = None
    mesh.modifiers.clear()
    bpy.data.objects.remove(armature)
    bpy.ops.understudy.choose_character()
    own = scene.understudy.character
    assert (own.armature, own.matched) == (None, 52)
    assert "no head bone" in own.summary


def test_a_rig_without_a_face_still_turns_its_head(scene):
    make_character("Plain", keys=())
    bpy.ops.understudy.choose_character()
    own = scene.understudy.character
    assert (own.matched, len(own.meshes), own.armature.name) == (0, 0, "Plain Rig")
    assert "head" in roles(scene).values()


def test_nothing_to_drive_is_refused_with_the_reason(scene):
    add_prop("Crate")
    with pytest.raises(RuntimeError, match="no character with face shape keys or head bones"):
        bpy.ops.understudy.choose_character()
    select("Crate")
    with pytest.raises(RuntimeError, match="Crate has no shape keys and no armature"):
        bpy.ops.understudy.choose_character()
    assert status.of(bpy.context).error_code == "no-character"
    assert not character.is_chosen(scene)


def test_shape_keys_of_another_kind_are_refused(scene):
    make_character("Curtain", keys=("blow", "fold 2"), bones=(("pole", (0, 0, 0), (0, 0, 1), None),))
    select("Curtain Face")
    with pytest.raises(RuntimeError, match="names that Understudy knows"):
        bpy.ops.understudy.choose_character()


def test_two_characters_are_ambiguous_until_one_is_selected(scene, character):
    make_character("Bea")
    with pytest.raises(RuntimeError, match=r"2 characters here: Ada Rig, Bea Rig\. Select the one"):
        bpy.ops.understudy.choose_character()
    select("Ada Rig", "Bea Face")
    with pytest.raises(RuntimeError, match="Select only one"):
        bpy.ops.understudy.choose_character()
    select("Bea Face")
    bpy.ops.understudy.choose_character()
    assert scene.understudy.character.armature.name == "Bea Rig"


def test_a_crowd_of_plain_rigs_does_not_hide_the_one_with_a_face(scene, character):
    make_character("Extra", keys=())
    bpy.ops.understudy.choose_character()
    assert scene.understudy.character.armature.name == "Ada Rig"


def test_a_character_of_several_meshes(scene, character):
    teeth = make_character("Teeth", keys=("jawOpen", "own thing")).mesh
    old = teeth.parent
    teeth.parent = bpy.data.objects["Ada Rig"]
    teeth.modifiers["Armature"].object = bpy.data.objects["Ada Rig"]
    bpy.data.objects.remove(old)
    bpy.ops.understudy.choose_character()
    assert {entry.object.name for entry in scene.understudy.character.meshes} == {"Ada Face", "Teeth Face"}


def test_a_character_that_was_deleted_is_asked_for_again(ready, character):
    for name in ("Ada Face", "Ada Rig"):
        bpy.data.objects.remove(bpy.data.objects[name])
    with pytest.raises(RuntimeError, match="Detect the character first"):
        bpy.ops.understudy.bake()


def test_an_unknown_name_is_refused(scene):
    with pytest.raises(RuntimeError, match="no object named Nobody"):
        bpy.ops.understudy.choose_character(object="Nobody")


def places(*rows):
    return [
        bone_roles.BonePlace(name, parent, np.array(head, float), np.array(tail, float))
        for name, parent, head, tail in rows
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ("Spine", "Neck1", "Neck2", "Head", "HeadTop_End", "LeftEye", "RightEye", "EyeLid_L"),
            {"Neck1": "neck", "Neck2": "neck", "Head": "head", "LeftEye": "eye_left", "RightEye": "eye_right"},
        ),
        (
            ("DEF-spine", "neck", "head", "DEF-head", "MCH-eye.L", "eye.L", "eye.R", "master_eye.L", "jaw_master"),
            {"neck": "neck", "head": "head", "eye.L": "eye_left", "eye.R": "eye_right"},
        ),
        (("bip Pelvis", "bip Neck", "bip Head", "bip Jaw"), {"bip Neck": "neck", "bip Head": "head", "bip Jaw": "jaw"}),
        (("arm", "forehead", "overhead_light"), {}),
    ],
)
def test_roles_from_words(names, expected):
    rows = [
        (name, names[min(index - 1, 3)] if index else None, (0, 0, index), (0, 0, index + 1))
        for index, name in enumerate(names)
    ]
    assert bone_roles.roles_by_words(places(*rows)) == expected


def test_a_neck_beside_the_head_is_not_its_neck():
    rows = (
        ("root", None, (0, 0, 0), (0, 0, 1)),
        ("neck", "root", (0, 0, 1), (0, 0, 2)),
        ("head", "root", (0, 0, 2), (0, 0, 3)),
    )
    assert bone_roles.roles_by_words(places(*rows)) == {"head": "head"}


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (np.eye(3), [[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
        (np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        (np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]), [[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    ],
    ids=["Blender's own", "Y up", "facing +X"],
)
def test_where_the_character_looks_is_seen_from_its_bones(turn, expected):
    bones = [
        bone_roles.BonePlace(name, parent, turn @ np.array(head), turn @ np.array(tail))
        for name, head, tail, parent in BONES
    ]
    found = bone_roles.roles_by_words(bones)
    frame = bone_roles.armature_from_head(found, {bone.name: bone for bone in bones})
    np.testing.assert_allclose(frame, expected)


def test_rest_matrices_are_the_bones_own(scene, character):
    parts = rig_scan.Parts((character.mesh,), character.armature)
    by_name = {bone.name: bone for bone in rig_scan.scan(parts).rig.bones}
    head = character.armature.data.bones["head"]
    along = (head.tail_local - head.head_local).normalized()
    np.testing.assert_allclose(by_name["head"].rest_matrix[:, 1], along, atol=1e-6)
    assert (by_name["head"].parent, by_name["jaw"].parent, by_name["neck"].parent) == ("neck", "head", None)
