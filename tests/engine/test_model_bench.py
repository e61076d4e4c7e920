# SPDX-License-Identifier: GPL-3.0-or-later
"""The speed figures' reference is the network itself, and the figures are what they say."""

import pytest
import torch

from fomm_engine.bench.__main__ import table
from fomm_engine.bench.engine import PathFigures
from fomm_engine.bench.reference import made_plain, plain_frame, random_networks
from fomm_engine.model.config import GeneratorSettings, HourglassSettings, KeypointSettings, ModelConfig, MotionSettings
from fomm_engine.model.fast import accelerated

SMALL = ModelConfig(
    "small",
    keypoint_detector=KeypointSettings(HourglassSettings(4, 16, 3)),
    dense_motion=MotionSettings(HourglassSettings(4, 16, 3)),
    generator=GeneratorSettings(4, 16, 2, 1),
)


def test_the_plain_reference_and_the_fast_path_paint_the_same_picture() -> None:
    torch.set_num_threads(1)
    networks = random_networks(3, SMALL)
    fast = accelerated(networks)
    draw = torch.Generator().manual_seed(1)
    image, driving = torch.rand(2, 1, 3, 256, 256, generator=draw)
    with torch.inference_mode():
        source = networks.kp_detector(image)
        plain = plain_frame(made_plain(networks), image, source, driving)
        kept = fast.generator.paint(fast.generator.encode(image, source), fast.kp_detector(driving)).prediction
    assert torch.allclose(plain, kept, atol=1e-4)
    assert plain.std() > 0.01


def test_ratios_are_taken_round_by_round() -> None:
    figure = PathFigures([1.0, 2.0, 4.0], 60.0, 0.01).against([2.0, 6.0, 4.0])
    assert (figure["ratio"], figure["ratio_min"], figure["ratio_max"]) == (2, 1, 3)
    report = {"plain_ms": 4000.0, "threads": 1, "weights": "random", "engine": {"exact": figure}}
    assert "2.00 x (1.00 to 3.00)" in table(report)
    assert figure["ms"] == pytest.approx(2000)
