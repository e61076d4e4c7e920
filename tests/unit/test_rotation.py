# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations against closed forms, and round trips through every other form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_addon.core import rotation

ANGLE = st.floats(-np.pi, np.pi, allow_nan=False)
ROTVEC = st.tuples(ANGLE, ANGLE, ANGLE).map(np.array).filter(lambda v: np.linalg.norm(v) < np.pi - 1e-3)


@given(ROTVEC)
@settings(deadline=None)
def test_matrix_and_quaternion_and_rotvec_are_one_rotation(rotvec):
    matrix = rotation.matrix_from_rotvec(rotvec)
    assert np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1.0)
    assert np.allclose(rotation.rotvec_from_matrix(matrix), rotvec, atol=1e-7)
    assert np.allclose(rotation.matrix_from_quaternion(rotation.quaternion_from_rotvec(rotvec)), matrix, atol=1e-12)


@given(ROTVEC, st.sampled_from(rotation.EULER_ORDERS))
@settings(deadline=None)
def test_euler_angles_give_the_matrix_back(rotvec, order):
    matrix = rotation.matrix_from_rotvec(rotvec)
    assert np.allclose(rotation.matrix_from_euler(rotation.euler_from_matrix(matrix, order), order), matrix, atol=1e-6)


@pytest.mark.parametrize("order", rotation.EULER_ORDERS)
def test_euler_order_is_blenders_first_letter_turns_first(order):
    angles = np.radians([20.0, -35.0, 50.0])
    single = {letter: rotation.matrix_from_rotvec(np.eye(3)[k] * angles[k]) for k, letter in enumerate("XYZ")}
    expected = single[order[2]] @ single[order[1]] @ single[order[0]]
    assert np.allclose(rotation.matrix_from_euler(angles, order), expected)
    assert np.allclose(rotation.euler_from_matrix(expected, order), angles)


@pytest.mark.parametrize("order", rotation.EULER_ORDERS)
@pytest.mark.parametrize("middle", [np.pi / 2, -np.pi / 2])
def test_gimbal_lock_still_gives_the_rotation(order, middle):
    angles = np.zeros(3)
    angles["XYZ".index(order[1])] = middle
    angles["XYZ".index(order[0])] = 0.7
    matrix = rotation.matrix_from_euler(angles, order)
    assert np.allclose(rotation.matrix_from_euler(rotation.euler_from_matrix(matrix, order), order), matrix, atol=1e-7)


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="XXY"):
        rotation.euler_from_matrix(np.eye(3), "XXY")


def test_quarter_turn_about_up_is_the_known_quaternion():
    turned = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert np.allclose(rotation.quaternion_from_matrix(turned), [np.sqrt(0.5), 0, 0, np.sqrt(0.5)])
    assert np.allclose(rotation.rotvec_from_matrix(turned), [0, 0, np.pi / 2])


@given(ROTVEC, ROTVEC)
@settings(deadline=None)
def test_product_of_quaternions_is_product_of_matrices(one, other):
    product = rotation.multiply(rotation.quaternion_from_rotvec(one), rotation.quaternion_from_rotvec(other))
    expected = rotation.matrix_from_rotvec(one) @ rotation.matrix_from_rotvec(other)
    assert np.allclose(rotation.matrix_from_quaternion(product), expected, atol=1e-9)


@given(ROTVEC, st.floats(0.0, 1.0))
@settings(deadline=None)
def test_a_fraction_has_the_same_axis_and_its_share_of_the_angle(rotvec, share):
    part = rotation.rotvec_from_quaternion(rotation.fraction(rotation.quaternion_from_rotvec(rotvec), share))
    assert np.allclose(part, rotvec * share, atol=1e-6)


def test_slerp_keeps_its_ends_to_the_bit_and_goes_halfway():
    first, second = rotation.quaternion_from_rotvec(np.radians([[10.0, 0, 0], [10, 0, 0], [10, 0, 0]])), None
    second = -rotation.quaternion_from_rotvec(np.radians([[50.0, 0, 0], [50, 0, 0], [50, 0, 0]]))
    between = rotation.slerp(first, second, np.array([0.0, 0.5, 1.0]))
    assert (between[0] == first[0]).all()
    assert (between[2] == second[2]).all()
    assert np.degrees(np.linalg.norm(rotation.rotvec_from_quaternion(between[1]))) == pytest.approx(30.0)


def test_signs_are_continuous_over_full_turns():
    angles = np.linspace(0, 6 * np.pi, 200)
    matrices = rotation.matrix_from_rotvec(np.stack([angles * 0, angles, angles * 0], 1))
    quaternions = rotation.sign_continuous(rotation.quaternion_from_matrix(matrices))
    assert (np.sum(quaternions[1:] * quaternions[:-1], 1) > 0.9).all()
    assert np.allclose(rotation.matrix_from_quaternion(quaternions), matrices)


@pytest.mark.parametrize("order", ["XYZ", "ZYX", "YXZ"])
def test_euler_keys_do_not_jump_where_the_angles_wrap(order):
    angles = np.linspace(0, 3 * np.pi, 300)
    columns = [np.full(300, 0.1), np.full(300, 0.1), np.full(300, 0.1)]
    columns["XYZ".index(order[0])] = angles  # about the first axis: far from gimbal lock, where keys must turn fast
    turn = rotation.quaternion_from_rotvec(np.stack(columns, 1))
    wrapped = rotation.euler_from_matrix(rotation.matrix_from_quaternion(turn), order)
    keys = rotation.continuous_euler(turn, order)
    assert np.abs(np.diff(wrapped, axis=0)).max() > 3.0  # the plain angles do jump
    assert np.abs(np.diff(keys, axis=0)).max() < 0.5
    assert np.allclose(rotation.matrix_from_euler(keys, order), rotation.matrix_from_quaternion(turn), atol=1e-7)


def test_axis_angle_keys_pass_through_zero_without_flipping_the_axis():
    angles = np.linspace(0.3, -0.3, 21)
    turn = rotation.quaternion_from_rotvec(np.stack([angles * 0, angles * 0, angles], 1))
    keys = rotation.continuous_axis_angle(turn)
    assert np.abs(np.diff(keys, axis=0)).max() < 0.1
    assert np.allclose(keys[:, 0:1] * keys[:, 1:], np.stack([angles * 0, angles * 0, angles], 1), atol=1e-9)
