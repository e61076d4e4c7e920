# SPDX-License-Identifier: GPL-3.0-or-later
"""The last door: what is no number is held from the frame before, and told; what is sound goes through untouched."""

import numpy as np
import pytest

from blender_addon.core.curve_guard import guarded
from blender_addon.core.curves import Curves

NAN, INF = float("nan"), float("inf")
FRAMES = np.arange(1, 5)


def curves(**groups):
    usual = {"shape_values": {}, "bone_rotations": {}, "bone_locations": {}}
    return Curves(FRAMES, **{**usual, **groups})


def test_sound_curves_go_through_as_they_are():
    given = curves(shape_values={"a": np.array([0.0, 1.0, -3.0, 1e8])}, bone_rotations={"b": np.eye(4)})
    found, notes = guarded(given)
    assert found is given
    assert notes == ()


@pytest.mark.parametrize(
    ("values", "held"),
    [
        ([1.0, NAN, 3.0, 4.0], [1.0, 1.0, 3.0, 4.0]),
        ([NAN, INF, 3.0, NAN], [3.0, 3.0, 3.0, 3.0]),
        ([1.0, 2.0, 1e12, -INF], [1.0, 2.0, 2.0, 2.0]),
        ([NAN, NAN, INF, -1e10], [0.0, 0.0, 0.0, 0.0]),
    ],
)
def test_a_bad_value_is_held_from_the_good_one_before(values, held):
    found, notes = guarded(curves(shape_values={"a": np.array(values), "ok": np.ones(4)}))
    assert found.shape_values["a"].tolist() == held
    assert found.shape_values["ok"].tolist() == [1.0] * 4
    assert [note.code for note in notes] == ["mended-values"]
    assert "in a." in notes[0].message


def test_vectors_are_held_whole_and_scales_rest_at_one():
    bad = np.array([[1.0, 2.0, 3.0], [4.0, NAN, 6.0], [7.0, 8.0, 9.0], [1.0, 1.0, 1.0]])
    none = np.full((4, 3), NAN)
    found, notes = guarded(
        curves(bone_locations={"b": bad}, bone_scales={"c": none}, control_values={"p": np.full(4, INF)})
    )
    assert found.bone_locations["b"].tolist() == [[1, 2, 3], [1, 2, 3], [7, 8, 9], [1, 1, 1]]
    assert found.bone_scales["c"].tolist() == [[1.0] * 3] * 4
    assert found.control_values["p"].tolist() == [0.0] * 4
    assert "in b, c, p." in notes[0].message


def test_quaternions_have_length_one_or_are_held():
    keys = np.array([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, NAN, 0.0, 0.0], [0.0, 0.6, 0.0, 0.8]])
    found, _ = guarded(curves(bone_rotations={"b": keys}))
    assert found.bone_rotations["b"].tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0.6, 0, 0.8]]
    found, _ = guarded(curves(bone_rotations={"b": np.zeros((4, 4))}))
    assert found.bone_rotations["b"].tolist() == [[1.0, 0.0, 0.0, 0.0]] * 4
    near = np.array([[1.0005, 0.0, 0.0, 0.0]] * 4)
    assert guarded(curves(bone_rotations={"b": near}))[0].bone_rotations["b"] is near
