# SPDX-License-Identifier: GPL-3.0-or-later
"""The splice of two takes: who leads, where, and that nothing jumps at the ends."""

import numpy as np
import pytest

from blender_addon.core import rotation
from blender_addon.core.curves import Curves
from blender_addon.core.splice import Span, cut, lead, spliced

FRAMES = np.arange(1, 101)


def turns(angle):
    return rotation.quaternion_from_rotvec(np.stack([np.zeros_like(angle), angle, np.zeros_like(angle)], 1))


def curves(value, angle, frames=FRAMES, **more):
    shapes = {"jaw": np.full(len(frames), value), "brow": np.full(len(frames), value / 2)}
    return Curves(frames, shapes, {"head": turns(np.full(len(frames), angle))}, **({"bone_locations": {}} | more))


def test_without_a_span_the_second_leads_what_it_holds_and_nothing_else():
    first, second = curves(0.2, 0.1), curves(0.8, 0.5)
    del second.shape_values["brow"], second.bone_rotations["head"]
    second.shape_values["only here"] = np.ones(100)
    result = spliced(first, second)
    np.testing.assert_array_equal(result.shape_values["jaw"], second.shape_values["jaw"])
    np.testing.assert_array_equal(result.shape_values["brow"], first.shape_values["brow"])
    np.testing.assert_array_equal(result.bone_rotations["head"], first.bone_rotations["head"])
    assert "only here" not in result.shape_values


def test_at_the_ends_of_a_span_it_blends_without_a_jump():
    first, second = curves(0.0, 0.0), curves(1.0, 1.2)
    result = spliced(first, second, Span(20, 60, 10.0))
    jaw = result.shape_values["jaw"]
    np.testing.assert_array_equal(jaw[FRAMES <= 20], 0.0)
    np.testing.assert_array_equal(jaw[(FRAMES >= 30) & (FRAMES <= 50)], 1.0)
    np.testing.assert_array_equal(jaw[FRAMES >= 60], 0.0)
    assert np.abs(np.diff(jaw)).max() < 0.16
    assert jaw[FRAMES == 25][0] == pytest.approx(0.5)
    angle = np.linalg.norm(rotation.rotvec_from_quaternion(result.bone_rotations["head"]), axis=1)
    np.testing.assert_allclose(angle, 1.2 * jaw, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(result.bone_rotations["head"], axis=1), 1.0)


def test_opposite_signs_of_a_quaternion_are_the_same_turn():
    first, second = curves(0.0, 0.2), curves(0.0, 0.4)
    second.bone_rotations["head"] *= -1.0
    keys = spliced(first, second, Span(20, 60, 10.0)).bone_rotations["head"]
    assert (np.sum(keys[1:] * keys[:-1], 1) > 0.99).all()


def test_a_short_span_goes_as_far_as_it_can():
    share = lead(FRAMES, Span(40, 50, 100.0))
    assert share.max() == 1.0
    assert share[FRAMES == 45][0] == 1.0
    assert share[FRAMES == 40][0] == share[FRAMES == 50][0] == 0.0
    np.testing.assert_array_equal(lead(FRAMES, Span(40, 50)), ((FRAMES >= 40) & (FRAMES <= 50)).astype(float))


def test_a_shorter_second_take_is_held_at_its_ends():
    late = np.arange(31, 41)
    second = curves(0.0, 0.0, frames=late)
    second.shape_values["jaw"] = np.linspace(0.1, 1.0, 10)
    jaw = spliced(curves(0.0, 0.0), second).shape_values["jaw"]
    assert (jaw[:30] == 0.1).all()
    assert (jaw[40:] == 1.0).all()
    assert jaw[35] == pytest.approx(0.6)


def test_the_cut_is_the_frames_that_are_asked_for():
    part = cut(curves(0.3, 0.1), 91, 200)
    np.testing.assert_array_equal(part.frames, np.arange(91, 101))
    assert part.bone_rotations["head"].shape == (10, 4)
    with pytest.raises(ValueError, match="covers the frames 1 to 100, not 300 to 400"):
        cut(curves(0.3, 0.1), 300, 400)


def test_spans_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="before it starts"):
        Span(10, 5)
    with pytest.raises(ValueError, match="negative"):
        Span(1, 5, -1.0)
