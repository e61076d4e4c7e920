# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain reference of the speed figures: a frame as the original computes it, nothing kept, nothing rearranged."""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.model.blocks import AntiAliasInterpolation2d
from fomm_engine.model.config import ModelConfig
from fomm_engine.model.generator import Generator, move
from fomm_engine.model.keypoints import KeypointTensors, KPDetector
from fomm_engine.model.weights import Networks

_HEADS = {"jacobian": 0.1, "final": 0.2, "mask": 0.5, "occlusion": 0.5}  # their weights, against He's scale


class PlainAntiAlias(AntiAliasInterpolation2d):
    """Blurs every pixel and then throws most away, as the original does."""

    def forward(self, x: Tensor) -> Tensor:
        weight: Tensor = self.get_buffer("weight")
        blurred = F.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=weight.shape[0])
        return blurred[:, :, :: self.step, :: self.step]


def random_networks(seed: int, config: ModelConfig | None = None) -> Networks:
    """Networks of the published shape with seeded random weights whose activations stay in range.

    They take the time that trained weights take. They amplify rounding more, so errors on them are an upper bound.
    """
    config = config or ModelConfig("random")
    networks = Networks(config, Generator(config), detector := KPDetector(config))
    draw = torch.Generator().manual_seed(seed)
    for module in (networks.generator, networks.kp_detector):
        module.eval().requires_grad_(requires_grad=False)
        for name, layer in module.named_modules():
            if isinstance(layer, nn.Conv2d):
                _fill(layer, _HEADS.get(name.rsplit(".", 1)[-1], 1.0), draw)
    identity = torch.eye(2).flatten().repeat(config.keypoints)
    bias = detector.jacobian.bias
    assert bias is not None
    bias.data.copy_(identity)
    return networks


def made_plain(networks: Networks) -> Networks:
    """`networks` with the original's way of reducing pictures (changed in place)."""
    motion, detector = networks.config.dense_motion, networks.config.keypoint_detector
    networks.generator.dense_motion_network.down = PlainAntiAlias(networks.config.channels, motion.scale)
    networks.kp_detector.down = PlainAntiAlias(networks.config.channels, detector.scale)
    return networks


def plain_frame(networks: Networks, image: Tensor, source: KeypointTensors, driving: Tensor) -> Tensor:
    """The prediction (1,3,H,W) for one driving picture, with the source encoded anew and the warped source made too."""
    generator = networks.generator
    pose = networks.kp_detector(driving)
    made = generator(image, source, pose)
    still_seen = torch.ones_like(made.motion.occlusion)
    move(image, made.motion._replace(occlusion=still_seen), align_corners=True)  # the original's "deformed" picture
    return made.prediction


def _fill(layer: nn.Conv2d, gain: float, draw: torch.Generator) -> None:
    spread = gain * (2 / layer.weight[0].numel()) ** 0.5
    layer.weight.data.copy_(torch.randn(layer.weight.shape, generator=draw) * spread)
    if layer.bias is not None:
        layer.bias.data.copy_(torch.randn(layer.bias.shape, generator=draw) * 0.1)
