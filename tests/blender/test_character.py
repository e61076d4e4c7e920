# SPDX-License-Identifier: GPL-3.0-or-later
"""Viola, the demo character, as animators and the bake meet her: lids, lips, keys, drivers, weights and landmarks."""

import json
import sys
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Vector
from mathutils.bvhtree import BVHTree

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from fomm_engine.wire.names import ARKIT_CHANNELS  # noqa: E402
from rigs.characters.viola import build, lids, lips  # noqa: E402
from rigs.characters.viola.head_grid import build_grid  # noqa: E402
from rigs.characters.viola.proportions import VIOLA  # noqa: E402

FLIP = np.array([-1.0, 1.0, 1.0])
MARGIN = lids.LID_MARGIN_RING + 1
SHUT = [
    {},
    {"eyeLookDown": 1.0},
    {"eyeLookUp": 1.0},
    {"eyeLookOut": 1.0},
    {"eyeLookIn": 1.0},
    {"eyeSquint": 1.0},
    {"eyeWide": 1.0},
    {"eyeSquint": 0.6, "eyeLookDown": 0.8, "eyeLookIn": 0.5},
]


class Viola:
    """The built character with ways to pose and to measure her."""

    def __init__(self):
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        started_s = time.process_time()
        self.objects = build.build_character()
        self.build_cpu_s = time.process_time() - started_s
        self.key = self.objects.face.data.shape_keys
        self.grid = build_grid()

    def pose(self, **values):
        """Sets the named keys (others to 0) and lets the bones rest; a name without a side sets both sides."""
        for name in ARKIT_CHANNELS:
            base = name.removesuffix("Left").removesuffix("Right")
            self.key.key_blocks[name].value = values.get(name, values.get(base, 0.0))
        for bone in ("neck", "head"):
            self.objects.armature.pose.bones[bone].rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
        bpy.context.view_layer.update()

    def evaluated(self, name="Viola.Face"):
        return self.objects.parts[name].evaluated_get(bpy.context.evaluated_depsgraph_get())

    def points_cm(self, name="Viola.Face"):
        mesh = self.evaluated(name).data
        points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        return points.reshape(-1, 3).astype(np.float64) * 100.0

    def tree(self, name):
        return BVHTree.FromObject(self.objects.parts[name], bpy.context.evaluated_depsgraph_get())

    def rest_cm(self, name="Basis"):
        block = self.key.key_blocks[name]
        points = np.empty(len(block.data) * 3, dtype=np.float32)
        block.data.foreach_get("co", points)
        return points.reshape(-1, 3).astype(np.float64) * 100.0

    def lid_gaps_cm(self, side):
        """Distances between facing points of the two lid margins, corners left out."""
        ring = self.grid.eye_rings[side][MARGIN]
        half = len(ring) // 2
        points = self.points_cm()[ring]
        upper, lower = points[1:half], points[:half:-1]
        return np.linalg.norm(upper - lower, axis=1)

    def lip_gaps_cm(self):
        ring = self.grid.mouth_rings[lips.CONTACT_RING]
        half = len(ring) // 2
        points = self.points_cm()[ring]
        return np.linalg.norm(points[1:half] - points[:half:-1], axis=1)

    def eye_center_m(self, suffix):
        return self.objects.armature.data.bones["eye" + suffix].head_local.copy()


@pytest.fixture(scope="module")
def viola():
    return Viola()


def visible_share(viola, suffix):
    """The share of the eyeball's vertices that can be seen from the front or from 40 degrees to either side."""
    skin, center = viola.tree("Viola.Face"), viola.eye_center_m(suffix)
    seen, asked = 0, 0
    for yaw_rad in np.deg2rad([-40.0, 0.0, 40.0]):
        to_viewer = Vector((np.sin(yaw_rad), -np.cos(yaw_rad), 0.0))
        for point in viola.points_cm("Viola.Eye" + suffix) / 100.0:
            if (Vector(point) - center).normalized().dot(to_viewer) > 0.2:
                asked += 1
                seen += skin.ray_cast(Vector(point) + to_viewer * 2e-5, to_viewer, 0.3)[0] is None
    return seen / asked


def test_size_and_build_time(viola):
    faces = sum(len(part.data.polygons) for part in viola.objects.parts.values())
    assert 5_000 < faces < 30_000
    assert viola.build_cpu_s < 20.0


def test_carries_the_52_arkit_keys_and_drives_all_others(viola):
    names = [block.name for block in viola.key.key_blocks]
    assert names[0] == "Basis"
    assert tuple(names[1:53]) == ARKIT_CHANNELS
    driven = {curve.data_path for curve in viola.key.animation_data.drivers}
    assert {f'key_blocks["{name}"].value' for name in names[53:]} == driven
    for block in viola.key.key_blocks[1:]:
        assert (block.slider_min, block.slider_max, block.value) == (0.0, 1.0, 0.0)


