# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator's judging and losses: what counts as better, and where a picture is looked at most closely."""

import pytest

torch = pytest.importorskip("torch")

from fomm_engine.training.generator.judging import wins  # noqa: E402
from fomm_engine.training.generator.losses import GeneratorLossSettings, part_weight, structure  # noqa: E402
from fomm_engine.wire.names import KEYPOINTS  # noqa: E402

COPY = {"l1": 0.062, "ssim": 0.59, "akd_px": 13.0, "color": 0.016, "sharpness": 1.12, "mouth_r": 0.1}
WARP = {"l1": 0.071, "ssim": 0.59, "akd_px": 4.1, "color": 0.018, "sharpness": 1.03, "mouth_r": 0.9}
GOOD = {"l1": 0.02, "ssim": 0.9, "akd_px": 1.0, "color": 0.005, "sharpness": 0.99, "mouth_r": 0.95}


def test_a_generator_wins_where_it_is_better_in_everything() -> None:
    assert wins({"copy": COPY, "warp": WARP, "generator": GOOD})  # though a copy is sharper than the truth


@pytest.mark.parametrize(("name", "value"), [("sharpness", 0.2), ("sharpness", 1.5), ("mouth_r", 0.8), ("l1", 0.065)])
def test_one_thing_that_is_worse_is_enough_to_lose(name: str, value: float) -> None:
    assert not wins({"copy": COPY, "warp": WARP, "generator": {**GOOD, name: value}})


def test_eyes_and_lips_weigh_more_than_the_wall() -> None:
    keypoints = torch.full((1, len(KEYPOINTS), 2), 0.9)
    keypoints[0, KEYPOINTS.index("eye_right")] = torch.tensor([-0.5, -0.5])
    weight = part_weight(keypoints, 64, GeneratorLossSettings())[0, 0]
    assert float(weight.mean()) == pytest.approx(1.0)
    assert float(weight[16, 16]) > 3 * float(weight[16, 48])


def test_structure_is_whole_for_the_same_picture_and_falls_with_blur() -> None:
    picture = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    blurred = torch.nn.functional.avg_pool2d(picture, 3, 1, padding=1)
    assert float(structure(picture, picture)) == pytest.approx(1.0)
    assert float(structure(blurred, picture)) < 0.8
