# SPDX-License-Identifier: GPL-3.0-or-later
"""FOMM's dense motion network: from sparse keypoint motion to where every pixel comes from, and what is hidden."""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.model.blocks import AntiAliasInterpolation2d, Hourglass, coordinate_grid, inverse_2x2
from fomm_engine.model.config import ModelConfig
from fomm_engine.model.keypoints import KeypointTensors


class DenseMotion(NamedTuple):
    """deformation (B,h,w,2): where each pixel of the result lies in the source; mask (B,K+1,h,w), background first;
    occlusion (B,1,h,w): 1 where the source can be seen; sparse_deformed (B,K+1,3,h,w): the source moved by each part.
    """

    deformation: Tensor
    mask: Tensor
    occlusion: Tensor
    sparse_deformed: Tensor


class DenseMotionNetwork(nn.Module):
    """Blends the first-order motions of the keypoints (paper, section 3.2, equations 4 to 7)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        settings = config.dense_motion
        self.variance = settings.variance
        self.precision = torch.float32  # of the convolutions; motion and masks are always float32
        parts = config.keypoints + 1
        self.hourglass = Hourglass(settings.hourglass, parts * (config.channels + 1))
        self.mask = nn.Conv2d(self.hourglass.out_channels, parts, 7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.out_channels, 1, 7, padding=3)
        self.joined: nn.Module | None = None  # both heads as one convolution, where model.fast has made it
        self.down = AntiAliasInterpolation2d(config.channels, settings.scale)

    def forward(
        self, small_source: Tensor, source: KeypointTensors, driving: KeypointTensors, *, align_corners: bool
    ) -> DenseMotion:
        """`small_source` is the source after `down`; align_corners as in `Generator`."""
        height, width = small_source.shape[2:]
        heat = self.heat_difference(source, driving, (height, width))
        motions = sparse_motions(source, driving, (height, width))
        deformed = deform_each(small_source, motions, align_corners=align_corners)
        joined = torch.cat([heat[:, :, None], deformed], dim=2).flatten(1, 2)
        features = self.hourglass(joined.to(self.precision))
        mask, occlusion = self.heads(features)
        mask = torch.softmax(mask.float(), dim=1)
        deformation = (motions * mask[..., None]).sum(1)
        return DenseMotion(deformation, mask, torch.sigmoid(occlusion.float()), deformed)

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B,K+1,h,w) and (B,1,h,w): the mask and the occlusion before softmax and sigmoid."""
        if self.joined is None:
            return self.mask(features), self.occlusion(features)
        mask, occlusion = self.joined(features).split([self.mask.out_channels, 1], dim=1)
        return mask, occlusion

    def heat_difference(self, source: KeypointTensors, driving: KeypointTensors, size: tuple[int, int]) -> Tensor:
        """(B,K+1,h,w): the driving keypoints' Gaussians minus the source's, 0 for the background (equation 6)."""
        heat = gaussians(driving.value, size, self.variance) - gaussians(source.value, size, self.variance)
        return F.pad(heat, (0, 0, 0, 0, 1, 0))


def gaussians(value: Tensor, size: tuple[int, int], variance: float) -> Tensor:
    """(B,K,h,w): exp(-|z - value|^2 / (2 variance)) for keypoints `value` (B,K,2)."""
    grid = coordinate_grid(*size, value)
    return torch.exp(-0.5 * ((grid - value[:, :, None, None]) ** 2).sum(-1) / variance)


def sparse_motions(source: KeypointTensors, driving: KeypointTensors, size: tuple[int, int]) -> Tensor:
    """(B,K+1,h,w,2): where each pixel z comes from by each keypoint's motion, T_k(z) = s_k + Js_k Jd_k^-1 (z - d_k)
    (equation 4); the first is the background, which stays.
    """
    grid = coordinate_grid(*size, driving.value)
    matrices = source.jacobian @ inverse_2x2(driving.jacobian)
    offsets = grid - driving.value[:, :, None, None]
    moved = torch.einsum("bkij,bkhwj->bkhwi", matrices, offsets) + source.value[:, :, None, None]
    still = grid.expand(moved.shape[0], 1, *grid.shape)
    return torch.cat([still, moved], dim=1)


def deform_each(image: Tensor, motions: Tensor, *, align_corners: bool) -> Tensor:
    """(B,K+1,C,h,w): `image` (B,C,h,w) looked up by each of `motions` (B,K+1,h,w,2), black outside, in one look-up."""
    batch, parts, height, width, _ = motions.shape
    tall = motions.reshape(
        batch, parts * height, width, 2
    )  # one long picture of all the parts: the source is read once
    looked_up = F.grid_sample(image.expand(batch, -1, -1, -1), tall, align_corners=align_corners, padding_mode="zeros")
    return looked_up.reshape(batch, -1, parts, height, width).transpose(1, 2)
