# SPDX-License-Identifier: GPL-3.0-or-later
"""The rearranged landmark net says what the plain one says."""

import pytest
import torch
from random_nets import needs_onednn, with_norms

from fomm_engine.face.fast_landmarks import FastLandmarkNet, fast_landmark_net
from fomm_engine.face.nets import LandmarkNet, LandmarkOutput


@pytest.fixture(scope="module")
def net() -> LandmarkNet:
    """Random weights."""
    torch.manual_seed(0)
    return with_norms(LandmarkNet(stem=8, wide=48))


@needs_onednn
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("precision", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 0.05)])
def test_both_say_the_same(net: LandmarkNet, batch: int, precision: torch.dtype, tolerance: float) -> None:
    picture = torch.rand(batch, 3, 128, 128) * 2 - 1
    with torch.inference_mode():
        plain, fast = net(picture), FastLandmarkNet(net, precision)(picture)
    for ours, theirs in zip(fast, plain, strict=True):
        assert ours.dtype == torch.float32 and ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=tolerance)


@needs_onednn
def test_a_net_that_cannot_be_rearranged_stays(net: LandmarkNet, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(fast_landmark_net(net), FastLandmarkNet)
    wrong = LandmarkOutput(*(part + 1 for part in net(torch.zeros(1, 3, 128, 128))))
    monkeypatch.setattr(FastLandmarkNet, "__call__", lambda *_: wrong)
    assert fast_landmark_net(net) is net, "one that says something else is not used"
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert fast_landmark_net(net) is net
