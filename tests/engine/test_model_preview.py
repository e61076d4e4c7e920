# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview's warp: log-Euclidean blends, lids, lips, edges."""

import numpy as np
import pytest
from scipy.linalg import expm

from fomm_engine.model.lip_seam import find_seam, parted
from fomm_engine.model.motion import Keypoints
from fomm_engine.model.polyaffine import affine_fit, applied, carried, logarithms, tamed, unsheared
from fomm_engine.model.preview import PortraitWarp, PreviewSettings
from fomm_engine.wire.names import KEYPOINTS

SIDE = 128
PLACES = {
    "eye_right": (-0.25, -0.15),
    "eye_left": (0.25, -0.15),
    "brow_right": (-0.25, -0.3),
    "brow_left": (0.25, -0.3),
    "nose": (0, 0.05),
    "mouth_right": (-0.18, 0.3),
    "mouth_left": (0.18, 0.3),
    "lip_upper": (0, 0.26),
    "lip_lower": (0, 0.36),
    "chin": (0, 0.55),
}


def face(**moved: tuple[float, float]) -> Keypoints:
    """A plain face, with some keypoints moved by (x, y)."""
    value = np.array([np.add(PLACES[name], moved.get(name, (0, 0))) for name in KEYPOINTS], np.float32)
    return Keypoints(value, np.broadcast_to(np.eye(2, dtype=np.float32), (10, 2, 2)).copy())


