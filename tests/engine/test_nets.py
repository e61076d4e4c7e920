# SPDX-License-Identifier: GPL-3.0-or-later
"""The face nets' shapes and conventions, their features, and the loading of the embedded weights."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fomm_engine.face import nets, weights  # noqa: E402
from fomm_engine.training.export import export_net  # noqa: E402
from fomm_engine.training.scene import rotation_from_euler  # noqa: E402
from fomm_engine.wire.errors import UserError  # noqa: E402
from fomm_engine.wire.names import ARKIT_INDEX, IRIS_LEFT, IRIS_RIGHT, MIRRORED_POINTS, POINT_COUNT  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_landmark_net_gives_points_sigma_and_a_rotation():
    output = nets.LandmarkNet(stem=4, wide=8).eval()(torch.randn(2, 3, 128, 128))
    assert output.points.shape == (2, POINT_COUNT, 2)
    assert output.log_sigma.shape == (2, POINT_COUNT)
    product = output.rotation @ output.rotation.transpose(1, 2)
    assert torch.allclose(product, torch.eye(3).expand(2, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(output.rotation), torch.ones(2), atol=1e-5)


def test_expected_position_is_the_mean_of_the_softmax():
    logits = torch.full((1, 1, 4, 8), -30.0)
    logits[0, 0, 3, 1] = logits[0, 0, 3, 2] = 0.0
    position = nets.expected_position(logits)[0, 0]
    assert position.tolist() == pytest.approx([-0.5, 0.75], abs=1e-5)  # x right, y down


def test_box_is_read_at_the_strongest_face_only():
    logits = torch.full((1, 12, 12), -20.0)
    logits[0, 2, 3], logits[0, 2, 4], logits[0, 9, 9] = 5.0, 5.0, 4.9
    size = torch.zeros(1, 12, 12)
    size[0, 9, 9] = 7.0
    box = nets.BoxNet.decode(logits, size, torch.zeros(1))
    assert box.center[0].tolist() == pytest.approx([(4.0 / 12) * 2 - 1, (2.5 / 12) * 2 - 1], abs=1e-4)
    assert box.log_size.item() == pytest.approx(0.0, abs=1e-4)


def test_regressor_stays_in_range_and_never_shows_a_tongue():
    found = nets.ArkitRegressor().eval()(10 * torch.randn(5, nets.REGRESSOR_FEATURES))
    assert found.shape == (5, 52)
    assert ((found >= 0) & (found <= 1)).all()
    assert (found[:, ARKIT_INDEX["tongueOut"]] == 0).all()


def _face(rng):
    neutral = rng.normal(0, 50, (3, POINT_COUNT, 2)) + 200
    return neutral + rng.normal(0, 2, neutral.shape), neutral, np.stack([rotation_from_euler(0.3, 0.1, 0.0)] * 3)


def test_features_do_not_depend_on_place_size_or_roll():
    points, neutral, rotation = _face(np.random.default_rng(1))
    roll_rad = 0.6
    turn = rotation_from_euler(0.0, 0.0, roll_rad)
    image_turn = np.diag([1, -1]) @ turn[:2, :2] @ np.diag([1, -1])

    def moved(p):
        return 1.7 * p @ image_turn.T + (30, -12)

    straight = nets.regressor_features(points, neutral, rotation)
    rolled = nets.regressor_features(moved(points), moved(neutral), turn @ rotation)
    assert straight.shape == (3, nets.REGRESSOR_FEATURES)
    np.testing.assert_allclose(rolled, straight, atol=1e-5)


def test_features_of_the_neutral_face_itself_hold_no_movement():
    _, neutral, rotation = _face(np.random.default_rng(2))
    features = nets.regressor_features(neutral, neutral, rotation)
    assert np.abs(features[:, : POINT_COUNT * 2]).max() == 0
    assert np.abs(features[:, POINT_COUNT * 2 :]).max() > 0


def test_mirroring_the_points_twice_changes_nothing():
    order = np.array(MIRRORED_POINTS)
    assert sorted(order) == list(range(POINT_COUNT))
    assert (order[order] == np.arange(POINT_COUNT)).all()


def test_exported_weights_come_back_and_damage_is_found(tmp_path):
    net = nets.BoxNet(stem=4)
    path = tmp_path / "box.safetensors"
    export_net(net.state_dict(), net.dimensions, path, "a test")
    loaded = weights.load_box_net(tmp_path)
    picture = torch.randn(1, 3, 96, 96)
    assert torch.allclose(loaded(picture).center, net.eval()(picture).center, atol=2e-2)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match="hash") as caught:
        weights.load_box_net(tmp_path)
    assert caught.value.code == "weights-damaged"


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(UserError) as caught:
        weights.load_landmark_net(tmp_path)
    assert caught.value.code == "weights-missing"
    assert "landmarks.safetensors" in caught.value.message


def test_embedded_weights_are_those_of_the_table():
    table = weights.weights_table()
    nets = {f"{name}.safetensors" for name in ("landmarks", "regions", "box", "arkit")}
    assert set(table) == nets | {"face_prior.safetensors"}
    for name, row in table.items():
        assert weights.checked_file(name).name == name
        assert "ICT FaceKit" in row["licence"]
        assert row["origin"]
    json.dumps(table, allow_nan=False)


def test_embedded_prior_is_a_face_in_the_head_frame():
    prior = weights.load_face_prior()
    assert prior.neutral_cm.shape == (POINT_COUNT, 3)
    assert prior.expression_cm.shape == (52, POINT_COUNT, 3)
    assert prior.identity_modes_cm.shape[0] <= 40
    mirrored = prior.neutral_cm[list(MIRRORED_POINTS)] * (-1, 1, 1)
    assert np.abs(mirrored - prior.neutral_cm).max() < 0.01
    assert prior.neutral_cm[68, 0] < 0 < prior.neutral_cm[69, 0]  # the subject's right iris first, x to his left
    jaw_open = prior.expression_cm[ARKIT_INDEX["jawOpen"]]
    assert jaw_open[8, 1] < -1.0  # the chin goes down by more than a centimetre
    assert np.abs(jaw_open[36:48]).max() < 0.1
    assert (prior.expression_cm[ARKIT_INDEX["tongueOut"]] == 0).all()


def test_irises_of_the_prior_follow_the_gaze():
    basis = weights.load_face_prior().expression_cm
    looks = {
        ("eyeLookOutLeft", IRIS_LEFT): (1, 0),  # x to the subject's left, y up
        ("eyeLookInLeft", IRIS_LEFT): (-1, 0),
        ("eyeLookOutRight", IRIS_RIGHT): (-1, 0),
        ("eyeLookInRight", IRIS_RIGHT): (1, 0),
        ("eyeLookUpLeft", IRIS_LEFT): (0, 1),
        ("eyeLookDownRight", IRIS_RIGHT): (0, -1),
    }
    for (channel, iris), direction in looks.items():
        moved = basis[ARKIT_INDEX[channel], iris, :2]
        assert moved @ direction > 0.4, channel
        other = IRIS_LEFT if iris == IRIS_RIGHT else IRIS_RIGHT
        assert np.abs(basis[ARKIT_INDEX[channel], other]).max() < 0.01, channel


def test_embedded_nets_load():
    picture = torch.zeros(1, 3, nets.LANDMARK_INPUT_SIZE, nets.LANDMARK_INPUT_SIZE)
    assert torch.isfinite(weights.load_landmark_net()(picture).points).all()
    assert torch.isfinite(weights.load_box_net()(torch.zeros(1, 3, 96, 96)).center).all()
    features = torch.zeros(1, nets.REGRESSOR_FEATURES)
    assert torch.isfinite(weights.load_arkit_regressor()(features)).all()
