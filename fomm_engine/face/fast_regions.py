# SPDX-License-Identifier: GPL-3.0-or-later
"""The nets for eyes and mouth rearranged for speed on processors."""

import torch
from torch import Tensor

from fomm_engine.face.nets import GRID_REACH, log_sigma_of
from fomm_engine.face.packed import PackedHeads, PackedHeatmaps, PackedStage, doubled, fast_if_equal, packed_summary
from fomm_engine.face.region_nets import CloseNets, RegionNet, RegionNets, RegionOutput
from fomm_engine.face.regions import EYE_PATCH_PX, MOUTH_PATCH_PX


def fast_region_nets(nets: RegionNets, precision: torch.dtype | None = None) -> CloseNets:
    """A function that does what `nets` do, faster where this machine can; `precision` as `fast_if_equal`."""
    plain: CloseNets = nets
    sides_px = (EYE_PATCH_PX, MOUTH_PATCH_PX)
    return fast_if_equal(plain, lambda dtype: FastRegionNets(nets, dtype), precision, sides_px)


class FastRegionNets:
    """`RegionNets` as oneDNN's kernels want them; for inference only."""

    def __init__(self, nets: RegionNets, precision: torch.dtype) -> None:
        self._eye, self._mouth = (_FastRegionNet(net, precision) for net in (nets.eye, nets.mouth))

    def __call__(self, eyes: Tensor, mouths: Tensor) -> tuple[RegionOutput, RegionOutput]:
        """As `RegionNets.forward`."""
        return self._eye(eyes), self._mouth(mouths)


class _FastRegionNet:
    def __init__(self, net: RegionNet, precision: torch.dtype) -> None:
        self._precision = precision
        self._stages = [PackedStage(stage, precision) for stage in (net.at_2, net.at_4, net.at_8, net.at_16)]
        parts = (net.up_8, net.fuse_8, net.fuse_4, net.lateral_2, net.fuse_2)
        self._up_8, self._fuse_8, self._fuse_4, self._lateral_2, self._fuse_2 = (
            PackedStage(part, precision) for part in parts
        )
        self._heatmaps = PackedHeatmaps(net.heatmaps)
        channels = net.up_8[0].in_channels
        assert isinstance(channels, int)
        self._summary = packed_summary(net.summary[1], channels, precision)
        self._spread = PackedHeads(net.summary[3])

    def __call__(self, patch: Tensor) -> RegionOutput:
        features = patch.to(self._precision)
        levels: list[Tensor] = []
        for stage in self._stages:
            features = stage(features)
            levels.append(features)
        at_2, at_4, at_8, at_16 = levels
        decoded = self._fuse_8(doubled(self._up_8(at_16)).add_(at_8))
        decoded = self._fuse_4(doubled(decoded).add_(at_4))
        decoded = self._fuse_2(doubled(decoded).add_(self._lateral_2(at_2)))
        spread = self._spread(self._summary(at_16).flatten(1).float())
        return RegionOutput(self._heatmaps(decoded) * GRID_REACH, log_sigma_of(spread))
