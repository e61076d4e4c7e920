# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops and keypoints: there and back, upright, and exact on affine motions."""

import numpy as np
import pytest

from fomm_engine.face.crop import SquareCrop, letterboxed
from fomm_engine.face.keypoints import canonical_points, keypoint_maps
from fomm_engine.face.tracker import crop_around
from fomm_engine.face.weights import load_face_prior


@pytest.mark.parametrize("roll_deg", [0.0, 20.0, -50.0, 180.0])
def test_points_go_to_the_crop_and_back(roll_deg: float) -> None:
    crop = SquareCrop((100.0, 60.0), 80.0, float(np.radians(roll_deg)))
    points = np.random.default_rng(0).uniform(0, 200, (9, 2))
    np.testing.assert_allclose(crop.to_picture(crop.from_picture(points)), points, atol=1e-9)


@pytest.mark.parametrize("side", [40.0, 120.0, 300.0])
@pytest.mark.parametrize("roll_deg", [0.0, 25.0])
def test_a_mark_in_the_picture_stands_where_the_crop_says(side: float, roll_deg: float) -> None:
    mark = np.array([150.5, 120.5])
    image = np.zeros((300, 300, 3), np.float32)
    y, x = np.mgrid[0:300, 0:300] + 0.5
    image[:] = (255 * np.exp(-((x - mark[0]) ** 2 + (y - mark[1]) ** 2) / (2 * (side / 30) ** 2)))[..., None]
    crop = SquareCrop((140.0, 125.0), side, float(np.radians(roll_deg)))
    cut = crop.cut(image.astype(np.uint8), 128)[..., 0].astype(float)
    y, x = np.mgrid[0:128, 0:128] + 0.5
    found = np.array([(cut * x).sum(), (cut * y).sum()]) / cut.sum() / 64 - 1
    np.testing.assert_allclose(found, crop.from_picture(mark), atol=0.006)


def test_a_tilted_face_is_cut_upright() -> None:
    points = canonical_points(load_face_prior().neutral_cm) * 50
    angle = np.radians(30)  # counter-clockwise as seen, y down
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    seen = points @ turn.T + 200
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    upright = crop_around(seen, rotation).from_picture(seen)
    np.testing.assert_allclose(upright, points / 50, atol=0.02)


def test_the_letterbox_holds_the_whole_picture() -> None:
    picture, crop = letterboxed(np.full((90, 160, 3), 200, np.uint8), 96)
    assert picture[48, 48, 0] == 200 and picture[2, 48, 0] == 0
    np.testing.assert_allclose(crop.from_picture(np.array([[0.0, 45.0], [160.0, 45.0]])), [[-1, 0], [1, 0]])


def test_keypoints_follow_an_affine_motion_exactly() -> None:
    neutral = load_face_prior().neutral_cm
    canonical = canonical_points(neutral)
    linear, shift = np.array([[1.1, 0.2], [-0.1, 0.8]]), np.array([0.3, -0.2])
    value, jacobian = keypoint_maps(neutral).apply(canonical @ linear.T + shift)
    still, _ = keypoint_maps(neutral).apply(canonical)
    np.testing.assert_allclose(value, still @ linear.T + shift, atol=1e-6)
    np.testing.assert_allclose(jacobian, np.broadcast_to(linear, jacobian.shape), atol=1e-6)


def test_a_closing_eye_flattens_its_jacobian() -> None:
    prior = load_face_prior()
    maps = keypoint_maps(prior.neutral_cm)
    shut = prior.points_cm(np.zeros(len(prior.identity_modes_cm)), np.eye(52)[0] + np.eye(52)[7])
    _, jacobian = maps.apply(canonical_points(shut))
    assert jacobian[0, 1, 1] < 0.75 and jacobian[1, 1, 1] < 0.75
    assert 0.85 < jacobian[4, 1, 1] < 1.15, "the nose stays"
