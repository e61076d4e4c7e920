# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic faces: lips and lids that meet, what is worn, sets on disk that change, contact sheets."""

import json
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
torch = pytest.importorskip("torch")

from fomm_engine.face.nets import LandmarkOutput, expected_position  # noqa: E402
from fomm_engine.training.accessories import AccessoryChances, sample_accessories  # noqa: E402
from fomm_engine.training.curves import read_log, write_curve  # noqa: E402
from fomm_engine.training.dataset import MANIFEST_NAME, FaceSet, Labels, distributions  # noqa: E402
from fomm_engine.training.expressions import ExpressionSampler, ExpressionSettings  # noqa: E402
from fomm_engine.training.face_model import FaceModel, load_face_model  # noqa: E402
from fomm_engine.training.landmark_data import Batch  # noqa: E402
from fomm_engine.training.landmark_losses import (  # noqa: E402
    LossSettings,
    gaze_gains,
    landmark_loss,
    openness,
    peak_loss,
    sigma_scores,
)
from fomm_engine.training.mesh import tube  # noqa: E402
from fomm_engine.training.scene import SceneSettings, rotation_from_euler, sample_person  # noqa: E402
from fomm_engine.training.sheets import contact_sheet, failures_sheet, with_labels  # noqa: E402
from fomm_engine.wire.names import ARKIT_INDEX, LANDMARKS, POINT_COUNT  # noqa: E402


@pytest.fixture(scope="module")
def model(shared_data: Path) -> FaceModel:
    path = shared_data / "face_model" / "ict_facekit.npz"
    if not path.is_file():
        pytest.skip(f"the face model is not there: {path}")
    return load_face_model(path)


def _weights(model: FaceModel, **amounts: float) -> np.ndarray:
    weights = np.zeros(len(model.expression_names), np.float32)
    for name, amount in amounts.items():
        halves = [name] if name in model.expression_names else [name + "_L", name + "_R"]
        weights[[model.expression_index(half) for half in halves]] = amount
    return weights


def _heights_cm(points: np.ndarray, upper: str, lower: str) -> np.ndarray:
    return points[list(LANDMARKS[upper]), 1] - points[list(LANDMARKS[lower]), 1]


@pytest.mark.parametrize("amounts", [{"jawOpen": 1, "mouthClose": 1}, {"mouthShrugLower": 1}, {"mouthPress": 1}])
def test_lips_touch_where_the_linear_head_would_cross_them(model, amounts):
    weights = _weights(model, **amounts)
    linear = (model.neutral_cm + model.expression_offset_cm(weights))[model.landmarks]
    posed = model.posed_cm(model.neutral_cm, weights)[model.landmarks]
    assert _heights_cm(linear, "lip_inner_upper", "lip_inner_lower").min() < -0.05
    heights = _heights_cm(posed, "lip_inner_upper", "lip_inner_lower")
    assert heights.min() > -0.02
    assert heights.max() < 0.35


def test_contact_leaves_open_mouths_and_open_eyes_alone(model):
    weights = _weights(model, jawOpen=0.6, mouthSmile=0.5, eyeBlink=0.4)
    linear = model.neutral_cm + model.expression_offset_cm(weights)
    np.testing.assert_array_equal(model.posed_cm(model.neutral_cm, weights), linear)


def test_shut_lids_are_shut_in_every_identity(model):
    rng = np.random.default_rng(5)
    for _ in range(4):
        identity = model.shape_cm(rng.normal(0, 1, len(model.identity_cm)).astype(np.float32))
        points = model.posed_cm(identity, _weights(model, eyeBlink=1.0))[model.landmarks]
        for side in ("right", "left"):
            assert np.abs(_heights_cm(points, "lid_upper_" + side, "lid_lower_" + side)).max() < 0.06


