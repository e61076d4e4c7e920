# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels stay true through crops, mirroring, losses and features."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
cv2 = pytest.importorskip("cv2")

from fomm_engine.face.nets import BoxNet, LandmarkOutput  # noqa: E402
from fomm_engine.training.arkit_training import flatten  # noqa: E402
from fomm_engine.training.augment import Crop, cut, face_box, over  # noqa: E402
from fomm_engine.training.box_training import BoxBatch, box_loss, box_scores  # noqa: E402
from fomm_engine.training.checkpoint import (  # noqa: E402
    Progress,
    average_of,
    averaged_weights,
    follow,
    load_checkpoint,
    save_checkpoint,
)
from fomm_engine.training.landmark_losses import LossSettings, euler_deg, landmark_loss, landmark_scores  # noqa: E402
from fomm_engine.training.landmark_training import learning_rate  # noqa: E402
from fomm_engine.training.scene import rotation_from_euler  # noqa: E402
from fomm_engine.wire.names import MIRRORED_POINTS, POINT_COUNT  # noqa: E402


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn_rad", [0.0, 0.5])
@pytest.mark.parametrize("size", [128, 50])
def test_a_spot_stays_under_its_label(mirrored, turn_rad, size):
    points = np.random.default_rng(3).uniform(40, 150, (POINT_COUNT, 2))
    rgba = np.zeros((193, 193, 4), np.uint8)
    x, y = points[7]
    cv2.circle(rgba, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 64, (255, 255, 255, 255), -1, cv2.LINE_AA, 4)
    crop = Crop(np.array([95.0, 100.0]), 150.0, turn_rad, mirrored)
    sample = cut(rgba, points, np.eye(3), crop, np.zeros((size, size, 3), np.uint8))
    label = MIRRORED_POINTS.index(7) if mirrored else 7
    light = sample.picture[..., 0].astype(np.float64)
    middle = (np.indices(light.shape)[::-1] * light).sum((1, 2)) / light.sum() + 0.5
    np.testing.assert_allclose(middle, sample.points_px[label], atol=0.1)


def test_a_turned_crop_rolls_the_head_and_a_mirrored_one_looks_the_other_way():
    head = rotation_from_euler(0.4, 0.2, 0.1)
    background = np.zeros((16, 16, 3), np.uint8)
    rgba = np.zeros((32, 32, 4), np.uint8)
    points = np.zeros((POINT_COUNT, 2))
    turned = cut(rgba, points, head, Crop(np.zeros(2), 20.0, 0.3), background).rotation
    mirrored = cut(rgba, points, head, Crop(np.zeros(2), 20.0, 0.0, mirrored=True), background).rotation
    angles = np.radians(euler_deg(torch.from_numpy(np.stack([turned, mirrored]))).numpy())
    np.testing.assert_allclose(angles, [[0.4, 0.2, 0.4], [-0.4, 0.2, -0.1]], atol=1e-9)


def test_counter_clockwise_is_the_same_for_picture_and_head():
    """A point to the right of the centre goes up when the crop turns by a positive angle, and so does the head's x."""
    matrix = Crop(np.array([50.0, 50.0]), 100.0, np.pi / 2).matrix(100)
    right_of_centre = matrix[:, :2] @ (60.0, 50.0) + matrix[:, 2]
    np.testing.assert_allclose(right_of_centre, (50.0, 40.0), atol=1e-9)
    np.testing.assert_allclose(rotation_from_euler(0, 0, np.pi / 2) @ (1.0, 0, 0), (0, 1.0, 0), atol=1e-9)


def test_alpha_decides_what_is_seen():
    rgba = np.zeros((1, 2, 4), np.uint8)
    rgba[0, 1] = (10, 20, 30, 255)
    background = np.full((1, 2, 3), 7, np.uint8)
    assert over(rgba, background).tolist() == [[[7, 7, 7], [10, 20, 30]]]


def test_face_box_takes_the_larger_extent_of_the_68_points_only():
    points = np.zeros((POINT_COUNT, 2))
    points[0], points[16], points[8] = (10, 5), (50, 5), (30, 35)
    points[1:8], points[9:16], points[17:68] = (30, 20), (30, 20), (30, 20)
    points[68:] = 500
    centre, side = face_box(points)
    assert side == 40
    assert centre.tolist() == [30, 20]


