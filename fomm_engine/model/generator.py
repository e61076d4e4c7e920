# SPDX-License-Identifier: GPL-3.0-or-later
"""FOMM's generator: the source's features, moved by the dense motion, painted anew."""

import itertools
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.model.blocks import DownBlock2d, ResBlock2d, SameBlock2d, UpBlock2d
from fomm_engine.model.config import ModelConfig
from fomm_engine.model.dense_motion import DenseMotion, DenseMotionNetwork
from fomm_engine.model.keypoints import KeypointTensors


class EncodedSource(NamedTuple):
    """All that depends on the source image alone: features (B,C,h,w), the reduced image, and the image's keypoints."""

    features: Tensor
    small: Tensor
    keypoints: KeypointTensors


class Generated(NamedTuple):
    """prediction (B,3,H,W) in [0,1] and the motion it was made with."""

    prediction: Tensor
    motion: DenseMotion


class Generator(nn.Module):
    """Paints a source image in a driving pose.

    align_corners: the look-ups that move the source were trained under torch 1.0, whose grid_sample behaved as
    align_corners=True, and the coordinate grid is made for that (-1 and +1 are pixel centres). torch 1.3 and later
    default to False, so the unchanged original run on them shrinks the grid by (w-1)/w about its middle and darkens the
    border. True is therefore faithful to the published weights; False repeats what people see from the original today.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        settings = config.generator
        widths = [min(settings.max_width, settings.width * 2**level) for level in range(settings.down_blocks + 1)]
        steps = list(itertools.pairwise(widths))
        self.precision = torch.float32  # of the convolutions after the warp
        self.dense_motion_network = DenseMotionNetwork(config)
        self.first: nn.Module = SameBlock2d(config.channels, settings.width, 7)
        self.down_blocks = nn.ModuleList(DownBlock2d(wide, narrow) for wide, narrow in steps)
        self.up_blocks = nn.ModuleList(UpBlock2d(narrow, wide) for wide, narrow in reversed(steps))
        self.bottleneck = nn.Sequential()
        for index in range(settings.residual_blocks):
            self.bottleneck.add_module(f"r{index}", ResBlock2d(widths[-1]))
        self.final: nn.Module = nn.Conv2d(settings.width, config.channels, 7, padding=3)

    def forward(
        self, image: Tensor, source: KeypointTensors, driving: KeypointTensors, *, align_corners: bool = True
    ) -> Generated:
        """`image` (B,3,H,W) in [0,1] with its keypoints `source`, in the pose of the keypoints `driving`."""
        return self.paint(self.encode(image, source), driving, align_corners=align_corners)

    def encode(self, image: Tensor, keypoints: KeypointTensors) -> EncodedSource:
        """What `paint` needs of the source: computed once, however many frames follow."""
        features = self.first(image)
        for block in self.down_blocks:
            features = block(features)
        return EncodedSource(features, self.dense_motion_network.down(image), keypoints)

    def paint(self, source: EncodedSource, driving: KeypointTensors, *, align_corners: bool = True) -> Generated:
        """The source in the pose of `driving` (batch of either 1 or equal)."""
        motion = self.dense_motion_network(source.small, source.keypoints, driving, align_corners=align_corners)
        x = move(source.features, motion, align_corners=align_corners)
        x = self.bottleneck(x.to(self.precision))
        for block in self.up_blocks:
            x = block(x)
        return Generated(torch.sigmoid(self.final(x).float()), motion)


def move(features: Tensor, motion: DenseMotion, *, align_corners: bool) -> Tensor:
    """`features` (B,C,h,w) where the motion takes them, faded where the source does not show them (equation 8)."""
    size = tuple(features.shape[2:])
    deformation, occlusion = motion.deformation, motion.occlusion
    if tuple(deformation.shape[1:3]) != size:
        deformation = _resized(deformation.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)
        occlusion = _resized(occlusion, size)
    features = features.expand(deformation.shape[0], -1, -1, -1)
    return F.grid_sample(features, deformation, align_corners=align_corners, padding_mode="zeros") * occlusion


def _resized(x: Tensor, size: tuple[int, ...]) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
