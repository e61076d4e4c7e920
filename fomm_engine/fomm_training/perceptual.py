# SPDX-License-Identifier: GPL-3.0-or-later
"""Features in which pictures are compared: VGG19's where the user has its weights, and two stated substitutes.

"vgg19"    relu1_1 ... relu5_1 of VGG19 trained on ImageNet, as published (Johnson et al., ECCV 2016).
"faces"    colours and edges, fixed random filters, and what our landmark net sees at strides 4, 8 and 16.
"filters"  colours and edges, then four levels of fixed random filters (Ustyuzhaninov et al., ICLR 2017): for anything.
A substitute's levels are each divided by their mean on the real picture, so that the published weights mean the same.
"""

from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.face import weights
from fomm_engine.model.checkpoint_file import read_checkpoint
from fomm_engine.wire.errors import UserError

Kind = Literal["vgg19", "faces", "filters"]
SENTENCES: dict[Kind, str] = {
    "vgg19": "Perceptual loss: VGG19's features, as published.",
    "faces": "Perceptual loss: a substitute for VGG19 (colours, edges, random filters, our landmark net).",
    "filters": "Perceptual loss: a substitute for VGG19 (colours, edges and fixed random filters).",
}
_RANDOM_WIDTHS = (16, 24, 32, 48)
_SEED = 20200229


class Features(nn.Module):
    """Pictures (B,3,H,W) in [0,1] to a list of five feature maps; nothing in it is trained."""

    relative = True  # levels are divided by their mean on the real picture

    def forward(self, image: Tensor) -> list[Tensor]:
        """Fine to coarse."""
        raise NotImplementedError


class VggFeatures(Features):
    """VGG19's, from torchvision's file; keys `features.<n>.weight` as there."""

    relative = False

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self._ends: list[int] = []
        self._build()
        state = read_checkpoint(path).rest
        wanted = {f"features.{i}.{leaf}" for i, layer in enumerate(self.layers) for leaf in _leaves(layer)}
        missing = sorted(wanted - state.keys())
        if missing:
            hint = "Give torchvision's vgg19-dcbf9e9d.pth: `models download vgg19`."
            raise UserError("weights-unfit", f"{path.name} is not VGG19: {missing[0]} is missing.", hint)
        self.load_state_dict({key.replace("features.", "layers."): state[key].float() for key in wanted})
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[None, :, None, None])
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225])[None, :, None, None])

    def forward(self, image: Tensor) -> list[Tensor]:
        """relu1_1, relu2_1, relu3_1, relu4_1, relu5_1."""
        x, found = (image - self.get_buffer("mean")) / self.get_buffer("spread"), []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self._ends:
                found.append(x)
        return found

    def _build(self) -> None:
        """torchvision's layers up to relu5_1: a pool before the first convolution of each group, ReLUs not in place."""
        width = 3
        for group, widths in enumerate(((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,))):
            if group:
                self.layers.append(nn.MaxPool2d(2))
            for number, wide in enumerate(widths):
                self.layers.extend([nn.Conv2d(width, wide, 3, padding=1), nn.ReLU()])
                if number == 0:
                    self._ends.append(len(self.layers) - 1)
                width = wide


class FilterFeatures(Features):
    """Colours and edges, then random filters, always the same ones."""

    def __init__(self, levels: int = 4) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(_SEED)
        width = 9
        self.filters = nn.ModuleList()
        for wide in _RANDOM_WIDTHS[:levels]:
            conv = nn.Conv2d(width, wide, 3, padding=1, bias=False)
            conv.weight.data.copy_(torch.randn(conv.weight.shape, generator=draw) * (2 / (9 * width)) ** 0.5)
            self.filters.append(conv)
            width = wide

    def forward(self, image: Tensor) -> list[Tensor]:
        """(9 channels: colours, steps right, steps down) and one map for each level, half the size of the last."""
        right = F.pad(image[..., 1:] - image[..., :-1], (0, 1))
        down = F.pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
        found = [torch.cat([image, 2 * right, 2 * down], 1)]
        for conv in self.filters:
            x = F.relu(conv(found[-1]))
            found.append(F.avg_pool2d(x, 2) if min(x.shape[2:]) > 1 else x)
        return found


class FaceFeatures(Features):
    """Colours and edges, one level of random filters, and three of the landmark net's."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = FilterFeatures(levels=1)
        net = weights.load_landmark_net()
        self.coarse = nn.ModuleList([net.at_32, net.at_16, net.at_8])

    def forward(self, image: Tensor) -> list[Tensor]:
        """Five maps, at strides 1, 2, 4, 8 and 16."""
        found = self.fine(image)
        x = image * 2 - 1
        for part in self.coarse:
            x = part(x)
            found.append(x)
        return found


def features_of(kind: Kind, vgg19: Path | None = None) -> Features:
    """The features `kind`, ready: nothing in them learns. Raises UserError as reading VGG19's file does."""
    if kind == "vgg19":
        if vgg19 is None:
            hint = "Download them with `models download vgg19`, or train with a substitute."
            raise UserError("weights-not-here", "The weights of VGG19 are not on this machine.", hint)
        made: Features = VggFeatures(vgg19)
    else:
        made = FaceFeatures() if kind == "faces" else FilterFeatures()
    return made.eval().requires_grad_(requires_grad=False)


def perceptual_loss(features: Features, made: Tensor, real: Tensor, level_weights: tuple[float, ...]) -> Tensor:
    """The weighted mean differences of the two pictures' features, level by level."""
    with torch.no_grad():
        wanted = features(real)
    total = made.new_zeros(())
    for weight, ours, theirs in zip(level_weights, features(made), wanted, strict=True):
        difference = (ours - theirs).abs().mean()
        total = total + weight * (difference / (theirs.abs().mean() + 1e-3) if features.relative else difference)
    return total


def _leaves(layer: nn.Module) -> tuple[str, ...]:
    return ("weight", "bias") if isinstance(layer, nn.Conv2d) else ()
