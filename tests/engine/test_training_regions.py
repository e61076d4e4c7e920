# SPDX-License-Identifier: GPL-3.0-or-later
"""The close look at eyes and mouth: patches, what is taken in of them, their training pictures and losses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
torch = pytest.importorskip("torch")

from fomm_engine.face.crop import SquareCrop  # noqa: E402
from fomm_engine.face.region_nets import RegionNets, RegionOutput, seen_in  # noqa: E402
from fomm_engine.face.regions import (  # noqa: E402
    EYE_POINTS,
    IN_PATCHES,
    LEFT_EYE_POINTS,
    MOUTH_POINTS,
    Patches,
    Seen,
    in_picture,
    patch_crops,
    refined,
)
from fomm_engine.training.appearance import AppearanceSettings, sample_look  # noqa: E402
from fomm_engine.training.augment import Backgrounds, PhotoSettings, photograph  # noqa: E402
from fomm_engine.training.brow_labels import BrowLabels  # noqa: E402
from fomm_engine.training.dataset import MANIFEST_NAME, Labels  # noqa: E402
from fomm_engine.training.eye_shapes import EyeShapeSettings, with_eye_shapes  # noqa: E402
from fomm_engine.training.face_model import FaceModel, load_face_model  # noqa: E402
from fomm_engine.training.landmark_data import CLEAN_PHOTO, endless_draws  # noqa: E402
from fomm_engine.training.lip_shapes import LipSettings, with_lips  # noqa: E402
from fomm_engine.training.regions.data import STILL, RegionDataSettings, lids_chances, regions_of  # noqa: E402
from fomm_engine.training.regions.losses import RegionLossSettings, eye_loss, mouth_loss, region_scores  # noqa: E402
from fomm_engine.training.regions.misses import Misses, miss  # noqa: E402
from fomm_engine.training.scene import rotation_from_euler  # noqa: E402
from fomm_engine.training.teeth import TeethSettings, with_teeth  # noqa: E402
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX, LANDMARKS, MIRRORED_POINTS, POINT_COUNT  # noqa: E402

INSIDE = sorted({*EYE_POINTS, *LEFT_EYE_POINTS, *MOUTH_POINTS})


@pytest.fixture(scope="module")
def model(shared_data: Path) -> FaceModel:
    path = shared_data / "face_model" / "ict_facekit.npz"
    if not path.is_file():
        pytest.skip(f"the face model is not there: {path}")
    return load_face_model(path)


def _face(model: FaceModel, rotation: np.ndarray, scale: float = 10.0) -> np.ndarray:
    turned = model.neutral_cm[model.landmarks].astype(np.float64) @ rotation.T
    return turned[:, :2] * (scale, -scale) + (150.0, 170.0)


def _truth(patches: Patches, points: np.ndarray, log_sigma: float = -9.0) -> Seen:
    right, left = (crop.from_picture(points[list(ids)]) for crop, ids in zip(*_eyes(patches), strict=True))
    mouth = patches.mouth.from_picture(points[list(MOUTH_POINTS)])
    return Seen(np.stack([right, left * (-1, 1)]), np.full((2, 12), log_sigma), mouth, np.full(20, log_sigma))


def _eyes(patches: Patches) -> tuple[list[SquareCrop], list[tuple[int, ...]]]:
    return [patches.eye_right, patches.eye_left], [EYE_POINTS, LEFT_EYE_POINTS]


@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (0.7, 0.2, 0.5), (-1.0, -0.3, -0.4)])
def test_patches_hold_their_points_upright_and_the_truth_comes_back(model, angles):
    rotation = rotation_from_euler(*angles)
    points = _face(model, rotation)
    patches = patch_crops(points, rotation)
    seen = _truth(patches, points)
    assert np.abs(seen.eyes).max() < 0.9
    assert np.abs(seen.mouth).max() < 0.9
    assert patches.mouth.roll_rad == pytest.approx(angles[2])
    found, log_sigma = in_picture(patches, seen)
    assert sorted(IN_PATCHES.tolist()) == INSIDE
    np.testing.assert_allclose(found, points[IN_PATCHES], atol=1e-9)
    assert log_sigma[IN_PATCHES == 50] == pytest.approx(-9 + np.log(patches.mouth.side_px / 2))


def test_a_mirrored_face_has_its_patches_mirrored(model):
    rotation = rotation_from_euler(0.4, 0.1, 0.2)
    flip = np.diag([-1.0, 1.0, 1.0])
    points = _face(model, rotation)
    mirrored = (points * (-1, 1) + (300, 0))[list(MIRRORED_POINTS)]
    one, other = patch_crops(points, rotation), patch_crops(mirrored, flip @ rotation @ flip)
    assert other.eye_right.side_px == pytest.approx(one.eye_left.side_px)
    assert other.eye_right.center_px == pytest.approx((300 - one.eye_left.center_px[0], one.eye_left.center_px[1]))
    picture = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    first, second = one.cut(picture)[0][1], other.cut(np.ascontiguousarray(picture[:, ::-1]))[0][0]
    assert np.abs(first.astype(int) - second).mean() < 2


def test_the_surer_look_counts_for_more_and_both_together_are_surer(model):
    points = _face(model, np.eye(3))
    patches = patch_crops(points, np.eye(3))
    off = points + 3.0
    sure, _ = refined(off, np.full(POINT_COUNT, 1.0), patches, _truth(patches, points))
    np.testing.assert_allclose(sure[INSIDE], points[INSIDE], atol=0.01)
    np.testing.assert_array_equal(sure[27:36], off[27:36])
    unsure, log_sigma = refined(off, np.full(POINT_COUNT, 1.0), patches, _truth(patches, points, 4.0))
    np.testing.assert_allclose(unsure[INSIDE], off[INSIDE], atol=0.1)
    assert (log_sigma[INSIDE] <= 1.0).all()
    alike = _truth(patches, points)
    sides = [crop.side_px for crop in (patches.eye_right, patches.eye_left, patches.mouth)]
    eyes_log = np.stack([np.full(12, -np.log(side / 2)) for side in sides[:2]])
    alike = Seen(alike.eyes, eyes_log, alike.mouth, np.full(20, -np.log(sides[2] / 2)))
    middle, both = refined(off, np.zeros(POINT_COUNT), patches, alike)
    np.testing.assert_allclose(middle[INSIDE], points[INSIDE] + 1.5, atol=1e-6)
    assert (both[INSIDE] < -0.05).all()
    assert (both[INSIDE] > 0.5 * np.log(0.5)).all()  # two errors that knew nothing of each other would be surer still


def test_nets_look_at_a_picture(model):
    torch.manual_seed(0)
    picture = np.zeros((300, 300, 3), np.uint8)
    seen = seen_in(RegionNets().eval(), picture, patch_crops(_face(model, np.eye(3)), np.eye(3)))
    assert seen.eyes.shape == (2, 12, 2)
    assert seen.mouth_log_sigma.shape == (20,)
    assert np.isfinite(seen.mouth).all()


class _Spots:
    """One face whose lid and lip corners are coloured spots on black."""

    def __init__(self, model: FaceModel) -> None:
        points = _face(model, np.eye(3)).astype(np.float32)
        picture = np.zeros((320, 320, 4), np.uint8)
        picture[..., 3] = 255
        for index, color in ((36, (255, 0, 0)), (45, (0, 255, 0)), (48, (0, 0, 255))):
            x, y = ((points[index] - 0.5) * 16).round().astype(int).tolist()
            cv2.circle(picture, (x, y), 40, (*color, 255), -1, cv2.LINE_AA, 4)
        self._picture = picture
        self.labels = Labels(points[None], np.eye(3, dtype=np.float32)[None], np.zeros((1, 52)), np.zeros(1, np.int32))

    def picture(self, _: int) -> np.ndarray:
        return self._picture


def _spot(patch: np.ndarray, channel: int) -> np.ndarray:
    ys, xs = np.nonzero(patch[..., channel] > 128)
    return (np.array([xs.mean(), ys.mean()]) + 0.5) / len(patch) * 2 - 1


@pytest.mark.parametrize("settings", [STILL, RegionDataSettings(photo=STILL.photo)])
def test_spots_stay_under_their_labels_in_missed_patches(model, settings):
    rows = np.array([[0.05, -0.03, 0.1, 0.1]], np.float32)
    rng = np.random.default_rng(4)
    pool = Backgrounds(np.zeros((2, 32, 32, 3), np.uint8))
    batch = regions_of(_Spots(model), np.zeros(3, np.int64), pool, rng, Misses(rows, rows), settings)
    for index in range(3):
        right, left = batch.eyes[2 * index].numpy(), batch.eyes[2 * index + 1].numpy()
        corner = EYE_POINTS.index(36)
        np.testing.assert_allclose(_spot(right, 0), batch.eye_points[2 * index, corner], atol=0.02)
        np.testing.assert_allclose(_spot(left, 1), batch.eye_points[2 * index + 1, corner], atol=0.02)
        mouth = batch.mouths[index].numpy()
        ends = batch.mouth_points[index, [MOUTH_POINTS.index(48), MOUTH_POINTS.index(54)]].numpy()
        assert np.abs(ends - _spot(mouth, 2)).max(1).min() < 0.02  # the other end where it was mirrored


def test_a_drawn_miss_is_the_one_that_was_measured():
    row = np.array([[0.1, -0.05, 0.2, 0.15]])
    right = SquareCrop((100.0, 80.0), 50.0, 0.3)
    missed = Misses(row, row).draw("mouth", right, np.random.default_rng(0), factor=1.0)
    np.testing.assert_allclose(miss(missed, right), row[0], atol=1e-9)
    still = Misses(row, row).draw("eye", right, np.random.default_rng(0), factor=0.0)
    assert (still.center_px, still.side_px) == (pytest.approx(right.center_px), pytest.approx(right.side_px))


def test_movements_that_are_too_small_cost_more_than_a_shift_of_the_same_size():
    rng = np.random.default_rng(1)
    settings = RegionLossSettings()
    for count, loss in ((12, eye_loss), (20, mouth_loss)):
        points = torch.from_numpy(rng.uniform(-0.5, 0.5, (64, count, 2)).astype(np.float32))
        sigma = torch.full((64, count), -3.0)
        middle = points.mean((0, 1))
        shrunk = middle + 0.8 * (points - middle)
        step = (shrunk - points).abs().mean()
        costs = [float(loss(RegionOutput(each, sigma), points, settings)) for each in (points, points + step, shrunk)]
        assert costs[0] < costs[1] < costs[2]
    eyes, mouths = (torch.from_numpy(rng.uniform(-0.5, 0.5, (64, n, 2)).astype(np.float32)) for n in (12, 20))
    output = [RegionOutput(0.5 * each, torch.zeros(each.shape[:2])) for each in (eyes, mouths)]
    scores = region_scores(output[0], eyes, output[1], mouths)
    assert scores["lips_slope"] == pytest.approx(0.5)
    assert scores["brow_r"] == pytest.approx(1.0)


def test_brow_labels_follow_the_hair(model):
    labels = BrowLabels(model)
    points = model.neutral_cm[model.landmarks]
    brows = [*LANDMARKS["brow_right"], *LANDMARKS["brow_left"]]
    ridge = labels.followed(points, model.neutral_cm, np.zeros(4))
    np.testing.assert_allclose(ridge, points, atol=0.06)
    low = labels.followed(points, model.neutral_cm, np.array([-0.5, 0, 0, 0]))
    assert low[19, 1] - points[19, 1] == pytest.approx(-0.5, abs=0.08)
    assert low[24, 1] - points[24, 1] == pytest.approx(-0.5, abs=0.08)
    tilted = labels.followed(points, model.neutral_cm, np.array([0, 0.4, 0, 0]))[brows, 1] - points[brows, 1]
    assert tilted[0] < -0.05 < 0.1 < tilted[4]  # the right brow's inner end is its last point, the left one's its first
    assert tilted[9] < -0.05 < 0.1 < tilted[5]
    others = np.setdiff1d(np.arange(POINT_COUNT), brows)
    np.testing.assert_array_equal(low[others], points[others])


def test_eye_shapes_narrow_the_eye_and_hang_skin_above_it(model):
    rng = np.random.default_rng(2)
    plain = model.neutral_cm[model.landmarks]
    narrow = with_eye_shapes(model, model.neutral_cm, rng, EyeShapeSettings(hooded=0, puffy=0, narrow=1))
    hooded = with_eye_shapes(model, model.neutral_cm, rng, EyeShapeSettings(hooded=1, puffy=0, narrow=0))
    opening = [_opening(shape) for shape in (plain, narrow[model.landmarks], hooded[model.landmarks])]
    assert 0.3 * opening[0] < opening[1] < opening[0]
    assert opening[2] == pytest.approx(opening[0], rel=0.25)
    moved = hooded - model.neutral_cm
    assert moved[:, 2].max() > 0.05
    assert model.neutral_cm[moved[:, 2] > 0.02, 1].min() > plain[LANDMARKS["eye_right"][0], 1] - 0.2
    same = with_eye_shapes(model, model.neutral_cm, rng, EyeShapeSettings(hooded=0, puffy=0, narrow=0))
    np.testing.assert_array_equal(same, model.neutral_cm)


def _opening(points: np.ndarray) -> float:
    upper, lower = (points[list(LANDMARKS[f"lid_{lid}_right"]), 1] for lid in ("upper", "lower"))
    return float((upper - lower).mean())


def test_teeth_move_and_nothing_else_does(model):
    rng = np.random.default_rng(3)
    upper, lower = model.jaws["upper"], model.jaws["lower"]
    assert model.neutral_cm[upper, 1].mean() > model.neutral_cm[lower, 1].mean() + 0.5
    hidden = with_teeth(model, model.neutral_cm, rng, TeethSettings(upper_hidden=1, lower_moved=0, set_back=0))
    rise = (hidden - model.neutral_cm)[upper]
    assert 0.2 <= rise[0, 1] <= 0.9 and np.ptp(rise[:, 1]) < 1e-4
    still = np.setdiff1d(np.arange(len(hidden)), upper)
    np.testing.assert_array_equal(hidden[still], model.neutral_cm[still])
    back = with_teeth(model, model.neutral_cm, rng, TeethSettings(upper_hidden=0, lower_moved=0, set_back=1))
    assert (back - model.neutral_cm)[np.concatenate([upper, lower]), 2].max() < 0
    np.testing.assert_array_equal(back[model.landmarks], model.neutral_cm[model.landmarks])


def test_thin_lips_keep_their_seam_and_everything_beyond(model):
    rng = np.random.default_rng(4)
    thin = LipSettings(upper=1, lower=1, upper_left=(0.4, 0.4), lower_left=(0.5, 0.5))
    shaped = with_lips(model, model.neutral_cm, rng, thin)
    before, after = (vertices[model.landmarks] for vertices in (model.neutral_cm, shaped))
    height = _heights(after, "lip_upper", "lip_inner_upper") / _heights(before, "lip_upper", "lip_inner_upper")
    assert 0.3 < height < 0.65
    assert _heights(after, "lip_inner_lower", "lip_lower") < 0.75 * _heights(before, "lip_inner_lower", "lip_lower")
    gap = _heights(after, "lip_inner_upper", "lip_inner_lower") - _heights(before, "lip_inner_upper", "lip_inner_lower")
    assert abs(gap) < 0.06  # cm: shut lips stay shut
    away = [row for row in range(POINT_COUNT) if row not in MOUTH_POINTS]
    assert np.abs(after[away] - before[away]).max() < 0.25  # the nose's base and the chin's rim go along a little
    nobody = LipSettings(upper=0, lower=0)
    np.testing.assert_array_equal(with_lips(model, model.neutral_cm, rng, nobody), model.neutral_cm)


def _heights(points: np.ndarray, upper: str, lower: str) -> float:
    """Mean height (cm) of one row of points over another."""
    return float(points[list(LANDMARKS[upper]), 1].mean() - points[list(LANDMARKS[lower]), 1].mean())


def test_deep_set_eyes_are_darker_where_they_should_be():
    chances = AppearanceSettings(shaded_eyes=1.0, lid_lines=0.0)
    looks = [sample_look(np.random.default_rng(seed), chances).uniforms for seed in range(20)]
    assert max(look["eye_shade"][0] for look in looks) <= 0.7
    assert all(look["lid_lines"][0] == look["lid_lines"][2] == 0 for look in looks)
    plain = sample_look(np.random.default_rng(0), AppearanceSettings(shaded_eyes=0.0, lid_lines=1.0)).uniforms
    assert plain["eye_shade"][0] == 1.0 and plain["lid_lines"][0] > 0


def _lids(*blinks: float) -> Labels:
    count = len(blinks)
    arkit = np.zeros((count, len(ARKIT_CHANNELS)), np.float32)
    arkit[:, ARKIT_INDEX["eyeBlinkLeft"]] = blinks
    turns = np.tile(np.eye(3, dtype=np.float32), (count, 1, 1))
    return Labels(np.zeros((count, POINT_COUNT, 2), np.float32), turns, arkit, np.arange(count, dtype=np.int32))


def test_faces_are_drawn_by_their_chances(tmp_path):
    labels = _lids(0.0, 1.0, 0.2, 0.9)
    np.save(tmp_path / "shard_0001.npy", np.zeros((4, 2, 2, 4), np.uint8))
    np.savez(tmp_path / "shard_0001.npz", **vars(labels))
    (tmp_path / MANIFEST_NAME).write_text('{"held_out_shards": 1}')
    np.save(tmp_path / "backgrounds.npy", np.zeros((1, 8, 8, 3), np.uint8))
    assert lids_chances(labels, 0.25).tolist() == [1.0, 0.25, 1.0, 0.25]
    drawn = next(endless_draws(tmp_path, 0, 4000, lambda found: lids_chances(found, 0.25))).order
    shares = np.bincount(drawn, minlength=4) / 4000
    np.testing.assert_allclose(shares, [0.4, 0.1, 0.4, 0.1], atol=0.03)
    evenly = next(endless_draws(tmp_path, 0, 4000)).order
    np.testing.assert_allclose(np.bincount(evenly, minlength=4) / 4000, 0.25, atol=0.03)


def test_cameras_sharpen_with_halos_and_lamps_shine_unevenly():
    edge = np.full((64, 64, 3), 80, np.uint8)
    edge[:, 32:] = 160
    quiet = replace(CLEAN_PHOTO, sharpen=0)
    assert any(np.array_equal(photograph(edge, np.random.default_rng(seed), quiet), edge) for seed in range(4))
    sharp = photograph(edge, np.random.default_rng(2), replace(CLEAN_PHOTO, sharpen=1.0))
    assert sharp.min() < 78 and sharp.max() > 162  # both sides overshoot
    assert abs(int(sharp[32, 2, 0]) - 80) <= 2  # away from the edge nothing changes
    plain = np.full((64, 64, 3), 120, np.uint8)
    lit = photograph(plain, np.random.default_rng(1), replace(CLEAN_PHOTO, uneven=1.0)).astype(float)
    assert lit.std() > 2
    assert np.abs(np.diff(lit[..., 0], axis=0)).max() < 12  # softly
    assert PhotoSettings().uneven == 0  # the landmark net is trained without