def test_landmarks_alone_meet_as_the_whole_head_does(model):
    weights = np.stack([_weights(model, jawOpen=0.5, mouthClose=0.6, eyeBlink=0.97), _weights(model, mouthPress=1)])
    linear = np.stack([model.neutral_cm + model.expression_offset_cm(row) for row in weights])
    whole = model.contacts.settle(linear, weights)[:, model.landmarks]
    alone = model.contacts.among(model.landmarks).settle(linear[:, model.landmarks], weights)
    np.testing.assert_allclose(alone, whole, atol=1e-5)


def test_pressed_lips_have_no_gap(model):
    chances = ExpressionSettings(pressed=1.0, neutral=1.0, smile=0.0)
    sampler, rng = ExpressionSampler(model, chances), np.random.default_rng(2)
    heights = []
    for _ in range(20):
        points = model.posed_cm(model.neutral_cm, sampler.sample(rng))[model.landmarks]
        heights.append(_heights_cm(points, "lip_inner_upper", "lip_inner_lower").mean())
    assert np.median(heights) < 0.1


def test_accessories_follow_their_chances():
    rng = np.random.default_rng(0)
    drawn = [sample_accessories(rng, AccessoryChances(hand=0.5, locks=0.0, tongue=1.0), hat=False) for _ in range(300)]
    assert 0.4 < np.mean([bool(each.hands) for each in drawn]) < 0.6
    assert not any(each.locks or each.brim for each in drawn)
    assert all(each.tongue for each in drawn)


def test_props_lie_where_they_belong(model):
    props = pytest.importorskip("fomm_engine.training.props")
    points = model.neutral_cm[model.landmarks].astype(np.float64)
    rng = np.random.default_rng(1)
    everything = AccessoryChances(hand=1, locks=1, held=1, headphones=1, microphone=1, tongue=1)
    chin = points[LANDMARKS["chin"][0]]
    for _ in range(30):
        extra = sample_accessories(rng, everything, hat=True)
        assert extra.locks and extra.tongue and extra.microphone
        strands, _ = props.locks(points, extra.locks, 9.0)
        assert strands[:, 2].max() > points[LANDMARKS["brow_right"][2], 2]  # before the face
        tip, _ = props.tongue(points, *extra.tongue)
        assert tip[:, 2].max() > points[LANDMARKS["lip_lower"][0], 2] - 1.5
        for solid in [*(props.hand(points, each) for each in extra.hands), props.microphone(points, extra.microphone)]:
            assert np.isfinite(solid[0]).all()
            assert np.linalg.norm(solid[0] - chin, axis=1).min() < 14


def test_same_seed_same_person(model):
    first, second = (sample_person(model, np.random.default_rng(8), SceneSettings()) for _ in range(2))
    np.testing.assert_array_equal(first.base_cm, second.base_cm)
    assert first.look.accessories == second.look.accessories


def test_steep_heatmaps_cost_and_broad_ones_do_not():
    settings = LossSettings(peak=0.5, peak_limit=20.0)
    logits = torch.zeros(1, 2, 4, 4)
    logits[0, 0, 1, 1] = 19.0
    assert float(peak_loss(logits, settings)) == 0
    logits[0, 1, 2, 2] = 26.0
    assert float(peak_loss(logits, settings)) == pytest.approx(0.5 * 36 / 2)


def _labels(rotation: np.ndarray, arkit: np.ndarray, person: list[int]) -> Labels:
    points = np.zeros((len(person), POINT_COUNT, 2), np.float32)
    return Labels(points, rotation.astype(np.float32), arkit.astype(np.float32), np.array(person, np.int32))


def _write_shard(folder: Path, number: int, person: int) -> Path:
    path = folder / f"shard_{number:04d}.npy"
    labels = _labels(np.zeros((2, 3, 3)), np.zeros((2, 52)), [person] * 2)
    np.savez(path.with_suffix(".npz"), **vars(labels))
    np.save(path, np.full((2, 4, 4, 4), person, np.uint8))
    return path


