# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a character's head is and which way it may look, before anything was seen: from its bones and shape keys."""

from __future__ import annotations

import numpy as np
from mathutils import Quaternion

from ...core.array_types import FloatArray
from ...core.rig_basis import ARMATURE_FROM_HEAD
from ..characters import rig_scan
from ..characters.rig_scan import Scan
from .family import Family
from .stage import Stage
from .views import Frame

_NOD_RAD = 0.25  # how far the head bone is turned to see what is the head
_CARRIED = 0.7  # of the bone's own motion: what moves so far belongs to the head
_MARGIN = 1.25
_KEYS_TO_HEAD = 1.7  # the height of a head over that of the region its face keys move
_QUARTERS_RAD = (np.pi, np.pi / 2, -np.pi / 2)


def guessed_frames(family: Family, scan: Scan, stage: Stage) -> list[Frame]:
    """The frames in which the face could be, likeliest first; the character stands at rest."""
    points = _head_points(family, scan, stage)
    low, high = points.min(axis=0), points.max(axis=0)
    centre, height = (low + high) / 2, _MARGIN * float((high - low).max())
    first = _first_rotation(family, scan)
    turned = [Frame(first, centre, height).turned(yaw, 0.0) for yaw in _QUARTERS_RAD]
    others = [ARMATURE_FROM_HEAD, np.eye(3)]  # Blender's characters with Z up, and those that came with Y up
    frames = [Frame(first, centre, height), *turned, *(Frame(other, centre, height) for other in others)]
    kept: list[Frame] = []
    for frame in frames:
        if not any(np.trace(frame.rotation.T @ other.rotation) > 2.7 for other in kept):
            kept.append(frame)
    return kept


def _first_rotation(family: Family, scan: Scan) -> FloatArray:
    """World from head as the rig suggests it."""
    matrix = np.array(family.main.matrix_world, np.float64)[:3, :3]
    wanted = matrix @ scan.rig.armature_from_head
    left, _, right = np.linalg.svd(wanted)
    turned = left @ right
    # A mirrored object shows a face all the same: its x changes sides, so that the frame is a rotation again.
    return turned if np.linalg.det(turned) > 0 else turned * np.array([-1.0, 1.0, 1.0])


def _head_points(family: Family, scan: Scan, stage: Stage) -> FloatArray:
    """(N, 3) points of the head in the world: what the head bone carries, else what the face keys move, else all."""
    rest = [stage.vertices(mesh) for mesh in family.meshes]
    carried = _carried_by_head(family, scan, stage, rest)
    if carried is not None:
        return carried
    keyed = [_moved_by_keys(mesh, own) for mesh, own in zip(family.meshes, rest, strict=True)]
    points = np.concatenate([own for own in keyed if len(own)] or rest)
    if not any(len(own) for own in keyed):
        return points
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    return middle + (points - middle) * _KEYS_TO_HEAD


def _carried_by_head(family: Family, scan: Scan, stage: Stage, rest: list[FloatArray]) -> FloatArray | None:
    heads = scan.rig.with_role("head")
    if family.armature is None or not heads:
        return None
    bone = family.armature.pose.bones[heads[0].name]
    mode = bone.rotation_mode
    before = np.array(family.armature.evaluated_get(stage.graph).pose.bones[bone.name].matrix)
    turn = Quaternion((1.0, 0.3, 0.3), _NOD_RAD)
    bone.rotation_quaternion = turn
    bone.rotation_euler = turn.to_euler("XYZ" if mode in ("QUATERNION", "AXIS_ANGLE") else mode)
    axis, angle = turn.to_axis_angle()
    bone.rotation_axis_angle = (angle, *axis)
    stage.update()
    after = np.array(family.armature.evaluated_get(stage.graph).pose.bones[bone.name].matrix)
    world = np.array(family.armature.matrix_world, np.float64)
    carry = world @ after @ np.linalg.inv(before) @ np.linalg.inv(world)
    found: list[FloatArray] = []
    for mesh, own in zip(family.meshes, rest, strict=True):
        wanted = own @ carry[:3, :3].T + carry[:3, 3] - own
        size = np.linalg.norm(wanted, axis=1)
        off = np.linalg.norm(stage.vertices(mesh) - own - wanted, axis=1)
        found.append(own[(size > 0) & (off < (1.0 - _CARRIED) * size)])
    bone.rotation_quaternion, bone.rotation_euler = (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    bone.rotation_axis_angle = (0.0, 0.0, 1.0, 0.0)
    stage.update()
    points = np.concatenate(found)
    return points if len(points) >= 4 else None


def _moved_by_keys(mesh: object, world: FloatArray) -> FloatArray:
    if not rig_scan.has_shape_keys(mesh):  # type: ignore[arg-type]
        return world[:0]
    keys = mesh.data.shape_keys  # type: ignore[attr-defined]
    basis = _places(keys.reference_key)
    moved = np.zeros(len(basis), np.bool_)
    least = 1e-4 * max(1e-9, float(np.ptp(basis, axis=0).max()))
    for block in keys.key_blocks:
        moved |= np.abs(_places(block) - basis).max(axis=1) > least
    return world[: len(basis)][moved[: len(world)]]


def _places(block: object) -> FloatArray:
    flat = np.empty(3 * len(block.data), np.float32)  # type: ignore[attr-defined]
    block.data.foreach_get("co", flat)  # type: ignore[attr-defined]
    return flat.reshape(-1, 3).astype(np.float64)