def test_each_key_moves_the_face_by_a_visible_but_sane_amount(viola):
    rest = viola.rest_cm()
    for name in ARKIT_CHANNELS:
        moved = np.linalg.norm(viola.rest_cm(name) - rest, axis=1).max()
        assert (0.03 if name.startswith(("eyeLookIn", "eyeLookOut")) else 0.12) < moved < 4.5, name


@pytest.mark.parametrize("extra", SHUT, ids=lambda extra: "+".join(extra) or "plain")
def test_a_blink_leaves_no_gap_whatever_the_gaze(viola, extra):
    viola.pose()
    open_cm = viola.lid_gaps_cm(1).max()
    assert open_cm > 1.0
    viola.pose(eyeBlink=1.0, **extra)
    for side in (1, -1):
        assert viola.lid_gaps_cm(side).max() <= 0.02 * open_cm


@pytest.mark.parametrize("extra", SHUT, ids=lambda extra: "+".join(extra) or "plain")
def test_closed_lids_cover_the_whole_eyeball(viola, extra):
    viola.pose()
    assert visible_share(viola, ".L") > 0.25
    viola.pose(eyeBlink=1.0, **extra)
    for suffix in (".L", ".R"):
        assert visible_share(viola, suffix) == 0.0


@pytest.mark.parametrize("blink", [0.25, 0.5, 0.75])
def test_no_eyeball_pokes_through_moving_lids(viola, blink):
    for gaze in ({}, {"eyeLookUp": 1.0}, {"eyeLookDown": 1.0}, {"eyeLookOut": 1.0}):
        viola.pose(eyeBlink=blink, **gaze)
        eye, center = viola.tree("Viola.Eye.L"), viola.eye_center_m(".L")
        rings = viola.grid.eye_rings[1][5 : lids.LID_MARGIN_RING + 1]
        for point in viola.points_cm()[rings.ravel()] / 100.0:
            way = Vector(point) - center
            inside = eye.ray_cast(Vector(point), way.normalized(), 0.02)[0]
            assert inside is None, (gaze, point)


def test_a_wink_leaves_the_other_eye_alone(viola):
    viola.pose()
    open_cm = viola.lid_gaps_cm(-1)
    viola.pose(eyeBlinkLeft=1.0)
    assert viola.lid_gaps_cm(1).max() < 0.02
    np.testing.assert_allclose(viola.lid_gaps_cm(-1), open_cm, atol=1e-3)


def test_lips_meet_at_rest_part_with_the_jaw_and_close_again(viola):
    viola.pose()
    assert viola.lip_gaps_cm().max() < 0.01
    viola.pose(jawOpen=1.0)
    assert viola.lip_gaps_cm().max() > 2.0
    viola.pose(jawOpen=1.0, mouthClose=1.0)
    assert viola.lip_gaps_cm().max() < 0.05


@pytest.mark.parametrize(
    "name", ["mouthSmile", "mouthFrown", "mouthPucker", "mouthStretch", "jawLeft", "mouthShrugUpper"]
)
def test_keys_that_only_shape_the_mouth_keep_it_shut(viola, name):
    viola.pose(**{name: 1.0})
    assert viola.lip_gaps_cm().max() < 0.05


def test_left_keys_are_the_mirror_images_of_right_keys(viola):
    rest, mirror = viola.rest_cm(), viola.grid.mirror
    head = len(mirror)
    for name in ARKIT_CHANNELS:
        if name.endswith("Left"):
            left = (viola.rest_cm(name) - rest)[:head]
            right = (viola.rest_cm(name.removesuffix("Left") + "Right") - rest)[:head]
            np.testing.assert_allclose(right[mirror] * FLIP, left, atol=1e-4, err_msg=name)


def test_left_keys_stay_on_the_left(viola):
    rest = viola.rest_cm()
    far_right = rest[:, 0] < -1.5
    for name in ARKIT_CHANNELS:
        if name.endswith("Left") and name not in ("jawLeft", "mouthLeft"):
            moved = np.linalg.norm(viola.rest_cm(name) - rest, axis=1)
            assert moved[far_right].max() < 0.02 * moved.max(), name


def test_drivers_are_valid_and_need_no_auto_execution(viola):
    keys = [part.data.shape_keys for part in viola.objects.parts.values() if part.data.shape_keys]
    drivers = [c.driver for owner in (*keys, viola.objects.armature) for c in owner.animation_data.drivers]
    assert len(drivers) >= 8 + 1 + 4 + 4
    for driver in drivers:
        assert driver.is_valid
        assert driver.is_simple_expression