def _outputs(rotation):
    points = torch.rand(2, POINT_COUNT, 2) - 0.5
    return LandmarkOutput(points.clone(), torch.full((2, POINT_COUNT), -3.0), rotation.clone()), points


def test_the_truth_has_no_error_and_a_shift_has_its_own():
    rotation = torch.from_numpy(np.stack([rotation_from_euler(0.1, 0.0, 0.2)] * 2)).float()
    output, points = _outputs(rotation)
    points[:, 36], points[:, 45] = torch.tensor([-0.4, 0.0]), torch.tensor([0.4, 0.0])
    exact = landmark_scores(output._replace(points=points), points, rotation)
    assert exact["inner51_percent"] == 0
    assert exact["rotation_deg"] == pytest.approx(0, abs=0.05)
    shifted = landmark_scores(output._replace(points=points + torch.tensor([0.008, 0.0])), points, rotation)
    assert shifted["inner51_percent"] == pytest.approx(1.0, rel=1e-3)  # of the eye distance, .8
    losses = [
        landmark_loss(output._replace(points=p), points, rotation, LossSettings()) for p in (points, points + 0.01)
    ]
    assert losses[1] > losses[0] + 0.1


def test_sigma_never_moves_the_points():
    output, points = _outputs(torch.eye(3).expand(2, 3, 3))
    found = (points + 0.05).requires_grad_()
    gradients = []
    for level in (-5.0, 1.0):
        spread = torch.full((2, POINT_COUNT), level)
        loss = landmark_loss(output._replace(points=found, log_sigma=spread), points, output.rotation, LossSettings())
        gradients.append(torch.autograd.grad(loss, found)[0])
    assert torch.equal(gradients[0], gradients[1])


def test_box_loss_is_least_where_the_face_is():
    truth = BoxBatch(torch.zeros(1), torch.tensor([[0.25, -0.5]]), torch.tensor([-1.0]), torch.ones(1))
    size, presence = torch.full((1, 12, 12), -1.0), torch.tensor([9.0])
    losses = {}
    for row in range(12):
        logits = torch.full((1, 12, 12), -4.0)
        logits[0, row, 7] = 4.0
        losses[row] = float(box_loss(logits, size, presence, truth))
    assert min(losses, key=losses.__getitem__) in (2, 3)  # y = -.5 is the border of rows 2 and 3
    logits = torch.full((1, 12, 12), -20.0)
    logits[0, 2:4, 6:8] = 0.0
    scores = box_scores(BoxNet.decode(logits, size, presence), truth)
    assert scores["failed_percent"] == 0
    assert scores["wrong_percent"] == 0


def test_a_near_camera_enlarges_what_is_near():
    points = np.array([[[1.0, 0.0, 9.0], [1.0, 0.0, 14.0]]])
    flat = flatten(points, np.eye(3)[None], np.array([1 / 50]))
    assert flat[0, 0].tolist() == pytest.approx([1.0, 0.0])
    assert flat[0, 1, 0] == pytest.approx(1.0 / 0.9)


def test_a_checkpoint_goes_on_exactly(tmp_path):
    torch.manual_seed(0)

    def fresh():
        net = torch.nn.Linear(3, 2)
        return net, torch.optim.AdamW(net.parameters(), 0.1)

    def step(net, optimizer):
        optimizer.zero_grad()
        net(torch.ones(1, 3)).square().sum().backward()
        optimizer.step()

    net, optimizer = fresh()
    average = average_of(net)
    step(net, optimizer)
    follow(average, net, 0.5)
    save_checkpoint(tmp_path / "run.safetensors", net, average, optimizer, Progress(1, 8, 2.5, 1))
    other, other_optimizer = fresh()
    restored, progress = load_checkpoint(tmp_path / "run.safetensors", other, other_optimizer)
    assert progress == Progress(1, 8, 2.5, 1)
    step(net, optimizer)
    step(other, other_optimizer)
    assert torch.equal(net.weight, other.weight)
    assert torch.equal(restored["weight"], averaged_weights(tmp_path / "run.safetensors")[0]["weight"])


def test_the_rate_warms_up_and_falls():
    rates = [learning_rate(1.0, step, 10, share) for step, share in ((0, 0.0), (9, 0.0), (500, 0.5), (900, 1.0))]
    assert rates == pytest.approx([0.101, 1.01, 0.51, 0.01])
