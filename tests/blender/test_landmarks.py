# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks found on the project's own character by the engine's nets, and what is measured from there."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from test_rig_measure import state_of_everything

from blender_addon.blender.characters import character
from blender_addon.blender.rig_measure import anchors, probe, store
from blender_addon.blender.rig_measure.family import family_of
from blender_addon.blender.rig_measure.stage import Stage
from blender_addon.core.face_lines import landmark_lines
from fomm_engine.wire.names import ARKIT_CHANNELS, LANDMARKS

UNSEEN = {"tongueOut", "cheekPuff", "cheekSquintLeft", "cheekSquintRight"}  # they move no landmark
LOOKED_AT = ("jawOpen", "mouthSmileLeft")


@pytest.fixture(scope="module")
def viola_file(tmp_path_factory, addon):
    """Viola, built once, in a file."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from rigs.characters.viola.build import build_character

    build_character()
    path = tmp_path_factory.mktemp("viola") / "viola.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def test_landmarks_controls_and_keypoints_of_a_character(scene, engine, viola_file):
    bpy.ops.wm.open_mainfile(filepath=str(viola_file))
    bpy.ops.understudy.choose_character(object="Viola.Rig")
    rig = bpy.data.objects["Viola.Rig"]
    rig.pose.bones["head"].rotation_quaternion = (0.95, 0.0, 0.3, 0.0)  # the user's pose, in which nothing is measured
    bpy.context.view_layer.update()
    before = state_of_everything()
    bpy.ops.understudy.find_landmarks()
    bpy.data.images.remove(bpy.data.images["Render Result"])
    kept = anchors.kept(rig)
    del rig[anchors.PROPERTY]
    assert state_of_everything() == before, "renders and searches leave no trace"
    parts = character.parts_of(bpy.context.scene)
    family = family_of(parts, bpy.context.scene.objects)
    anchors.keep(family, kept)
    check_places(family, kept)
    bpy.ops.understudy.measure_rig()
    basis = store.kept(rig)
    names = {control.name for control in basis.controls}
    assert names >= set(ARKIT_CHANNELS) - UNSEEN
    assert not any(control.kind == "bone" for control in basis.controls), "the eye and jaw bones are driven"
    check_lids(family, basis)
    # The engine's own look at two of the controls.
    chosen = [basis.index(name) for name in LOOKED_AT]
    controls = tuple(replace(basis.controls[n], pair=None) for n in chosen)
    store.keep(family, replace(basis, controls=controls, displacement_cm=basis.displacement_cm[chosen]))
    bpy.ops.understudy.look_at_controls()
    seen = store.kept(rig)
    assert seen.keypoint_value.shape == (2, 10, 2)
    chin = seen.keypoint_value[0, 9]
    assert chin[1] > 0.1 and abs(chin[0]) < 0.1, "an opening jaw takes the chin's keypoint down, and not aside"
    left, right = seen.keypoint_value[1, 6], seen.keypoint_value[1, 5]
    assert np.linalg.norm(left) > 2 * np.linalg.norm(right), "a smile to the left moves the left corner's keypoint"


def check_places(family, kept):
    """The points lie where the character's builder says that they are; lids and lips on their own edges."""
    table = json.loads(bpy.data.objects["Viola.Face"].data["understudy_landmarks"])
    with Stage(family, 1) as stage:
        objects = anchors.match(kept, family)
        found = kept.places(objects, stage.graph)
        head = bpy.data.objects["Viola.Face"]
        truth = np.concatenate(
            [
                stage.vertices(head)[table["face"]],
                [stage.vertices(bpy.data.objects[name])[vertex] for name, vertex in table["irises"]],
            ]
        )
    unit = np.linalg.norm(truth[45] - truth[36])
    error = np.linalg.norm(found - truth, axis=1) / unit
    inner = list(LANDMARKS["inner51"])
    assert np.median(error[inner]) < 0.06 and error[inner].max() < 0.16
    assert error[:17].max() < 0.4  # where along the jaw a point lies is a matter of definition
    assert error[[36, 39, 42, 45, 48, 54]].max() < 0.06, "the corners of eyes and mouth"
    assert kept.confidence[inner].min() > 0.3
    names = {kept.meshes[number][0] for number in kept.mesh[68:]}
    assert names == {"Viola.Eye.L", "Viola.Eye.R"}
    assert {kept.meshes[number][0] for number in kept.mesh[:68]} == {"Viola.Face"}


def check_lids(family, basis):
    """The points on lids and lips close where the character closes: they lie on the very edges."""
    names = [control.name for control in basis.controls]
    values = np.zeros((2, len(names)))
    values[1, [names.index("eyeBlinkLeft"), names.index("eyeBlinkRight")]] = 1.0
    still, shut = probe.probe_of(family, basis, 1)(values)
    for side in ("left", "right"):
        upper, lower = (list(LANDMARKS[f"lid_{part}_{side}"]) for part in ("upper", "lower"))
        gaps = [points[upper, 1] - points[lower, 1] for points in (still, shut)]
        assert (gaps[1] < 0.2 * gaps[0]).all()
    inner = [list(LANDMARKS[f"lip_inner_{part}"]) for part in ("upper", "lower")]
    gap = still[inner[0], 1] - still[inner[1], 1]
    assert np.abs(gap).max() < 0.15, "lips that lie on each other are cm apart"


def test_a_thing_without_a_face_is_refused(scene, engine):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    cube.shape_key_add(name="Basis")
    for number in range(3):
        cube.shape_key_add(name=f"k{number}", from_mix=False).data[number].co.z += 1.0
    bpy.ops.understudy.choose_character()
    before = state_of_everything()
    with pytest.raises(RuntimeError, match="does not see a face on Cube"):
        bpy.ops.understudy.find_landmarks()
    bpy.data.images.remove(bpy.data.images["Render Result"])
    assert state_of_everything() == before
    assert anchors.kept(cube) is None


def test_the_overlay_joins_points_of_one_feature(scene):
    pairs = landmark_lines()
    assert (36, 37) in pairs and (41, 36) in pairs and (60, 61) in pairs and (67, 60) in pairs
    assert (16, 17) not in pairs and (26, 27) not in pairs
    assert {number for pair in pairs for number in pair} == set(range(68))