def test_shards_may_come_and_go(tmp_path):
    (tmp_path / MANIFEST_NAME).write_text('{"held_out_shards": 1}')
    _write_shard(tmp_path, 0, 0)
    gone, _ = _write_shard(tmp_path, 1, 1), _write_shard(tmp_path, 2, 2)
    faces = FaceSet(tmp_path, held_out=False)
    assert faces.labels.person.tolist() == [1, 1, 2, 2]
    _write_shard(tmp_path, 3, 3)
    gone.unlink()
    faces.refresh()
    assert faces.labels.person.tolist() == [2, 2, 3, 3]
    assert [int(faces.picture(index)[0, 0, 0]) for index in range(4)] == [2, 2, 3, 3]
    tmp_path.joinpath("shard_0003.npz").unlink()  # half removed: the labels went first
    fresh = FaceSet(tmp_path, held_out=False)
    assert fresh.labels.person.tolist() == [2, 2]


def test_sheets_hold_every_picture_and_labels_where_they_are():
    pictures = [np.full((6, 6, 3), value, np.uint8) for value in (1, 2, 3)]
    sheet = contact_sheet(pictures, 2)
    assert sheet.shape == (12, 12, 3)
    assert [int(sheet[y, x, 0]) for y, x in ((0, 0), (0, 6), (6, 0), (6, 6))] == [1, 2, 3, 0]
    points = np.zeros((POINT_COUNT, 2))
    points[68] = (20.5, 30.5)
    drawn = with_labels(np.zeros((64, 64, 3), np.uint8), points)
    assert drawn.shape == (192, 192, 3)
    ys, xs = np.nonzero((drawn == (255, 0, 255)).all(2) & (np.arange(192) > 20))
    assert (xs.mean() / 3, ys.mean() / 3) == pytest.approx((20.5, 30.5), abs=0.4)


def test_a_tube_is_closed_around_its_path():
    points, triangles = tube(np.array([[0.0, 0, 0], [0, 5, 0], [0, 10, 0]]), 1.0, 8)
    assert triangles.max() == len(points) - 1
    np.testing.assert_allclose(np.hypot(points[:, 0], points[:, 2]), 1.0, atol=1e-5)


def test_distributions_count_what_the_labels_say():
    rotation = np.stack([rotation_from_euler(np.radians(yaw), 0.1, 0) for yaw in (0, 35, -55, 10)])
    arkit = np.zeros((4, 52), np.float32)
    arkit[0, ARKIT_INDEX["eyeBlinkLeft"]] = 1.0
    arkit[1, ARKIT_INDEX["eyeBlinkRight"]] = 0.6
    arkit[2, [ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]]] = 0.5
    arkit[3, ARKIT_INDEX["jawOpen"]] = 0.5
    shares = distributions(_labels(rotation, arkit, [7, 7, 8, 9]))
    assert (shares["frames"], shares["identities"]) == (4, 3)
    expected = {"yaw_beyond_30_deg": 0.5, "yaw_beyond_50_deg": 0.25, "lids_shut": 0.25, "jaw_open_beyond_0.2": 0.25}
    assert {name: shares[name] for name in expected} == expected
    assert shares["lids_45_to_88_percent_shut"] == shares["lips_met_before_an_open_jaw"] == 0.25


def test_sigma_is_called_honest_where_it_is():
    torch.manual_seed(0)
    sigma = torch.exp(torch.empty(200, POINT_COUNT).uniform_(-4, -2))
    spread = torch.distributions.Laplace(0.0, 1.0).sample((200, POINT_COUNT, 2)) * sigma[..., None] / 2
    truth = torch.zeros(200, POINT_COUNT, 2)
    output = LandmarkOutput(spread, sigma.log(), torch.eye(3).expand(200, 3, 3))
    honest = sigma_scores(output, truth)
    assert honest["sigma_ratio"] == pytest.approx(1, abs=0.05)
    assert honest["sigma_worst_ratio"] == pytest.approx(1, abs=0.1)
    flat = sigma_scores(output._replace(log_sigma=sigma.log().mean().expand(200, POINT_COUNT)), truth)
    assert abs(sigma_scores(output._replace(log_sigma=sigma.log() + 1), truth)["sigma_ratio"] - 0.37) < 0.05
    assert flat["sigma_worst_ratio"] != pytest.approx(1, abs=0.1)