def test_look_keys_alone_turn_the_eyeballs(viola):
    turns = {}
    for name in ("eyeLookOutLeft", "eyeLookInLeft", "eyeLookUpLeft", "eyeLookDownLeft"):
        viola.pose(**{name: 1.0})
        pupil = viola.points_cm("Viola.Eye.L")[0] - np.array(viola.eye_center_m(".L")) * 100.0
        turns[name] = np.rad2deg([np.arctan2(pupil[0], -pupil[1]), np.arctan2(pupil[2], -pupil[1])])
    np.testing.assert_allclose(turns["eyeLookOutLeft"], [np.rad2deg(VIOLA.gaze_side_rad), 0.0], atol=0.5)
    np.testing.assert_allclose(turns["eyeLookInLeft"], [-np.rad2deg(VIOLA.gaze_side_rad), 0.0], atol=0.5)
    np.testing.assert_allclose(turns["eyeLookUpLeft"], [0.0, np.rad2deg(VIOLA.gaze_up_rad)], atol=0.5)
    np.testing.assert_allclose(turns["eyeLookDownLeft"], [0.0, -np.rad2deg(VIOLA.gaze_down_rad)], atol=0.5)


def test_the_jaw_key_carries_lower_teeth_and_tongue_with_the_chin(viola):
    viola.pose()
    before = {name: viola.points_cm(name) for name in ("Viola.Teeth.Lower", "Viola.Teeth.Upper", "Viola.Face")}
    viola.pose(jawOpen=1.0)
    chin = landmark_table(viola)["face"][8]
    teeth = viola.points_cm("Viola.Teeth.Lower") - before["Viola.Teeth.Lower"]
    assert teeth[:, 2].mean() < -1.5
    drop = viola.points_cm()[chin, 2] - before["Viola.Face"][chin, 2]
    assert drop == pytest.approx(teeth[:, 2].min(), abs=1.2)
    np.testing.assert_allclose(viola.points_cm("Viola.Teeth.Upper"), before["Viola.Teeth.Upper"], atol=1e-3)


def test_everything_on_the_head_follows_a_head_turn(viola):
    viola.pose()
    parts = ("Viola.Face", "Viola.Hair", "Viola.Eye.L", "Viola.Teeth.Upper", "Viola.Tongue")
    sample = {name: viola.points_cm(name) for name in parts}
    bone = viola.objects.armature.pose.bones["head"]
    bone.rotation_quaternion = (np.cos(np.pi / 12), 0.0, np.sin(np.pi / 12), 0.0)
    bpy.context.view_layer.update()
    turn = np.array((bone.matrix @ bone.bone.matrix_local.inverted()).to_3x3())
    assert turn[0, 1] == pytest.approx(-0.5, abs=1e-3)
    origin = np.array(bone.bone.head_local) * 100.0
    for name in parts:
        expected = (sample[name] - origin) @ turn.T + origin
        error = np.linalg.norm(viola.points_cm(name) - expected, axis=1)
        kept = sample[name][:, 2] > (VIOLA.mouth_height + 32.0)
        assert error[kept].max() < 0.3 if name == "Viola.Face" else error.max() < 1e-2, name
    viola.pose()


def test_bones_rest_as_retargeting_expects(viola):
    bones = viola.objects.armature.data.bones
    for name, way in (("neck", (0, 0, 1)), ("head", (0, 0, 1)), ("eye.L", (0, -1, 0)), ("eye.R", (0, -1, 0))):
        np.testing.assert_allclose(np.array(bones[name].matrix_local.to_3x3())[:, 1], way, atol=1e-5)
    assert bones["eye.L"].head_local.x > 0 > bones["eye.R"].head_local.x
    assert "eyeLook" in viola.objects.armature["understudy_gaze"]


def landmark_table(viola):
    return json.loads(viola.objects.face.data[build.LANDMARKS_PROPERTY])


def test_landmarks_lie_where_their_names_say(viola):
    viola.pose()
    table = landmark_table(viola)
    places = viola.points_cm()[table["face"]]
    assert len(table["face"]) == len(set(table["face"])) == 68
    np.testing.assert_allclose(places[:17] * FLIP, places[16::-1], atol=0.02)
    assert places[8, 2] == places[:17, 2].min()
    assert np.all(np.diff(places[17:27, 0]) > 0)
    assert np.all(np.diff(places[27:31, 2]) < 0)
    assert np.all(np.diff(places[31:36, 0]) > 0)
    assert places[36, 0] < places[39, 0] < 0 < places[42, 0] < places[45, 0]
    assert places[37, 2] > places[41, 2]
    assert places[62, 2] == pytest.approx(places[66, 2], abs=0.02)
    for (name, vertex), side in zip(table["irises"], (-1, 1), strict=True):
        assert viola.points_cm(name)[vertex, 0] == pytest.approx(side * VIOLA.eye_center[0], abs=1e-3)


def test_saved_file_opens_with_working_drivers(viola, tmp_path):
    path = tmp_path / "viola.blend"
    viola.pose()
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    with bpy.data.libraries.load(str(path)) as (there, _):
        assert {"Viola.Face", "Viola.Rig", "Viola.Camera"} <= set(there.objects)
