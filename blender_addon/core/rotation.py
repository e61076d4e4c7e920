# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations in arrays: matrices, unit quaternions (w, x, y, z), rotation vectors and Euler angles.

Every function takes any number of leading axes unless it says it needs a time axis. Matrices act on column vectors from
the left. Formulas: J. Diebel, "Representing Attitude" (2006); J. Sola et al., "A micro Lie theory" (arXiv:1812.01537).
"""

import itertools

import numpy as np

from .array_types import FloatArray

EULER_ORDERS: tuple[str, ...] = tuple("".join(order) for order in itertools.permutations("XYZ"))
SMALL_ANGLE_RAD = 1e-7
GIMBAL_MARGIN = 1e-7  # of |sin| from 1: closer than this two axes are one, and the first angle is free


def quaternion_from_matrix(matrix: FloatArray) -> FloatArray:
    """Give unit quaternions of rotation matrices: (..., 3, 3) -> (..., 4), w >= 0.

    Of the four classical branches (Shepperd 1978) the one with the largest pivot is taken for each matrix.
    """
    m = matrix
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    rows = [
        [1 + xx + yy + zz, wx, wy, wz],
        [wx, 1 + xx - yy - zz, xy, xz],
        [wy, xy, 1 - xx + yy - zz, yz],
        [wz, xz, yz, 1 - xx - yy + zz],
    ]
    outer = np.stack([np.stack(row, -1) for row in rows], -2)  # four times the outer product of the quaternion
    pivot = np.argmax(np.diagonal(outer, axis1=-2, axis2=-1), -1)
    picked = np.take_along_axis(outer, pivot[..., None, None], -2)[..., 0, :]
    unit: FloatArray = picked / np.linalg.norm(picked, axis=-1, keepdims=True)
    return np.where(unit[..., :1] < 0, -unit, unit)


def matrix_from_quaternion(quaternion: FloatArray) -> FloatArray:
    """Give rotation matrices of quaternions (normalised here): (..., 4) -> (..., 3, 3)."""
    w, x, y, z = np.moveaxis(quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def multiply(left: FloatArray, right: FloatArray) -> FloatArray:
    """Give the quaternion product: first `right`, then `left`. (..., 4), (..., 4) -> (..., 4)."""
    a, b, c, d = np.moveaxis(left, -1, 0)
    w, x, y, z = np.moveaxis(right, -1, 0)
    parts = [
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    ]
    return np.stack(parts, -1)


def sign_continuous(quaternion: FloatArray) -> FloatArray:
    """Give the same rotations with signs such that neighbours in time never jump to the far side of the sphere.

    (T, 4) -> (T, 4); the first keeps its sign.
    """
    dots = np.sum(quaternion[1:] * quaternion[:-1], -1)
    signs = np.concatenate([[1.0], np.cumprod(np.where(dots < 0, -1.0, 1.0))])
    return quaternion * signs[:, None]


def rotvec_from_quaternion(quaternion: FloatArray) -> FloatArray:
    """Give rotation vectors (axis times angle, radians, angle <= pi): (..., 4) -> (..., 3). The log map."""
    shortest = np.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    vector = shortest[..., 1:]
    sine = np.linalg.norm(vector, axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, shortest[..., :1])
    return vector * np.where(sine < SMALL_ANGLE_RAD, 2.0, angle / np.maximum(sine, SMALL_ANGLE_RAD))


def quaternion_from_rotvec(rotvec_rad: FloatArray) -> FloatArray:
    """Give quaternions of rotation vectors: (..., 3) radians -> (..., 4). The exponential map."""
    angle = np.linalg.norm(rotvec_rad, axis=-1, keepdims=True)
    factor = np.where(angle < SMALL_ANGLE_RAD, 0.5, np.sin(angle / 2) / np.maximum(angle, SMALL_ANGLE_RAD))
    return np.concatenate([np.cos(angle / 2), rotvec_rad * factor], -1)


def rotvec_from_matrix(matrix: FloatArray) -> FloatArray:
    """Give rotation vectors of matrices: (..., 3, 3) -> (..., 3) radians, angle <= pi."""
    return rotvec_from_quaternion(quaternion_from_matrix(matrix))


def matrix_from_rotvec(rotvec_rad: FloatArray) -> FloatArray:
    """Give matrices of rotation vectors: (..., 3) radians -> (..., 3, 3)."""
    return matrix_from_quaternion(quaternion_from_rotvec(rotvec_rad))


def axis_angle_from_quaternion(quaternion: FloatArray) -> FloatArray:
    """Give (angle_rad, x, y, z) with the axis of length one (Blender's AXIS_ANGLE order): (..., 4) -> (..., 4).

    Without a rotation the axis is +Y, Blender's own default.
    """
    rotvec = rotvec_from_quaternion(quaternion)
    angle = np.linalg.norm(rotvec, axis=-1, keepdims=True)
    axis = np.where(angle > SMALL_ANGLE_RAD, rotvec / np.maximum(angle, SMALL_ANGLE_RAD), np.array([0.0, 1.0, 0.0]))
    return np.concatenate([angle, axis], -1)


def continuous_axis_angle(quaternion: FloatArray) -> FloatArray:
    """Give axis-angle keys over time whose axis never flips: (T, 4) wxyz -> (T, 4) of (angle_rad, x, y, z).

    Where the rotation passes through none, the angle changes its sign instead of the axis.
    """
    keys = axis_angle_from_quaternion(quaternion)
    for frame in range(1, len(keys)):
        if abs(keys[frame, 0]) < SMALL_ANGLE_RAD:
            keys[frame] = np.concatenate([[0.0], keys[frame - 1, 1:]])
        elif np.dot(keys[frame, 1:], keys[frame - 1, 1:]) < 0:
            keys[frame] = -keys[frame]
        keys[frame, 0] += 2 * np.pi * np.round((keys[frame - 1, 0] - keys[frame, 0]) / (2 * np.pi))
    return keys


def fraction(quaternion: FloatArray, share: float) -> FloatArray:
    """Give the share of a rotation about its own axis: (..., 4) -> (..., 4); 0 is none of it, 1 all of it."""
    return quaternion_from_rotvec(rotvec_from_quaternion(quaternion) * share)


def slerp(first: FloatArray, second: FloatArray, share: FloatArray) -> FloatArray:
    """Give the rotation at a share of the shortest way from first to second: (..., 4), (..., 4), (...) -> (..., 4).

    Shares of exactly 0 and 1 give the ends themselves. (K. Shoemake, SIGGRAPH 1985.)
    """
    conjugate = first * np.array([1.0, -1.0, -1.0, -1.0])
    step = quaternion_from_rotvec(rotvec_from_quaternion(multiply(second, conjugate)) * share[..., None])
    between = multiply(step, first)
    between = between / np.linalg.norm(between, axis=-1, keepdims=True)
    part = share[..., None]
    return np.where(part == 0.0, first, np.where(part == 1.0, second, between))


def _axes(order: str) -> tuple[int, int, int, float]:
    """Give the three axis numbers of an Euler order and whether it is even (+1) or odd (-1)."""
    if order not in EULER_ORDERS:
        raise ValueError(f"The Euler order must be one of {', '.join(EULER_ORDERS)}; it is {order!r}.")
    i, j, k = ("XYZ".index(letter) for letter in order)
    return i, j, k, 1.0 if (i, j, k) in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else -1.0


def matrix_from_euler(euler_rad: FloatArray, order: str) -> FloatArray:
    """Give matrices of Euler angles: (..., 3) radians about X, Y, Z -> (..., 3, 3).

    The angles always stand in the order x, y, z; `order` says which turns first, as Blender's rotation_mode: "XYZ" is
    Rz Ry Rx. Raises ValueError for an unknown order.
    """
    i, j, k, _ = _axes(order)
    axes = np.eye(3)
    turns = [matrix_from_rotvec(euler_rad[..., axis, None] * axes[axis]) for axis in (i, j, k)]
    return turns[2] @ turns[1] @ turns[0]


def euler_from_matrix(matrix: FloatArray, order: str) -> FloatArray:
    """Give Euler angles of matrices: (..., 3, 3) -> (..., 3) radians about X, Y, Z, for Blender's `order`.

    The middle angle lies within +-90 degrees; at 90 the first one is set to 0. Raises ValueError for an unknown order.
    """
    i, j, k, parity = _axes(order)
    sine = np.clip(-parity * matrix[..., k, i], -1.0, 1.0)
    middle = np.arctan2(sine, np.hypot(matrix[..., i, i], matrix[..., j, i]))
    locked = 1.0 - np.abs(sine) < GIMBAL_MARGIN
    first = np.where(locked, 0.0, np.arctan2(parity * matrix[..., k, j], matrix[..., k, k]))
    last = np.where(
        locked,
        np.arctan2(-parity * matrix[..., i, j], matrix[..., j, j]),
        np.arctan2(parity * matrix[..., j, i], matrix[..., i, i]),
    )
    euler = np.empty(matrix.shape[:-1])
    euler[..., i], euler[..., j], euler[..., k] = first, middle, last
    return euler


def continuous_euler(quaternion: FloatArray, order: str) -> FloatArray:
    """Give Euler keys over time without jumps: (T, 4) wxyz -> (T, 3) radians about X, Y, Z.

    Each frame has two answers (the other turns the outer axes by half a turn), each up to whole turns; the one
    nearest to the frame before is taken, and the first frame's is the one with the smaller angles.
    """
    i, j, k, _ = _axes(order)
    first = euler_from_matrix(matrix_from_quaternion(quaternion), order)
    second = first.copy()
    second[:, i] += np.pi
    second[:, j] = np.pi - second[:, j]
    second[:, k] += np.pi
    previous: FloatArray = np.zeros(3)
    keys = np.empty_like(first)
    for frame, pair in enumerate(zip(first, second, strict=True)):
        near: list[FloatArray] = [answer + 2 * np.pi * np.round((previous - answer) / (2 * np.pi)) for answer in pair]
        distances = [float(np.abs(answer - previous).sum()) for answer in near]
        previous = near[1] if distances[1] < distances[0] - 1e-9 else near[0]
        keys[frame] = previous
    return keys
