# SPDX-License-Identifier: GPL-3.0-or-later
"""The speed figures' reference is the network itself, and the figures are what they say."""

from pathlib import Path

import pytest
import torch

from fomm_engine.bench.__main__ import table
from fomm_engine.bench.engine import BenchSettings, Moment, PathFigures, measure
from fomm_engine.bench.memory import MemorySettings, peak_memory
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


def moments(*seconds: float) -> list[Moment]:
    return [Moment(one, 2 * one) for one in seconds]


def test_ratios_are_taken_round_by_round() -> None:
    figure = PathFigures(moments(1, 2, 4), 60.0, 0.01).against(moments(2, 6, 4))
    assert (figure["ratio"], figure["ratio_min"], figure["ratio_max"]) == (2, 1, 3)
    assert figure["ms"] == pytest.approx(2000)
    engine = {"exact": {**figure, "path": "winograd"}, "memory": {"peak_300_mb": 400.0, "peak_3000_mb": 401.0}}
    report = {"plain_ms": 4000.0, "threads": 1, "weights": "random", "engine": engine, "missing": {"int8": "No."}}
    text = table(report)
    assert "2.00 x (1.00 to 3.00)" in text and "3000 frames 401 MiB" in text and "not measured: No." in text


def test_a_run_compares_every_path_with_the_plain_reference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNDERSTUDY_MODELS", str(tmp_path))
    monkeypatch.setattr("fomm_engine.bench.engine.random_networks", lambda seed: random_networks(seed, SMALL))
    report = measure(BenchSettings(rounds=2, paths=("exact", "rearranged", "no-such-path"), memory=None))
    assert set(report["engine"]) == {"exact", "rearranged"} and set(report["missing"]) == {"no-such-path"}
    for figure in report["engine"].values():
        assert figure["max_abs"] < 1e-3 and figure["psnr_db"] > 80
        assert 0 < figure["ratio_min"] <= figure["ratio"] <= figure["ratio_max"]


@pytest.mark.slow
def test_the_animate_job_takes_no_more_memory_for_a_longer_video() -> None:
    peaks = peak_memory(MemorySettings((10, 120)))
    assert peaks["peak_120_mb"] < 1.05 * peaks["peak_10_mb"]
    assert peaks["peak_10_mb"] > 50
