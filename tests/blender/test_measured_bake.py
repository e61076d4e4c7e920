# SPDX-License-Identifier: GPL-3.0-or-later
"""Bakes onto characters whose controls are known by measuring alone: odd names, flipped keys, properties, bones."""

import bpy
import numpy as np
import pytest
from acted_take import true_performance, true_points, write_acted_take
from face_figures import in_head, played_points
from landmark_face import FACE, arkit_moves, in_blender, make_landmark_face
from test_rig_measure import bone_rig, weigh

from blender_addon.blender import compat
from blender_addon.blender.baking.retarget_settings import set_scene_rate
from blender_addon.blender.rig_measure.frame import head_frame

EVERY = 6


@pytest.fixture
def bake(scene, tmp_path):
    """A function that measures the character of a name and bakes the performance; gives the played frames."""

    def do(name):
        bpy.ops.understudy.choose_character(object=name)
        bpy.ops.understudy.measure_rig()
        bpy.ops.understudy.import_take(filepath=str(write_acted_take(tmp_path / "acted.capture.npz", EVERY)))
        own = scene.understudy
        take = own.takes[own.take_index]
        set_scene_rate(scene, (take.rate_num, take.rate_den))
        bpy.ops.understudy.bake()
        return range(own.baked_first, own.baked_last + 1)

    return do


def explained(played, truth):
    """1 - residual / motion of the landmark points (T, 70, 3), each after its own first frame."""
    ours, theirs = played - played[0], truth - truth[0]
    return 1.0 - float(((ours - theirs) ** 2).sum() / (theirs**2).sum())


def test_keys_of_any_name_scaled_and_flipped_act_as_the_actor(scene, bake):
    rng = np.random.default_rng(7)
    keys = {}
    for number, moved in enumerate(arkit_moves().values()):
        keys[f"k{number:03d}"] = moved * (rng.choice([-1.0, 0.5, 2.0]) if number % 2 else 1.0)
    face = make_landmark_face(keys)
    for number, key in enumerate(face.mesh.data.shape_keys.key_blocks[1:]):
        if number % 2:
            key.slider_min, key.slider_max = -2.0, 2.0
    frames = bake("Face")
    assert scene.understudy.character.rig_map == "measured"
    _, weights, _ = true_performance(EVERY)
    played = head_frame(FACE, _at_rest(), np.ones(70)).points_cm(played_points(face.family, frames))
    count = min(len(played), len(weights))
    assert explained(played[:count], true_points(weights[:count])) > 0.85
    values = [key.value for key in face.mesh.data.shape_keys.key_blocks[1:]]
    assert max(np.abs(values)) <= 2.0


def test_properties_and_bones_are_keyed_where_they_live(scene, bake):
    rig = bone_rig()
    moves = arkit_moves()
    face = make_landmark_face({"shut": moves["eyeBlinkLeft"], "shut too": moves["eyeBlinkRight"]}, armature=rig)
    weigh(face)
    rig.data["lids"] = 0.0
    rig.data.id_properties_ui("lids").update(min=0.0, max=1.0, soft_min=0.0, soft_max=1.0)
    for key in ("shut", "shut too"):
        driver = face.mesh.data.shape_keys.key_blocks[key].driver_add("value").driver
        variable = driver.variables.new()
        variable.name, variable.targets[0].id_type = "v", "ARMATURE"
        variable.targets[0].id, variable.targets[0].data_path = rig.data, '["lids"]'
        driver.expression = "v"
    rig.pose.bones["jaw"].rotation_mode = "XYZ"
    rig.pose.bones["jaw"].lock_location = (True, True, True)
    frames = bake("Rig")
    lids = [curve for curve in compat.assigned_curves(rig.data) if curve.data_path == '["lids"]']
    assert len(lids) == 1 and len(lids[0].keyframe_points) == len(frames)
    jaw = [curve for curve in compat.assigned_curves(rig) if "jaw" in curve.data_path]
    assert {curve.data_path for curve in jaw} == {'pose.bones["jaw"].rotation_euler'}
    _, weights, _ = true_performance(EVERY)
    truth = true_points(weights)
    played = head_frame(FACE, _at_rest(), np.ones(70)).points_cm(played_points(face.family, frames))
    still, _ = in_head(played, FACE.neutral_cm)
    count = min(len(still), len(truth))
    for upper, lower in ((37, 41), (62, 66)):
        ours, theirs = (own[:count, upper, 1] - own[:count, lower, 1] for own in (still, truth))
        assert np.corrcoef(ours, theirs)[0, 1] > 0.8  # of a rig that has two controls for the whole face


def _at_rest():
    return in_blender(FACE.neutral_cm)
