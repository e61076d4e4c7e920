# SPDX-License-Identifier: GPL-3.0-or-later
"""The small nets that look again, closely, at the eyes and the mouth of a face that the landmark net has found."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fomm_engine.face.nets import (
    GRID_REACH,
    Residual,
    convolution,
    doubled,
    expected_position,
    log_sigma_of,
    pictures_tensor,
)
from fomm_engine.face.regions import EYE_PATCH_PX, EYE_POINTS, MOUTH_PATCH_PX, MOUTH_POINTS, Patches, Seen


class RegionOutput(NamedTuple):
    """`points` (B, N, 2) in [-1, 1] of the patch (x right, y down); `log_sigma` (B, N) ln of their Laplace scale (the
    mean of |dx| + |dy|) in the same units."""

    points: Tensor
    log_sigma: Tensor


# Eye patches (B, 3, 64, 64) and mouth patches (C, 3, 80, 80) to what is seen in them.
CloseNets = Callable[[Tensor, Tensor], tuple[RegionOutput, RegionOutput]]


class RegionNet(nn.Module):
    """Points and their uncertainty from a square RGB patch (B, 3, S, S) in [-1, 1]; S is a multiple of 16.

    A residual encoder to S / 16, back to S / 2, and the expectation over one heatmap per point, as `LandmarkNet`.
    """

    def __init__(self, points: int, patch_px: int, stem: int = 16, wide: int = 96) -> None:
        super().__init__()
        second, third = stem * 2, stem * 4
        self.at_2 = convolution(3, stem, 5, 2)
        self.at_4 = nn.Sequential(convolution(stem, second, 3, 2), Residual(second))
        self.at_8 = nn.Sequential(convolution(second, third, 3, 2), Residual(third), Residual(third))
        self.at_16 = nn.Sequential(convolution(third, wide, 3, 2), Residual(wide))
        self.up_8 = convolution(wide, third, 1)
        self.fuse_8 = convolution(third, second)
        self.fuse_4 = convolution(second, second)
        self.lateral_2 = convolution(stem, second, 1)
        self.fuse_2 = convolution(second, second)
        self.heatmaps = nn.Conv2d(second, points, 1)
        self.summary = nn.Sequential(
            nn.Flatten(), nn.Linear(wide * (patch_px // 16) ** 2, 64), nn.ReLU(inplace=True), nn.Linear(64, points)
        )

    def forward(self, patch: Tensor) -> RegionOutput:
        """Points and log sigma of each patch of a batch."""
        return self.decode(*self.maps_of(patch))

    def maps_of(self, patch: Tensor) -> tuple[Tensor, Tensor]:
        """Heatmap logits (B, N, S / 2, S / 2) and the raw spread (B, N)."""
        at_2 = self.at_2(patch)
        at_4 = self.at_4(at_2)
        at_8 = self.at_8(at_4)
        at_16 = self.at_16(at_8)
        decoded = self.fuse_8(doubled(self.up_8(at_16)) + at_8)
        decoded = self.fuse_4(doubled(decoded) + at_4)
        decoded = self.fuse_2(doubled(decoded) + self.lateral_2(at_2))
        return self.heatmaps(decoded), self.summary(at_16)

    @staticmethod
    def decode(logits: Tensor, spread: Tensor) -> RegionOutput:
        """What heatmaps and spread say."""
        return RegionOutput(expected_position(logits) * GRID_REACH, log_sigma_of(spread))


class RegionNets(nn.Module):
    """`eye`: 6 lid points, 5 brow points and the iris of a right eye (EYE_POINTS) from 64 px; `mouth`: its 20 points
    (MOUTH_POINTS) from 80 px. A left eye is shown mirrored."""

    def __init__(self, stem: int = 16, wide: int = 96) -> None:
        super().__init__()
        self.dimensions = {"stem": stem, "wide": wide}
        self.eye = RegionNet(len(EYE_POINTS), EYE_PATCH_PX, stem, wide)
        self.mouth = RegionNet(len(MOUTH_POINTS), MOUTH_PATCH_PX, stem, wide)

    def forward(self, eyes: Tensor, mouths: Tensor) -> tuple[RegionOutput, RegionOutput]:
        """What is seen in eye patches (B, 3, 64, 64) and mouth patches (C, 3, 80, 80)."""
        return self.eye(eyes), self.mouth(mouths)


def seen_in(nets: CloseNets, image: np.ndarray, patches: Patches) -> Seen:
    """A close look at the patches of `image` (H, W, 3) uint8 RGB."""
    eyes, mouth = patches.cut(image)
    with torch.inference_mode():
        (points, log_sigma), (lips, lips_log) = (
            [part.numpy().astype(np.float64) for part in output]
            for output in nets(pictures_tensor(eyes), pictures_tensor(mouth[None]))
        )
    return Seen(points, log_sigma, lips[0], lips_log[0])
