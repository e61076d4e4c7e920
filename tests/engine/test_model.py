# SPDX-License-Identifier: GPL-3.0-or-later
"""FOMM's parts on small networks: motion transfer, look-ups, the fast path."""

import copy

import numpy as np
import pytest
import torch

from fomm_engine.model.blocks import AntiAliasInterpolation2d, coordinate_grid, inverse_2x2
from fomm_engine.model.config import (
    GeneratorSettings,
    HourglassSettings,
    KeypointSettings,
    ModelConfig,
)
from fomm_engine.model.config import MotionSettings as NetworkMotion
from fomm_engine.model.dense_motion import deform_each, sparse_motions
from fomm_engine.model.fast import Rearrangement, accelerated, transposed_kernel
from fomm_engine.model.fomm import Fomm, keypoints_of_source
from fomm_engine.model.generator import Generator
from fomm_engine.model.keypoints import KeypointTensors, KPDetector
from fomm_engine.model.motion import Keypoints, MotionSettings, hull_area, transferred
from fomm_engine.model.weights import Networks

SMALL = ModelConfig(
    "small",
    keypoint_detector=KeypointSettings(HourglassSettings(4, 16, 3)),
    dense_motion=NetworkMotion(HourglassSettings(4, 16, 3)),
    generator=GeneratorSettings(8, 32, 2, 2),
)


@pytest.fixture(scope="module")
def networks() -> Networks:
    torch.set_num_threads(1)
    torch.manual_seed(5)
    made = Networks(SMALL, Generator(SMALL), KPDetector(SMALL))
    made.generator.eval()
    made.kp_detector.eval()
    return made


def picture(seed: int, side: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def keypoints(seed: int) -> Keypoints:
    rng = np.random.default_rng(seed)
    value = rng.uniform(-0.7, 0.7, (10, 2)).astype(np.float32)
    return Keypoints(value, (np.eye(2) + 0.3 * rng.standard_normal((10, 2, 2))).astype(np.float32))


def test_absolute_motion_is_the_driving_itself() -> None:
    driving = keypoints(1)
    assert transferred(keypoints(0), driving, keypoints(2), MotionSettings(relative=False)) is driving


def test_relative_motion_of_a_still_face_leaves_the_source() -> None:
    source, driving = keypoints(0), keypoints(1)
    posed = transferred(source, driving, driving)
    assert np.allclose(posed.value, source.value, atol=1e-6)
    assert np.allclose(posed.jacobian, source.jacobian, atol=1e-4)


def test_relative_motion_scales_with_the_faces() -> None:
    source = keypoints(0)
    small = Keypoints(source.value / 2, source.jacobian)
    moved = Keypoints(small.value + np.float32(0.1), small.jacobian)
    adapted = transferred(source, moved, small)
    plain = transferred(source, moved, small, MotionSettings(adapt_scale=False))
    assert np.allclose(adapted.value - source.value, 0.2, atol=1e-5)
    assert np.allclose(plain.value - source.value, 0.1, atol=1e-5)


def test_hull_area_and_flat_faces() -> None:
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0.5]], np.float32)
    assert hull_area(square) == pytest.approx(1)
    flat = Keypoints(
        np.linspace(0, 1, 10, dtype=np.float32)[:, None].repeat(2, 1), np.eye(2, dtype=np.float32)[None].repeat(10, 0)
    )
    assert np.isfinite(transferred(keypoints(0), flat, flat).value).all()


