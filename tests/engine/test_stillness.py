# SPDX-License-Identifier: GPL-3.0-or-later
"""Points stand still where the picture does, and nowhere else."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fomm_engine.face.stillness import StillPoints

Array = npt.NDArray[np.float64]
SIDE, FRAMES = 160, 25
POINTS = np.array([[x, y] for y in (40.0, 80.0, 120.0) for x in (30.0, 60.0, 100.0, 130.0)])


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(5)


def skin(draw: np.random.Generator) -> Array:
    """(160, 160) something with detail, grey levels."""
    return cv2.GaussianBlur(draw.uniform(0, 255, (SIDE, SIDE)), (0, 0), 2.0) * 3 - 255


def followed(still: StillPoints, grey: npt.NDArray[np.uint8], seen: Array, gate: float = 4.0) -> Array:
    which, where = still.held(grey, seen, seen, np.full(len(seen), gate))
    return np.where(which[:, None], where, seen)


def filmed(picture: npt.NDArray[Any], draw: np.random.Generator) -> npt.NDArray[np.uint8]:
    return np.clip(picture + draw.normal(0, 2.0, picture.shape), 0, 255).astype(np.uint8)


def test_a_still_picture_gives_still_points_near_the_mean_of_what_is_seen(draw: np.random.Generator) -> None:
    picture, still = skin(draw), StillPoints()
    seen = POINTS + draw.normal(0, 0.5, (FRAMES, *POINTS.shape))
    held = np.array([followed(still, filmed(picture, draw), each) for each in seen])
    late = held[10:]
    assert np.sqrt(((late - late.mean(0)) ** 2).mean()) < 0.08, "a sixth of the noise, and less"
    np.testing.assert_allclose(held[-1], seen.mean(0), atol=1e-9)


def test_what_moves_is_left_alone_at_once_and_the_rest_stays(draw: np.random.Generator) -> None:
    picture, still = skin(draw), StillPoints()
    for _ in range(10):
        followed(still, filmed(picture, draw), POINTS)
    changed = picture.copy()
    changed[30:50, 20:40] = np.roll(changed, 2, axis=0)[30:50, 20:40]  # around the first point, as when a lid shuts
    seen = POINTS + 2.0
    held = followed(still, filmed(changed, draw), seen)
    np.testing.assert_array_equal(held[0], seen[0])
    assert (np.abs(held[1:] - POINTS[1:]) < 0.5).all()
    back = followed(still, filmed(picture, draw), POINTS + 0.4)
    assert np.abs(back[0] - POINTS[0]).max() < 0.1, "open again, it is where it was"


def test_a_moving_picture_holds_nothing(draw: np.random.Generator) -> None:
    picture, still = skin(draw), StillPoints()
    for shift in range(12):
        moved = cv2.warpAffine(picture, np.array([[1, 0, 0.4 * shift], [0, 1, 0]], np.float32), (SIDE, SIDE))
        seen = POINTS + np.array([0.4 * shift, 0.0])
        np.testing.assert_array_equal(followed(still, filmed(moved, draw), seen), seen)


def test_a_mean_that_was_wrong_begins_anew(draw: np.random.Generator) -> None:
    picture, still = skin(draw), StillPoints()
    followed(still, filmed(picture, draw), POINTS)
    for _ in range(2):
        found = followed(still, filmed(picture, draw), POINTS + 3.0, gate=2.0)
        np.testing.assert_allclose(found, POINTS + 3.0)


def test_it_goes_on_from_its_state(draw: np.random.Generator) -> None:
    picture, one, other = skin(draw), StillPoints(), StillPoints()
    frames = [(filmed(picture, draw), POINTS + draw.normal(0, 0.5, POINTS.shape)) for _ in range(8)]
    for grey, seen in frames[:4]:
        followed(one, grey, seen)
    other.resume(one.state())
    for grey, seen in frames[4:]:
        np.testing.assert_array_equal(followed(one, grey, seen), followed(other, grey, seen))
