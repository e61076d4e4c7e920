# SPDX-License-Identifier: GPL-3.0-or-later
"""The losses of FOMM (paper, section 3.4; the original's modules/model.py)."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fomm_engine.fomm_training.discriminator import Discriminator, Judgement
from fomm_engine.fomm_training.perceptual import Features, perceptual_loss
from fomm_engine.fomm_training.transform import RandomTransform
from fomm_engine.model.blocks import AntiAliasInterpolation2d, inverse_2x2
from fomm_engine.model.generator import Generated
from fomm_engine.model.keypoints import KeypointTensors
from fomm_engine.model.training_settings import LossSettings


class Reconstruction(NamedTuple):
    """One batch: the real pictures, their keypoints, and the driving picture made from the source."""

    source: Tensor
    driving: Tensor
    source_keypoints: KeypointTensors
    driving_keypoints: KeypointTensors
    made: Generated


@dataclass(frozen=True)
class Deformed:
    """The driving pictures under a random transform, and the keypoints seen there."""

    transform: RandomTransform
    image: Tensor
    keypoints: KeypointTensors


class Pyramid(nn.Module):
    """A picture at each of `scales`, band-limited."""

    def __init__(self, scales: tuple[float, ...], channels: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(AntiAliasInterpolation2d(channels, scale) for scale in scales)

    def forward(self, image: Tensor) -> list[Tensor]:
        """In the order of the scales."""
        return [level(image) for level in self.levels]


def picture_loss(pyramid: Pyramid, features: Features, batch: Reconstruction, settings: LossSettings) -> Tensor:
    """Multi-scale perceptual loss: the features' differences, summed over the pyramid."""
    pairs = zip(pyramid(batch.made.prediction), pyramid(batch.driving), strict=True)
    return torch.stack([perceptual_loss(features, made, real, settings.perceptual) for made, real in pairs]).sum()


def equivariance_losses(batch: Reconstruction, deformed: Deformed, settings: LossSettings) -> dict[str, Tensor]:
    """Keypoints must move with the picture: their values, and 1 - Jd^-1 (dT/dx) Jd' for their Jacobians."""
    seen, transform = deformed.keypoints, deformed.transform
    losses: dict[str, Tensor] = {}
    if settings.equivariance_value:
        away = (batch.driving_keypoints.value - transform.points(seen.value)).abs().mean()
        losses["equivariance_value"] = settings.equivariance_value * away
    if settings.equivariance_jacobian:
        moved = transform.jacobian(seen.value) @ seen.jacobian
        product = inverse_2x2(batch.driving_keypoints.jacobian) @ moved
        away = (torch.eye(2, device=product.device) - product).abs().mean()
        losses["equivariance_jacobian"] = settings.equivariance_jacobian * away
    return losses


def fooling_losses(judge: Discriminator, batch: Reconstruction, settings: LossSettings) -> dict[str, Tensor]:
    """The generator's part of LSGAN, and feature matching with the real picture's features."""
    keypoints = batch.driving_keypoints.value.detach()
    made: Judgement = judge(batch.made.prediction, keypoints)
    with torch.no_grad():
        real: Judgement = judge(batch.driving, keypoints)
    losses = {"generator_gan": settings.generator_gan * ((1 - made.score) ** 2).mean()}
    matched = [
        weight * (ours - theirs).abs().mean()
        for weight, ours, theirs in zip(settings.feature_matching, made.features, real.features, strict=True)
        if weight
    ]
    if matched:
        losses["feature_matching"] = torch.stack(matched).sum()
    return losses


def judging_loss(judge: Discriminator, batch: Reconstruction, settings: LossSettings) -> Tensor:
    """The discriminator's own: real pictures are 1, made ones 0 (LSGAN)."""
    keypoints = batch.driving_keypoints.value.detach()
    real: Judgement = judge(batch.driving, keypoints)
    made: Judgement = judge(batch.made.prediction.detach(), keypoints)
    return settings.discriminator_gan * ((1 - real.score) ** 2 + made.score**2).mean()
