# SPDX-License-Identifier: GPL-3.0-or-later
"""Head, neck, eye and jaw turns on bones of any rest pose, judged by the pose that the whole chain ends up in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_addon.core import gaze, head, rotation
from blender_addon.core.rig import ARMATURE_FROM_HEAD, BoneControl, Rig

AXIS = st.floats(-2.0, 2.0)
REST = st.tuples(AXIS, AXIS, AXIS).map(lambda v: rotation.matrix_from_rotvec(np.array(v)))


def turn_of(degrees_xyz) -> np.ndarray:
    """(1, 4) a turn in the head frame."""
    return rotation.quaternion_from_rotvec(np.radians([degrees_xyz]))


def pose_of(rig: Rig, local: dict, name: str) -> np.ndarray:
    """The bone's turn in the armature as Blender poses it: D = D_parent rest q rest^T, parents first."""
    bone = next(control for control in rig.bones if control.name == name)
    carried = np.eye(3)
    if bone.parent is not None and bone.inherits_rotation:
        carried = pose_of(rig, local, bone.parent)
    own = rotation.matrix_from_quaternion(local[name][0]) if name in local else np.eye(3)
    return carried @ bone.rest_matrix @ own @ bone.rest_matrix.T


def wanted(turn: np.ndarray) -> np.ndarray:
    """The turn in the armature's axes, by the change of basis."""
    return ARMATURE_FROM_HEAD @ rotation.matrix_from_quaternion(turn[0]) @ ARMATURE_FROM_HEAD.T


@given(REST, REST, st.floats(0.0, 1.0))
@settings(deadline=None, max_examples=40)
def test_head_ends_where_the_actor_looks_whatever_the_rest_poses(neck_rest, head_rest, share):
    rig = Rig(bones=(BoneControl("neck", "neck", neck_rest), BoneControl("head", "head", head_rest, parent="neck")))
    turn = turn_of([12.0, -25.0, 8.0])
    local = head.local_rotations(rig, head.bone_turns(rig, turn_head=turn, neck_share=share, inner_turns={}))
    assert np.allclose(pose_of(rig, local, "head"), wanted(turn), atol=1e-9)
    neck = rotation.rotvec_from_matrix(pose_of(rig, local, "neck"))
    assert np.allclose(neck, share * rotation.rotvec_from_matrix(wanted(turn)), atol=1e-7)


def test_a_turn_to_the_subjects_left_turns_a_blender_head_to_plus_x():
    rig = Rig(bones=(BoneControl("head", "head", np.eye(3)),))
    local = head.local_rotations(
        rig, head.bone_turns(rig, turn_head=turn_of([0, 30, 0]), neck_share=0.3, inner_turns={})
    )
    nose = pose_of(rig, local, "head") @ np.array([0.0, -1.0, 0.0])
    assert nose == pytest.approx([0.5, -np.sqrt(0.75), 0.0])


def test_nod_down_and_roll_have_the_right_sign():
    rig = Rig(bones=(BoneControl("head", "head", rotation.matrix_from_rotvec(np.array([0.4, 1.0, -2.0]))),))
    down = head.local_rotations(rig, head.bone_turns(rig, turn_head=turn_of([20, 0, 0]), neck_share=0, inner_turns={}))
    assert (pose_of(rig, down, "head") @ [0.0, -1.0, 0.0])[2] < -0.3
    tilt = head.local_rotations(rig, head.bone_turns(rig, turn_head=turn_of([0, 0, 20]), neck_share=0, inner_turns={}))
    assert (pose_of(rig, tilt, "head") @ [0.0, 0.0, 1.0])[0] < -0.3  # counter-clockwise in the image: crown to -x


