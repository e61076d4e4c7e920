# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns given in the head frame, brought onto a rig's bones: shares of neck and head, rest poses, parents.

A bone's pose in the armature is D_parent * rest * q, where D is how far a bone has turned from its rest, in the
armature's axes (Blender's pose_bone.matrix with inherited rotation). Wanting a turn D of it gives q = rest^T
D_parent^T D rest.
"""

import numpy as np

from . import rotation
from .array_types import FloatArray
from .head_limits import within_reach
from .rig import BoneControl, Rig


def relative_rotation(head_rotation: FloatArray, neutral_rotation: FloatArray) -> FloatArray:
    """Give the head's turn since neutral, in the axes of the neutral head: R_neutral^T R_t, (T, 3, 3).

    head_rotation: (T, 3, 3) camera from head; neutral_rotation: (3, 3) the same at the neutral frame.
    """
    return np.einsum("ji,tjk->tik", neutral_rotation, head_rotation)


def scaled_turn(turn: FloatArray, gain: float) -> FloatArray:
    """Give turns with their angle multiplied, (T, 4) -> (T, 4), up to LARGEST_TURN_RAD; gain 1 changes nothing.

    Beyond half a turn a rotation would be taken for the one the other way round.
    """
    if gain == 1.0:
        return turn
    vectors = rotation.rotvec_from_quaternion(turn) * gain
    return rotation.sign_continuous(rotation.quaternion_from_rotvec(within_reach(vectors)))


def in_armature(turn_head: FloatArray, armature_from_head: FloatArray) -> FloatArray:
    """Give turns of the head frame as turns in the armature's axes: (T, 4) quaternions -> (T, 4).

    The angle stays, the axis is carried over (a change of basis). Where armature_from_head mirrors (a character scaled
    by -1), the sense of turning changes with it.
    """
    axis = np.sign(np.linalg.det(armature_from_head)) * (turn_head[..., 1:] @ armature_from_head.T)
    return np.concatenate([turn_head[..., :1], axis], -1)


def mirrored_turn(turn_head: FloatArray) -> FloatArray:
    """Give turns seen in a mirror: yaw and roll change sides, pitch stays. (T, 4) -> (T, 4), head frame."""
    return turn_head * np.array([1.0, 1.0, -1.0, -1.0])


def cumulative_shares(rig: Rig, neck_share: float) -> dict[str, float]:
    """Give for each neck and head bone how much of the whole turn has been done once it has turned.

    Neck bones stand in the order of the chain (an ancestor before its child) and share neck_share by their `share`;
    the head ends at 1. Without a head bone the last neck bone ends at 1, so that nothing of the motion is lost.
    """
    neck = sorted(rig.with_role("neck"), key=lambda bone: len(_ancestors(rig, bone)))
    total = sum(bone.share for bone in neck)
    whole = neck_share if rig.with_role("head") else 1.0
    shares: dict[str, float] = {}
    done = 0.0
    for bone in neck:
        done += whole * bone.share / total if total > 0 else whole / len(neck)
        shares[bone.name] = done
    return shares | {bone.name: 1.0 for bone in rig.with_role("head")}


def bone_turns(
    rig: Rig, *, turn_head: FloatArray, neck_share: float, inner_turns: dict[str, FloatArray]
) -> dict[str, FloatArray]:
    """Give how far each bone turns from its rest in the armature's axes: {bone: (T, 4)}.

    turn_head: (T, 4), the head's turn in the head frame. inner_turns {bone: (T, 4)}: turns within the head (jaw, eyes),
    in the head frame of the head at rest; they ride on the head's turn where the rig's parents say so.
    """
    whole = in_armature(turn_head, rig.armature_from_head)
    turns = {name: rotation.fraction(whole, share) for name, share in cumulative_shares(rig, neck_share).items()}
    for bone in rig.bones:
        if bone.name in inner_turns:
            inner = in_armature(inner_turns[bone.name], rig.armature_from_head)
            turns[bone.name] = rotation.multiply(carrier_turn(rig, bone, turns, count=len(turn_head)), inner)
    return turns


def local_rotations(rig: Rig, turns: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Give the pose rotation of every turned bone in its own space: {bone: (T, 4)}, sign-continuous, starting with
    w >= 0."""
    result: dict[str, FloatArray] = {}
    for bone in rig.bones:
        if bone.name not in turns:
            continue
        local = turns[bone.name]
        if bone.inherits_rotation:
            parent = carrier_turn(rig, bone, turns, count=len(local))
            local = rotation.multiply(parent * np.array([1.0, -1.0, -1.0, -1.0]), local)
        own_axes = local[..., 1:] @ bone.rest_matrix  # v rest = (rest^T v)^T: the axis in the bone's own frame
        keys = rotation.sign_continuous(np.concatenate([local[..., :1], own_axes], -1))
        result[bone.name] = -keys if keys[0, 0] < 0 else keys
    return result


def local_location(bone: BoneControl, *, offset_armature: FloatArray, carried: FloatArray) -> FloatArray:
    """Give a bone's pose location for a shift: (T, 3) in the armature's axes and units -> (T, 3) in the bone's
    rest axes.

    carried: (T, 4), how far the bone's parents have turned it (armature axes); their turn is taken out of the shift.
    """
    back = rotation.matrix_from_quaternion(carried)
    return np.einsum("tji,tj->ti", back, offset_armature) @ bone.rest_matrix


def carrier_turn(rig: Rig, bone: BoneControl, turns: dict[str, FloatArray], *, count: int) -> FloatArray:
    """Give how far the nearest driven ancestor has turned, in the armature's axes, or none of it: (T = count, 4)."""
    found = next((turns[ancestor.name] for ancestor in _ancestors(rig, bone) if ancestor.name in turns), None)
    return np.tile([1.0, 0.0, 0.0, 0.0], (count, 1)) if found is None else found


def _ancestors(rig: Rig, bone: BoneControl) -> tuple[BoneControl, ...]:
    """Give the driven ancestors of a bone, nearest first; raises ValueError when the parents form a ring."""
    by_name = {control.name: control for control in rig.bones}
    found: list[BoneControl] = []
    parent = bone.parent
    while parent is not None and parent in by_name:
        if len(found) > len(by_name):
            raise ValueError(f"The parents of the bone {bone.name!r} form a ring.")
        found.append(by_name[parent])
        parent = by_name[parent].parent
    return tuple(found)
