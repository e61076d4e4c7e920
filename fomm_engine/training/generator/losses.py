# SPDX-License-Identifier: GPL-3.0-or-later
"""What a made picture costs: levels, edges, structure, and what the project's own landmark net sees in it.

The paper's perceptual loss needs VGG19, whose weights are not the project's to give. The first layers of the landmark
net take its place: they were trained on faces, and see lids, lips and brows.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.face.nets import LandmarkNet
from fomm_engine.model.blocks import coordinate_grid
from fomm_engine.model.dense_motion import DenseMotion
from fomm_engine.model.generator import Generated
from fomm_engine.wire.names import KEYPOINTS

_HIDDEN = 0.08  # of the levels: what is further off than this had better be painted
_PARTS = [row for row, name in enumerate(KEYPOINTS) if name.startswith(("eye", "lip", "mouth"))]


@dataclass(frozen=True)
class GeneratorLossSettings:
    """Weights of the terms; `parts` is how much more a pixel counts at eyes and lips, within `reach` of [-1, 1]."""

    levels: float = 10.0
    edges: float = 6.0
    structure: float = 1.0
    features: float = 1.0
    motion: float = 5.0
    parts: float = 5.0
    reach: float = 0.12


class PictureLoss(nn.Module):
    """One number for pictures (B, 3, S, S) in [0, 1] against the real ones."""

    def __init__(self, net: LandmarkNet, settings: GeneratorLossSettings) -> None:
        super().__init__()
        self._settings = settings
        self._stages = nn.ModuleList([net.at_32, net.at_16]).eval().requires_grad_(requires_grad=False)

    def forward(self, generated: Generated, source: Tensor, real: Tensor, keypoints: Tensor) -> Tensor:
        """`keypoints` (B, 10, 2) are the real pictures'."""
        made, settings = generated.prediction, self._settings
        weight = part_weight(keypoints, made.shape[2], settings)
        loss = settings.levels * (weight * (made - real).abs()).mean()
        loss = loss + settings.edges * sum(
            (weight * (slopes(made)[axis] - slopes(real)[axis]).abs()).mean() for axis in range(2)
        )
        loss = loss + settings.structure * (1 - structure(made, real))
        loss = loss + settings.motion * motion_distance(generated.motion, source, real)
        return loss + settings.features * self._feature_distance(made, real)

    def _feature_distance(self, made: Tensor, real: Tensor) -> Tensor:
        """Mean distance of each stage's features in units of their spread."""
        total = made.new_zeros(())
        with torch.autocast("cpu", torch.bfloat16):
            x, y = (each.mul(2).sub(1).contiguous(memory_format=torch.channels_last) for each in (made, real))
            for stage in self._stages:
                x = stage(x)
                with torch.no_grad():
                    y = stage(y)
                total = total + ((x - y).abs().mean() / y.float().std().clamp_min(1e-3)).float()
        return total


def motion_distance(motion: DenseMotion, source: Tensor, real: Tensor) -> Tensor:
    """How far the source, moved and not painted, is from the real picture where the source shows what is there.

    It teaches the motion before the painter can; what is hidden costs a little, so that not everything is.
    """
    height, width = motion.deformation.shape[1:3]
    small, wanted = (F.adaptive_avg_pool2d(each, (height, width)) for each in (source, real))
    moved = F.grid_sample(small, motion.deformation, align_corners=True, padding_mode="border")
    return (motion.occlusion * (moved - wanted).abs()).mean() + _HIDDEN * (1 - motion.occlusion).mean()


def part_weight(keypoints: Tensor, side: int, settings: GeneratorLossSettings) -> Tensor:
    """(B, 1, S, S), of mean 1: more around eyes and lips."""
    grid = coordinate_grid(side, side, keypoints)
    away = ((grid - keypoints[:, _PARTS, None, None]) ** 2).sum(-1)
    weight = 1 + settings.parts * torch.exp(-0.5 * away / settings.reach**2).amax(1, keepdim=True)
    return weight / weight.mean((2, 3), keepdim=True)


def slopes(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Differences between neighbouring pixels along x and y, of the picture's own size."""
    return F.pad(picture.diff(dim=3), (0, 1)), F.pad(picture.diff(dim=2), (0, 0, 0, 1))


def structure(made: Tensor, real: Tensor) -> Tensor:
    """Mean SSIM (Wang et al. 2004) of the brightness, in windows of 7 x 7."""
    x, y = (each.mean(1, keepdim=True) for each in (made, real))
    mean_x, mean_y = (F.avg_pool2d(each, 7, 1) for each in (x, y))
    spread_x = F.avg_pool2d(x * x, 7, 1) - mean_x**2
    spread_y = F.avg_pool2d(y * y, 7, 1) - mean_y**2
    both = F.avg_pool2d(x * y, 7, 1) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    return (top / ((mean_x**2 + mean_y**2 + c1) * (spread_x + spread_y + c2))).mean()