def test_inverse_2x2_inverts_and_survives_a_singular_matrix() -> None:
    matrices = torch.randn(50, 2, 2, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(matrices @ inverse_2x2(matrices), torch.eye(2).expand(50, 2, 2), atol=1e-3)
    assert torch.isfinite(inverse_2x2(torch.zeros(2, 2))).all()


def test_a_keypoint_carries_its_surroundings_along() -> None:
    """T_k maps the driving keypoint onto the source's, and a step there by Js Jd^-1 (the paper's equation 4)."""
    source, driving = keypoints(3), keypoints(4)
    size = (33, 33)
    motions = sparse_motions(batch(source), batch(driving), size)[0]
    grid = coordinate_grid(*size, motions)
    assert torch.equal(motions[0], grid)
    for k in range(10):
        matrix = torch.from_numpy(source.jacobian[k] @ np.linalg.inv(driving.jacobian[k]))
        expected = (grid - torch.from_numpy(driving.value[k])) @ matrix.T + torch.from_numpy(source.value[k])
        assert torch.allclose(motions[k + 1], expected, atol=1e-4)


def test_looking_up_all_parts_at_once_is_looking_up_each() -> None:
    image = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    motions = (
        coordinate_grid(16, 16, image).expand(2, 4, 16, 16, 2)
        * torch.tensor([1, 0.5, -1, 1.3])[None, :, None, None, None]
    )
    for align in (True, False):
        each = [torch.nn.functional.grid_sample(image, motions[:, k], align_corners=align) for k in range(4)]
        assert torch.allclose(deform_each(image, motions, align_corners=align), torch.stack(each, 1), atol=1e-6)


def test_without_motion_align_corners_leaves_the_border_alone() -> None:
    ones = torch.ones(1, 1, 8, 8)
    still = coordinate_grid(8, 8, ones)[None, None]
    assert deform_each(ones, still, align_corners=True).min() == pytest.approx(1, abs=1e-5)
    assert deform_each(ones, still, align_corners=False)[0, 0, 0, 0, 0] == pytest.approx(0.25, abs=1e-5)


def test_reducing_a_picture_is_blurring_then_skipping() -> None:
    down = AntiAliasInterpolation2d(3, 0.25)
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    weight = down.get_buffer("weight")
    assert weight.shape == (3, 1, 13, 13)
    assert weight.sum((1, 2, 3)).allclose(torch.ones(3))
    blurred = torch.nn.functional.conv2d(image, weight, padding=6, groups=3)
    assert torch.allclose(down(image), blurred[:, :, ::4, ::4], atol=1e-6)


def test_a_source_prepared_once_paints_what_the_whole_network_paints(networks: Networks) -> None:
    engine = Fomm(networks, device="cpu", path="plain")
    source = engine.prepare(picture(1))
    painting = engine.paint(source, keypoints(2))
    with torch.inference_mode():
        image = torch.from_numpy(picture(1)).permute(2, 0, 1)[None].float() / 255
        whole = networks.generator(image, batch(keypoints_of_source(source)), batch(keypoints(2)))
    expected = whole.prediction[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(painting.image - expected).max() <= 0.51
    assert painting.mask.sum(0) == pytest.approx(1, abs=1e-5)


def batch(points: Keypoints) -> KeypointTensors:
    return KeypointTensors(torch.from_numpy(points.value)[None], torch.from_numpy(points.jacobian)[None])


def settled(networks: Networks) -> Networks:
    """`networks` with batch norms that have seen something, so that folding them is more than leaving them out."""
    made = copy.deepcopy(networks)
    draw = torch.Generator().manual_seed(9)
    for module in (*made.generator.modules(), *made.kp_detector.modules()):
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, spread, centre in (
                (module.weight.data, 0.3, 1.0),
                (module.bias.data, 0.3, 0.0),
                (module.running_mean, 0.3, 0.0),
                (module.running_var, 0.3, 1.0),
            ):
                assert tensor is not None
                tensor.copy_(centre + spread * torch.rand(tensor.shape, generator=draw))
    return made


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("winograd", ["", "products", "packed"])
def test_the_fast_path_is_the_same_network(networks: Networks, winograd: str, packed: bool) -> None:
    plain = settled(networks)
    fast = accelerated(plain, Rearrangement(winograd=winograd, packed=packed))
    image = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        source, again = plain.kp_detector(image), fast.kp_detector(image)
        expected = plain.generator(image, source, batch(keypoints(2)))
        found = fast.generator(image, source, batch(keypoints(2)))
    assert torch.allclose(source.value, again.value, atol=1e-5)
    assert torch.allclose(source.jacobian, again.jacobian, atol=1e-4)
    assert torch.allclose(expected.prediction, found.prediction, atol=1e-5)
    assert torch.allclose(expected.motion.mask, found.motion.mask, atol=1e-5)
    assert torch.allclose(expected.motion.occlusion, found.motion.occlusion, atol=1e-5)
    assert not torch.equal(expected.prediction, found.prediction)  # the layers did change


@pytest.mark.parametrize("winograd", ["", "products"])
def test_bf16_comes_close_and_keeps_keypoints_exact(networks: Networks, winograd: str) -> None:
    plain = settled(networks)
    lower = accelerated(plain, Rearrangement(torch.bfloat16, winograd))
    image = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        source, again = plain.kp_detector(image), lower.kp_detector(image)
        one, other = (n.generator(image, source, batch(keypoints(2))).prediction for n in (plain, lower))
    assert torch.allclose(source.value, again.value, atol=1e-5)
    difference = (one - other).double()
    assert difference.abs().max() > 0
    assert -10 * torch.log10((difference**2).mean()) > 45


def test_a_transposed_kernel_repeats_and_convolves() -> None:
    draw = torch.Generator().manual_seed(6)
    kernel, x = torch.randn(5, 4, 3, 3, generator=draw), torch.randn(2, 4, 7, 6, generator=draw)
    repeated = torch.nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
    expected = torch.nn.functional.conv2d(repeated, kernel, padding=1)
    found = torch.nn.functional.conv_transpose2d(x, transposed_kernel(kernel), stride=2, padding=1)
    assert torch.allclose(expected, found, atol=1e-5)