def test_two_neck_bones_share_and_a_head_that_does_not_inherit_still_arrives():
    rig = Rig(
        bones=(
            BoneControl("head", "head", np.eye(3), parent="neck2", inherits_rotation=False),
            BoneControl("neck2", "neck", rotation.matrix_from_rotvec(np.array([0.3, 0, 0])), parent="neck1"),
            BoneControl("neck1", "neck", rotation.matrix_from_rotvec(np.array([-0.3, 0, 0.2]))),
        )
    )
    turn = turn_of([0, 40, 0])
    local = head.local_rotations(rig, head.bone_turns(rig, turn_head=turn, neck_share=0.5, inner_turns={}))
    angles = [
        np.degrees(np.linalg.norm(rotation.rotvec_from_matrix(pose_of(rig, local, n)))) for n in ("neck1", "neck2")
    ]
    assert angles == pytest.approx([10.0, 20.0])
    assert np.allclose(pose_of(rig, local, "head"), wanted(turn))


def test_a_neck_without_a_head_bone_takes_everything():
    rig = Rig(bones=(BoneControl("neck", "neck", np.eye(3)),))
    local = head.local_rotations(
        rig, head.bone_turns(rig, turn_head=turn_of([0, 40, 0]), neck_share=0.2, inner_turns={})
    )
    assert np.allclose(pose_of(rig, local, "neck"), wanted(turn_of([0, 40, 0])))


@given(REST, REST)
@settings(deadline=None, max_examples=30)
def test_eyes_ride_on_the_head_and_turn_in_its_frame(head_rest, eye_rest):
    rig = Rig(bones=(BoneControl("head", "head", head_rest), BoneControl("eye", "eye_left", eye_rest, parent="head")))
    turn, look = turn_of([10, 20, -5]), gaze.eye_turn(np.radians([[15.0, 10.0]]))
    turns = head.bone_turns(rig, turn_head=turn, neck_share=0, inner_turns={"eye": look})
    eye = pose_of(rig, head.local_rotations(rig, turns), "eye")
    assert np.allclose(eye, wanted(turn) @ wanted(look), atol=1e-9)


def test_gaze_to_the_left_and_up_points_there():
    forward = rotation.matrix_from_quaternion(gaze.eye_turn(np.radians([[30.0, 20.0]]))[0]) @ [0.0, 0.0, 1.0]
    assert forward[0] > 0.3
    assert forward[1] > 0.3


def test_the_jaw_opens_downwards():
    weights = np.zeros((1, 52))
    weights[0, 17] = 1.0
    turned = rotation.matrix_from_quaternion(gaze.jaw_turn(weights, open_angle_rad=0.4, side_angle_rad=0.1)[0])
    assert (turned @ [0.0, 0.0, 1.0])[1] == pytest.approx(-np.sin(0.4))


def test_rest_matrices_lose_their_scale_and_nonsense_is_refused():
    bone = BoneControl("head", "head", 3.0 * rotation.matrix_from_rotvec(np.array([0.1, 0.2, 0.3])))
    assert np.allclose(bone.rest_matrix, rotation.matrix_from_rotvec(np.array([0.1, 0.2, 0.3])))
    with pytest.raises(ValueError, match="'head'"):
        BoneControl("head", "head", np.zeros((3, 3)))


def test_parents_in_a_ring_are_refused():
    rig = Rig(bones=(BoneControl("a", "neck", np.eye(3), parent="b"), BoneControl("b", "head", np.eye(3), parent="a")))
    with pytest.raises(ValueError, match="ring"):
        head.bone_turns(rig, turn_head=turn_of([0, 1, 0]), neck_share=0.5, inner_turns={})


def test_relative_rotation_does_not_depend_on_where_the_camera_stands():
    turns = rotation.matrix_from_rotvec(np.radians([[0, 0, 0], [5.0, 20, 3], [-8, 4, 1]]))
    seen_from_below = rotation.matrix_from_rotvec(np.radians([25.0, 5, 0])) @ turns
    assert np.allclose(head.relative_rotation(seen_from_below, seen_from_below[0]), turns)


def test_a_location_goes_where_the_head_went():
    bone = BoneControl("head", "head", rotation.matrix_from_rotvec(np.array([0.5, 1.0, 0.2])))
    carried = rotation.quaternion_from_rotvec(np.array([[0.0, 0.0, 0.7]]))
    offset = np.array([[0.1, -0.2, 0.3]])
    local = head.local_location(bone, offset_armature=offset, carried=carried)
    back = rotation.matrix_from_quaternion(carried[0]) @ bone.rest_matrix @ local[0]
    assert back == pytest.approx(offset[0])
