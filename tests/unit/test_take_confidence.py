# SPDX-License-Identifier: GPL-3.0-or-later
"""How sure a take is: points by their sigma and the face's size, frames by their points, the strip by its stretches."""

import numpy as np
import pytest

from blender_addon.core.take_confidence import (
    STRIP_LENGTH,
    frame_confidence,
    point_confidence,
    strip_of,
    values_of_strip,
)


def test_a_point_is_half_sure_at_its_share_of_the_face():
    points = np.array([[[0.0, 0.0], [100.0, 40.0]]] * 3)
    sigma = np.array([[0.0, 2.5], [2.5, 7.5], [0.0, 0.0]])
    found = point_confidence(sigma, points, np.array([True, True, False]))
    assert found == pytest.approx(np.array([[1.0, 0.5], [0.5, 0.1], [0.0, 0.0]]))
    tiny = point_confidence(np.array([[0.025, 0.0]]), np.zeros((1, 2, 2)), np.array([True]))
    assert tiny == pytest.approx(np.array([[0.5, 1.0]]))


def test_a_frame_is_as_sure_as_its_middle_point_or_as_it_says():
    points = np.array([[0.1, 0.4, 0.9], [0.2, 0.2, 0.2], [1.0, 1.0, 1.0]])
    valid = np.array([True, True, False])
    assert frame_confidence(points, valid).tolist() == [0.4, 0.2, 0.0]
    assert frame_confidence(points, valid, np.array([1.7, -1.0, 0.5])).tolist() == [1.0, 0.0, 0.0]


def test_a_strip_comes_back_within_its_steps():
    sure = np.linspace(0.0, 1.0, 1000)
    strip = strip_of(sure)
    assert len(strip) == STRIP_LENGTH
    assert (strip[0], strip[32], strip[-1]) == ("0", "8", "f")
    assert np.abs(values_of_strip(strip) - np.linspace(0, 1, STRIP_LENGTH)).max() < 0.05
    assert strip_of(np.array([0.2, 1.0])) == "3f"
    assert strip_of(np.zeros(0)) == ""
    assert values_of_strip("f?0").tolist() == [1.0, 0.0, 0.0]