def portrait() -> np.ndarray:
    """A smooth pattern with a dark line where the lips meet."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE * 2 - 1
    image = np.stack([128 + 80 * np.sin(6 * x), 128 + 80 * np.cos(5 * y), 160 + 40 * x * y], -1)
    image[(np.abs(y - 0.31) < 0.012) & (np.abs(x) < 0.18)] = 20
    return image.astype(np.uint8)


def warp(source: Keypoints | None = None, **settings: float) -> PortraitWarp:
    source = source or face()
    return PortraitWarp(portrait(), source, source, PreviewSettings(**settings))


def test_a_logarithm_flows_into_its_map() -> None:
    rng = np.random.default_rng(3)
    maps = np.concatenate([np.eye(2) + 0.4 * rng.standard_normal((30, 2, 2)), rng.standard_normal((30, 2, 1))], -1)
    maps = maps[np.linalg.det(maps[:, :, :2]) > 0.2]
    for affine, log in zip(maps, logarithms(maps), strict=True):
        assert expm(np.vstack([log, np.zeros(3)]))[:2] == pytest.approx(affine, abs=1e-5)
        points = rng.standard_normal((5, 2))
        flown = carried(points, lambda z, v=log: applied(v, z), 200)
        assert flown == pytest.approx(applied(affine, points), abs=1e-3)


def test_tamed_maps_neither_mirror_nor_run_away() -> None:
    assert tamed(np.diag([5.0, 0.01]), 2, 1) == pytest.approx(np.diag([2, 0.5]))
    assert np.linalg.det(tamed(np.diag([1.0, -1.0]), 2, 1)) > 0
    gentle = np.array([[1.2, 0.3], [-0.1, 0.9]])
    assert tamed(gentle, 2, 1) == pytest.approx(gentle)
    assert tamed(-np.eye(2), 2, 0.5)[0, 0] == pytest.approx(np.cos(0.5))


def test_an_affine_fit_finds_the_map_and_stiffness_keeps_the_shape() -> None:
    points, share = np.random.default_rng(4).standard_normal((10, 2)), np.full(10, 0.1)
    sheared = np.array([[1, 0.5, 0.1], [0, 1, 0.2]])
    assert affine_fit(points, applied(sheared, points), share, 0) == pytest.approx(sheared, abs=1e-6)
    stiff = affine_fit(points, applied(sheared, points), share, 1e6)[:, :2]
    assert stiff.T @ stiff == pytest.approx(np.eye(2) * np.linalg.det(stiff), abs=1e-4)


def test_a_head_is_turned_and_narrowed_but_not_sheared() -> None:
    roll = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    narrow, sheared = np.diag([0.8, 1.0]), np.array([[1, 0.3], [0.3, 1]])
    assert unsheared(roll @ narrow, np.eye(2), 0, 1.35) == pytest.approx(roll @ narrow)
    assert unsheared(roll @ sheared, np.eye(2), 0, 1.35) == pytest.approx(roll)
    assert unsheared(roll @ sheared, np.eye(2), 1, 2) == pytest.approx(roll @ sheared)
    assert unsheared(np.diag([3.0, 1.0]), np.eye(2), 0, 1.35) == pytest.approx(np.diag([1.35, 1]))


def test_a_long_chin_does_not_tear() -> None:
    """The chin lies far below the eyes, and moves by itself: nothing jumps from one cell to the next."""
    long = face(chin=(0, 0.35))
    lookup = warp(long).lookup(face(chin=(0, 0.22)))
    steps = np.diff(lookup[..., 1], axis=0) * lookup.shape[0] / 2  # 1 where nothing moves
    assert steps.min() > 0.2 and steps.max() < 2.5


def test_without_motion_the_portrait_stays_as_it_is() -> None:
    still = warp().frame(face()).astype(int)
    assert np.abs(still - portrait()).max() <= 2


def test_a_moving_head_takes_the_face_along_and_leaves_the_edges() -> None:
    everything = dict.fromkeys(KEYPOINTS, (0.1, -0.05))
    lookup = warp().lookup(face(**everything))
    cells = lookup.shape[0]
    still = (np.arange(cells) + 0.5) / cells * 2 - 1
    centre = cells // 2
    assert lookup[centre, centre] == pytest.approx([still[centre] - 0.1, still[centre] + 0.05], abs=0.01)
    assert lookup[:, 0, 0] == pytest.approx(still[0], abs=0.01)
    assert lookup[-1, :, 1] == pytest.approx(still[-1], abs=0.01)
    assert np.abs(lookup).max() < 1.02


def test_no_motion_however_wild_tears_or_folds() -> None:
    rng = np.random.default_rng(7)
    for _ in range(5):
        wild = face(**{name: tuple(0.08 * rng.standard_normal(2)) for name in KEYPOINTS})
        wild.jacobian[:] += 0.5 * rng.standard_normal((10, 2, 2)).astype(np.float32)
        lookup = warp().lookup(wild)
        across, down = np.gradient(lookup, axis=1), np.gradient(lookup, axis=0)
        area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
        assert area.min() > 0


def test_lids_close_as_far_as_the_eye_jacobian_says() -> None:
    settings = PreviewSettings()
    closed = face()
    for eye in (0, 1):
        closed.jacobian[eye, 1, 1] = 1 - settings.eye_share * 0.8  # its own points at a fifth of their height
    lookup = warp().lookup(closed)
    cells = lookup.shape[0]
    column, row = (round((at + 1) / 2 * cells - 0.5) for at in PLACES["eye_right"])
    squeezed = (lookup[row + 1, column, 1] - lookup[row - 1, column, 1]) / (4 / cells)
    assert 2 < squeezed < 6
    away = (lookup[cells - 20, column, 1] - lookup[cells - 22, column, 1]) / (4 / cells)
    assert away == pytest.approx(1, abs=0.1)


def test_lips_part_along_the_dark_line_and_show_the_mouth_inside() -> None:
    moved = warp().frame(face(lip_lower=(0, 0.16), chin=(0, 0.14)))
    column = moved[:, SIDE // 2].astype(int).sum(1)
    inside = np.flatnonzero(column < 120)
    assert 4 <= len(inside) <= 14
    assert 0.28 < (inside[0] + 0.5) / SIDE * 2 - 1 < 0.4
    corner = moved[:, round((1 - 0.3) * SIDE / 2)].astype(int).sum(1)
    assert corner.min() > 120


def test_the_seam_follows_the_darkest_line() -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE * 2 - 1
    image = np.full((SIDE, SIDE, 3), 180, np.uint8)
    image[np.abs(y - (0.1 + 0.06 * (1 - (x / 0.5) ** 2))) < 0.02] = 30
    seam = find_seam(image, np.array([[-0.5, 0.1], [0.5, 0.1]]), np.array([[0, 0.0], [0, 0.3]]))
    _, depth = seam.coordinates(np.array([[0, 0.16], [0, 0.26], [-0.25, 0.145]]))
    assert depth * 0.5 == pytest.approx([0, 0.1, 0], abs=0.025)


def test_parted_lips_cover_what_is_behind_them() -> None:
    upper, lower = np.full((8, 4, 3), 200, np.uint8), np.full((8, 4, 3), 100, np.uint8)
    rows = np.arange(8)[:, None] + np.zeros((8, 4))
    image = parted(upper, lower, 2.5 - rows, rows - 5.5)
    assert (image[:2] == 200).all()
    assert (image[7] == 100).all()
    assert image[4].max() < 60
