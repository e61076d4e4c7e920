# SPDX-License-Identifier: GPL-3.0-or-later
"""Optical flow steadies points that the net sees with noise, and leaves alone what it knows nothing of."""

import cv2
import numpy as np

from fomm_engine.face.flow import FlowSteadier
from fomm_engine.face.keypoints import canonical_points
from fomm_engine.face.look import FrameFace
from fomm_engine.face.weights import load_face_prior

FRAMES, STEP_PX = 24, np.array([1.3, -0.7])
NOISE_PX, SIGMA_PX = 0.6, 1.0


def texture() -> np.ndarray:
    coarse = np.random.default_rng(0).uniform(0, 255, (60, 80, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def moved(picture: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(picture, np.column_stack([np.eye(2), shift]), (640, 480), borderMode=cv2.BORDER_REPLICATE)


def face(points: np.ndarray) -> FrameFace:
    return FrameFace(points, np.full(70, SIGMA_PX), np.eye(3), -3.0)


def test_noise_is_halved_without_lag() -> None:
    rng, picture, steadier = np.random.default_rng(1), texture(), FlowSteadier()
    start = canonical_points(load_face_prior().neutral_cm) * 120 + [260, 280]
    errors = []
    for frame in range(FRAMES):
        truth = start + frame * STEP_PX
        seen = truth + rng.normal(0, NOISE_PX, truth.shape)
        errors.append(steadier.steadied(moved(picture, frame * STEP_PX), face(seen)).points_px - truth)
    late = np.array(errors[6:])
    assert late.std() < 0.7 * NOISE_PX
    assert np.abs(late.mean((0, 1))).max() < 0.1, "the points do not trail behind the motion"


def test_what_disagrees_with_flow_is_left_to_the_net() -> None:
    picture, steadier = texture(), FlowSteadier()
    start = canonical_points(load_face_prior().neutral_cm) * 120 + [260, 280]
    steadier.steadied(picture, face(start))
    shut = start.copy()
    shut[37:39, 1] += 6  # a lid comes down, the skin around it stands still
    found = steadier.steadied(picture, face(shut)).points_px
    np.testing.assert_allclose(found[37:39], shut[37:39])
    np.testing.assert_allclose(found[0], start[0], atol=0.1)


def test_nothing_is_carried_over_a_gap() -> None:
    picture, steadier = texture(), FlowSteadier()
    start = canonical_points(load_face_prior().neutral_cm) * 120 + [260, 280]
    steadier.steadied(picture, face(start))
    steadier.forget()
    found = steadier.steadied(picture, face(start + 0.5)).points_px
    np.testing.assert_array_equal(found, start + 0.5)
