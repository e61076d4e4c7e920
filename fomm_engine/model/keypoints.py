# SPDX-License-Identifier: GPL-3.0-or-later
"""FOMM's keypoint detector: where each keypoint is, and how the picture around it is stretched."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from fomm_engine.model.blocks import AntiAliasInterpolation2d, Hourglass, coordinate_grid
from fomm_engine.model.config import ModelConfig


class KeypointTensors(NamedTuple):
    """value (B,K,2) in [-1,1], x right and y down, -1/+1 the first/last pixel centres; jacobian (B,K,2,2)."""

    value: Tensor
    jacobian: Tensor


class KPDetector(nn.Module):
    """Keypoints of images (B,3,H,W) in [0,1] (paper, section 3.1 and supplementary A)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        settings = config.keypoint_detector
        self.temperature = settings.temperature
        self.predictor = Hourglass(settings.hourglass, config.channels)
        maps = 1 if settings.shared_jacobian else config.keypoints
        self.kp = nn.Conv2d(self.predictor.out_channels, config.keypoints, 7)
        self.jacobian = nn.Conv2d(self.predictor.out_channels, 4 * maps, 7)
        self.down = AntiAliasInterpolation2d(config.channels, settings.scale)

    def forward(self, image: Tensor) -> KeypointTensors:
        features = self.predictor(self.down(image))
        logits = self.kp(features)
        batch, count, height, width = logits.shape
        heat = torch.softmax(logits.flatten(2) / self.temperature, dim=2)
        value = heat @ coordinate_grid(height, width, heat).reshape(1, -1, 2)
        maps = self.jacobian(features).reshape(batch, -1, 4, height * width)
        jacobian = (heat[:, :, None] * maps).sum(-1).reshape(batch, count, 2, 2)
        return KeypointTensors(value, jacobian)
