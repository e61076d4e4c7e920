# SPDX-License-Identifier: GPL-3.0-or-later
"""FOMM's discriminator, with the published state dicts' names (`discs.1.down_blocks.0.conv.weight`, ...)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from fomm_engine.model.config import ModelConfig
from fomm_engine.model.dense_motion import gaussians

_KERNEL = 4


class Judgement(NamedTuple):
    """score (B,1,h,w): how real each place looks; features: what every block made of the picture."""

    score: Tensor
    features: list[Tensor]


class _Block(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, *, norm: bool, pool: bool, spectral: bool) -> None:
        super().__init__()
        self.conv = _conv(channels_in, channels_out, _KERNEL, spectral=spectral)
        self.norm = nn.InstanceNorm2d(channels_out, affine=True) if norm else None
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        x = F.leaky_relu(x, 0.2)
        return F.avg_pool2d(x, 2) if self.pool else x


class PictureJudge(nn.Module):
    """Judges pictures (B,3,H,W) in [0,1] at one scale, with their keypoints (B,K,2) where it was made for them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        settings = config.training.discriminator
        self.variance = settings.variance
        self.keypoints = config.keypoints if settings.use_keypoints else 0
        widths = [config.channels + self.keypoints]
        widths += [min(settings.max_width, settings.width * 2 ** (level + 1)) for level in range(settings.blocks)]
        last = settings.blocks - 1
        self.down_blocks = nn.ModuleList(
            _Block(widths[i], widths[i + 1], norm=i != 0, pool=i != last, spectral=settings.spectral_norm)
            for i in range(settings.blocks)
        )
        self.conv = _conv(widths[-1], 1, 1, spectral=settings.spectral_norm)

    def forward(self, image: Tensor, keypoints: Tensor | None = None) -> Judgement:
        """What it thinks of `image`."""
        x = image
        if self.keypoints:
            assert keypoints is not None
            height, width = image.shape[2:]
            x = torch.cat([x, gaussians(keypoints, (height, width), self.variance)], dim=1)
        features: list[Tensor] = []
        for block in self.down_blocks:
            x = block(x)
            features.append(x)
        return Judgement(self.conv(x), features)


class Discriminator(nn.Module):
    """The published discriminator: one judge, of the picture in its full size (the original's scale 1)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.discs = nn.ModuleDict({"1": PictureJudge(config)})

    def forward(self, image: Tensor, keypoints: Tensor | None = None) -> Judgement:
        """As the judge's."""
        return self.discs["1"](image, keypoints)


def _conv(channels_in: int, channels_out: int, kernel: int, *, spectral: bool) -> nn.Module:
    conv = nn.Conv2d(channels_in, channels_out, kernel)
    return spectral_norm(conv) if spectral else conv
