# SPDX-License-Identifier: GPL-3.0-or-later
"""The building blocks of FOMM's networks, with the attribute names that the published state dicts use."""

import itertools

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.model.config import HourglassSettings


class SameBlock2d(nn.Module):
    """relu(norm(conv(x))) at the same resolution."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
        self.norm: nn.Module = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class DownBlock2d(nn.Module):
    """relu(norm(conv(x))), then half the resolution by averaging."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm: nn.Module = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.relu(self.norm(self.conv(x))), 2)


class UpBlock2d(nn.Module):
    """Twice the resolution by repeating pixels, then relu(norm(conv(x)))."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm: nn.Module = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))))


class ResBlock2d(nn.Module):
    """x + conv2(relu(norm2(conv1(relu(norm1(x)))))): normalised before each convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1: nn.Module = nn.BatchNorm2d(channels)
        self.norm2: nn.Module = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(inner)))


class Encoder(nn.Module):
    """The hourglass's way down; its output is the input and every level's result."""

    def __init__(self, settings: HourglassSettings, channels_in: int) -> None:
        super().__init__()
        widths = [channels_in, *(level_width(settings, level + 1) for level in range(settings.blocks))]
        pairs = itertools.pairwise(widths)
        self.down_blocks = nn.ModuleList(DownBlock2d(before, after) for before, after in pairs)

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = [x]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        return levels


class Decoder(nn.Module):
    """The hourglass's way up; each level is joined by the encoder's input of that level."""

    def __init__(self, settings: HourglassSettings, channels_in: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for level in reversed(range(settings.blocks)):
            joined = 1 if level == settings.blocks - 1 else 2
            blocks.append(UpBlock2d(joined * level_width(settings, level + 1), level_width(settings, level)))
        self.up_blocks = nn.ModuleList(blocks)
        self.out_channels = settings.width + channels_in

    def forward(self, levels: list[Tensor]) -> Tensor:
        x = levels[-1]
        for block, skip in zip(self.up_blocks, reversed(levels[:-1]), strict=True):
            x = torch.cat([block(x), skip], dim=1)
        return x


class Hourglass(nn.Module):
    """A U-shaped network: (B, C, H, W) to (B, out_channels, H, W), H and W divisible by 2**blocks."""

    def __init__(self, settings: HourglassSettings, channels_in: int) -> None:
        super().__init__()
        self.encoder = Encoder(settings, channels_in)
        self.decoder = Decoder(settings, channels_in)
        self.out_channels = self.decoder.out_channels

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class AntiAliasInterpolation2d(nn.Module):
    """A band-limited reduction by 1/scale: a Gaussian blur, then every (1/scale)-th pixel.

    The kernel follows from the scale alone, so it is computed and never loaded: a checkpoint's own copy would tie it to
    the resolution it was trained at.
    """

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.step = round(1 / scale)
        sigma = (1 / scale - 1) / 2
        size = 2 * round(sigma * 4) + 1
        offset = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
        line = torch.exp(-(offset**2) / (2 * sigma**2)) if sigma > 0 else torch.ones(1)
        kernel = torch.outer(line, line)
        self.register_buffer("weight", (kernel / kernel.sum()).expand(channels, 1, size, size).clone())

    def forward(self, x: Tensor) -> Tensor:
        weight: Tensor = self.get_buffer("weight")
        if self.step == 1:
            return x
        return F.conv2d(x, weight, stride=self.step, padding=weight.shape[-1] // 2, groups=weight.shape[0])


def level_width(settings: HourglassSettings, level: int) -> int:
    """The number of channels at `level` (0 is the input's resolution) of an hourglass."""
    return min(settings.max_width, settings.width * 2**level)


def coordinate_grid(height: int, width: int, like: Tensor) -> Tensor:
    """(height, width, 2) of (x, y), -1/+1 at the first/last pixel's centre; device and type as of `like`."""
    x = torch.linspace(-1, 1, width, dtype=like.dtype, device=like.device)
    y = torch.linspace(-1, 1, height, dtype=like.dtype, device=like.device)
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1)


def inverse_2x2(matrices: Tensor) -> Tensor:
    """The inverses of (..., 2, 2) matrices in closed form; a singular one is treated as one of determinant 1e-6."""
    a, b, c, d = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 0], matrices[..., 1, 1]
    determinant = a * d - b * c
    sign = torch.where(determinant < 0, -1.0, 1.0).to(determinant.dtype)
    safe = torch.where(determinant.abs() < 1e-6, sign * 1e-6, determinant)
    adjugate = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2)
    return adjugate / safe[..., None, None]
