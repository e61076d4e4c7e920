# SPDX-License-Identifier: GPL-3.0-or-later
"""The close look at eyes and mouth while tracking: the same rearranged for speed, and taken into the face."""

from typing import Any

import numpy as np
import pytest
import torch
from random_nets import needs_onednn, with_norms

from fomm_engine.face import weights
from fomm_engine.face.crop import SquareCrop
from fomm_engine.face.fast_regions import FastRegionNets, fast_region_nets
from fomm_engine.face.look import FaceReader
from fomm_engine.face.region_nets import RegionNets, RegionOutput
from fomm_engine.face.regions import EYE_POINTS, LEFT_EYE_POINTS, MOUTH_POINTS

IMAGE = np.random.default_rng(3).integers(0, 255, (200, 240, 3)).astype(np.uint8)
CROP = SquareCrop((118.0, 95.0), 130.0)


@pytest.fixture(scope="module")
def nets() -> RegionNets:
    torch.manual_seed(0)
    return with_norms(RegionNets(stem=8, wide=32))


@needs_onednn
@pytest.mark.parametrize(("precision", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 0.05)])
def test_both_say_the_same(nets: RegionNets, precision: torch.dtype, tolerance: float) -> None:
    eyes, mouths = torch.rand(2, 3, 64, 64) * 2 - 1, torch.rand(1, 3, 80, 80) * 2 - 1
    with torch.inference_mode():
        plain, fast = nets(eyes, mouths), FastRegionNets(nets, precision)(eyes, mouths)
    for ours, theirs in zip([*fast[0], *fast[1]], [*plain[0], *plain[1]], strict=True):
        torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=tolerance)


@needs_onednn
def test_one_that_says_something_else_is_not_used(nets: RegionNets, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(fast_region_nets(nets), FastRegionNets)
    eye, mouth = nets(torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 80, 80))
    monkeypatch.setattr(FastRegionNets, "__call__", lambda *_: (eye, RegionOutput(mouth.points + 1, mouth.log_sigma)))
    assert fast_region_nets(nets) is nets


def test_a_sure_close_look_decides_and_an_unsure_one_changes_nothing() -> None:
    net, inside = weights.load_landmark_net(), [*EYE_POINTS, *LEFT_EYE_POINTS, *MOUTH_POINTS]
    outside = sorted(set(range(70)) - set(inside))
    coarse = FaceReader(net, 0.0, both_ways=False).seen(IMAGE, CROP)
    sure, unsure = (
        FaceReader(net, 0.0, both_ways=False, close=lambda *_, s=scale: _middle(s)).seen(IMAGE, CROP)
        for scale in (-9.0, 5.0)
    )
    for group in (EYE_POINTS, LEFT_EYE_POINTS, MOUTH_POINTS):
        assert np.ptp(sure.points_px[list(group)], axis=0).max() < 0.01 * CROP.side_px, "the patch's middle, for all"
    assert (sure.sigma_px[inside] < coarse.sigma_px[inside]).all()
    np.testing.assert_array_equal(sure.points_px[outside], coarse.points_px[outside])
    np.testing.assert_allclose(unsure.points_px, coarse.points_px, atol=1e-3)
    np.testing.assert_allclose(unsure.sigma_px, coarse.sigma_px, rtol=1e-2)
    assert sure.doubt == unsure.doubt == coarse.doubt, "whether it is a face at all, the first look says"


def _middle(log_sigma: float) -> Any:
    """What nets say that see every point in the middle of its patch."""
    parts = [(torch.zeros(n, points, 2), torch.full((n, points), log_sigma)) for n, points in ((2, 12), (1, 20))]
    return tuple(RegionOutput(*part) for part in parts)
