# SPDX-License-Identifier: GPL-3.0-or-later
"""Both faces of Blender's own Rigify, measured, baked through their control bones, and compared with the truth."""

import sys

import bpy
import numpy as np
import pytest
from acted_take import true_performance, true_points, write_acted_take
from anchored import anchor, family_in
from face_figures import correlation, figures, in_head, played_points
from rigify_character import make_rigify_face

from blender_addon.blender import compat
from blender_addon.blender.baking.retarget_settings import set_scene_rate
from blender_addon.blender.rig_measure import store
from blender_addon.blender.rig_measure.frame import head_frame
from blender_addon.blender.rig_measure.measuring import require_points
from blender_addon.blender.rig_measure.restore import Kept
from blender_addon.blender.rig_measure.stage import Stage
from fomm_engine.wire.standard_face import standard_face

EVERY = 3  # frames of the performance: a tenth of a second
LEAST_R = 0.85
MOVING = 0.04  # of a curve's spread in cm in the truth: less says nothing
NAMES = {
    False: {"jaw_master", "lips.L", "lips.R", "eye.L", "eye.R", "lid.T.L.002", "lid.T.R.002"},
    True: {"jaw_master", "lip_end.L.001", "lip_end.R.001", "lid.T.L.002", "lid.T.R.002"},
}


@pytest.fixture(params=[False, True], ids=["legacy", "upgraded"])
def rigify(scene, request):
    face = make_rigify_face(request.param)
    family = family_in(scene, face.skin)
    anchor(family, face.skin, range(68), [(face.eyes[0], 0), (face.eyes[1], 0)])
    bpy.ops.understudy.choose_character(object=face.armature.name)
    bpy.ops.understudy.measure_rig()
    return face, family, request.param


def test_the_face_acts_as_the_actor_did(scene, rigify, tmp_path):
    face, family, is_upgraded = rigify
    basis = store.kept(family.main)
    targets = {control.target for control in basis.controls}
    assert targets >= NAMES[is_upgraded]
    assert not [name for name in targets if name.startswith(("DEF-", "MCH-", "ORG-", "torso", "spine", "hand"))]
    assert 20 < len(basis.controls) <= 120
    bpy.ops.understudy.import_take(filepath=str(write_acted_take(tmp_path / "acted.capture.npz", EVERY)))
    own = scene.understudy
    take = own.takes[own.take_index]
    set_scene_rate(scene, (take.rate_num, take.rate_den))
    bpy.ops.understudy.bake()
    paths = {curve.data_path for curve in compat.assigned_curves(face.armature)}
    assert any("location" in path for path in paths) and 'pose.bones["head"].rotation_quaternion' in paths
    _, weights, rotation = true_performance(EVERY)
    played = played_points(family, range(own.baked_first, own.baked_last + 1))
    count = min(len(played), len(weights))
    low, high = basis.limits
    assert (low <= 0).all() and (high >= 0).all()
    frame = head_frame(standard_face(), _rest_points(family), np.ones(70))
    still, turns = in_head(frame.points_cm(played[:count]), basis.neutral_cm)
    ours, theirs = figures(still), figures(true_points(weights[:count]))
    moving = {name for name, values in theirs.items() if values.std() > MOVING}
    assert {"mouth opening", "mouth width", "lid left", "lid right", "brow left", "corner left"} <= moving
    r = {name: round(correlation(ours[name], theirs[name]), 3) for name in moving}
    sys.stdout.write(f"{len(basis.controls)} controls, correlation with the truth {r}\n")
    assert min(r.values()) >= LEAST_R, r
    for axis, angle in enumerate(_angles(turns)):
        wanted = _angles(rotation[0].T @ rotation[:count])[axis]
        if wanted.std() > np.radians(1.0):
            assert correlation(angle, wanted) >= LEAST_R


def _rest_points(family):
    """(70, 3) the points with the whole rig at rest, in the world."""
    points, objects = require_points(family)
    kept = Kept(family)
    kept.rest()
    try:
        with Stage(family, 1) as stage:
            return points.places(objects, stage.graph)
    finally:
        kept.put_back()


def _angles(rotation):
    yaw = np.arctan2(-rotation[:, 2, 0], np.hypot(rotation[:, 0, 0], rotation[:, 1, 0]))
    return yaw, -np.arctan2(rotation[:, 2, 1], rotation[:, 2, 2]), np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