def test_the_worst_picture_comes_first():
    truth = torch.zeros(3, POINT_COUNT, 2)
    truth[:, 36, 0], truth[:, 45, 0] = -0.3, 0.3
    batch = Batch(torch.zeros(3, 128, 128, 3, dtype=torch.uint8), truth, torch.eye(3).expand(3, 3, 3), 3)
    found = truth.numpy().copy()
    found[1] += 0.3
    found[2] += 0.05
    sheet = failures_sheet(batch, found, 2)
    first, second = (int((sheet[:, start : start + 192] > 40).any(2).sum()) for start in (0, 192))
    assert first > second  # two drawings apart cover more than two on top of each other


def test_a_log_is_read_and_drawn(tmp_path):
    scores = {"inner51_percent": 3.0, "inner51_frontal_percent": 2.5, "eyes_percent": 2.0, "mouth_percent": 3.1}
    lines = ["stage landmarks", *(json.dumps({"samples": samples, **scores}) for samples in (2000, 1000)), '{"a": 1}']
    (tmp_path / "landmarks.log").write_text("\n".join(lines))
    rows = read_log(tmp_path / "landmarks.log")
    assert [row["samples"] for row in rows] == [1000, 2000]
    picture = cv2.imread(str(write_curve([rows, rows], tmp_path / "sheets" / "curve.png")))
    assert picture is not None
    assert picture.std() > 5


def _open_eyes(count: int) -> torch.Tensor:
    """Points (count, 70, 2) with two eyes a third as high as wide."""
    points = torch.zeros(count, POINT_COUNT, 2)
    outline = torch.tensor([[-3.0, 0], [-1, -1], [1, -1], [3, 0], [1, 1], [-1, 1]]) / 20
    points[:, list(LANDMARKS["eye_right"])] = outline - torch.tensor([0.4, 0.0])
    points[:, list(LANDMARKS["eye_left"])] = outline + torch.tensor([0.4, 0.0])
    points[:, 68:] = torch.tensor([[-0.4, 0.0], [0.4, 0.0]])
    return points


def test_gaze_gain_is_the_share_of_the_irises_movement_that_is_found():
    torch.manual_seed(1)
    truth = _open_eyes(50)
    moves = torch.randn(50, 2, 2) * 0.03
    found = truth.clone()
    truth[:, 68:] += moves
    found[:, 68:] += moves * torch.tensor([0.8, 0.5])
    assert gaze_gains(found, truth).tolist() == pytest.approx([0.8, 0.5], abs=1e-4)
    assert gaze_gains(found[:2], truth[:2]).tolist() == [1.0, 1.0]  # too few eyes to tell


def test_gaze_counts_in_open_eyes_alone():
    open_eyes, shut = _open_eyes(1), _open_eyes(1)
    for row in ("right", "left"):
        shut[:, list(LANDMARKS["lid_upper_" + row])] = shut[:, list(LANDMARKS["lid_lower_" + row])]
    assert openness(open_eyes).tolist() == [[1.0, 1.0]]
    assert openness(shut).tolist() == [[0.0, 0.0]]
    costs = []
    for truth in (open_eyes, shut):
        found = truth.clone()
        found[:, 68:] += 0.02
        output = LandmarkOutput(found, torch.zeros(1, POINT_COUNT), torch.eye(3)[None])
        settings = [LossSettings(gaze=gaze) for gaze in (0.0, 10.0)]
        without, with_gaze = (float(landmark_loss(output, truth, torch.eye(3)[None], each)) for each in settings)
        costs.append(with_gaze - without)
    assert costs[0] == pytest.approx(0.4, rel=1e-3)
    assert costs[1] == pytest.approx(0.0, abs=1e-6)


def test_positions_keep_single_precision_in_a_half_precision_training():
    torch.manual_seed(0)
    logits = 4 * torch.randn(1, 2, 32, 32)
    exact = expected_position(logits)
    with torch.autocast("cpu", torch.bfloat16):
        found = expected_position(logits)
    assert found.dtype == torch.float32
    assert float((found - exact).abs().max()) < 1e-6
