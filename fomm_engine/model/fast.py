# SPDX-License-Identifier: GPL-3.0-or-later
"""The same networks, rearranged to run faster: equal up to rounding, in plain torch on any processor.

- A batch norm in evaluation is a fixed affine map: it is folded into the convolution before it.
- "Repeat every pixel, then a 3x3 convolution" is a 4x4 transposed convolution of stride 2 whose taps are sums of the
  original's, with 4/9 of its multiplications. Where pictures are tiny the weights' size counts: not there.
- The last 7x7 convolution makes three channels, leaving vector units idle: an 8x8 one of stride 2 makes all
  four pixels of a 2x2 cell at once.
- Channels last is the layout that the convolutions' kernels want.
"""

import copy

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.model.blocks import DownBlock2d, Hourglass, ResBlock2d, SameBlock2d, UpBlock2d
from fomm_engine.model.generator import Generator
from fomm_engine.model.keypoints import KPDetector
from fomm_engine.model.weights import Networks

SMALLEST_TRANSPOSED = 8  # pixels along a side: below, reading the larger kernel costs more than it saves


class TransposedUpBlock2d(nn.Module):
    """An UpBlock2d with folded norm, as one transposed convolution."""

    def __init__(self, folded: nn.Conv2d) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(folded.in_channels, folded.out_channels, 4, stride=2, padding=1)
        self.conv.weight = nn.Parameter(transposed_kernel(folded.weight.detach()), requires_grad=False)
        self.conv.bias = folded.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x))


class CellConv2d(nn.Module):
    """A 7x7 convolution with few output channels, four pixels at a time; sides must be even."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        channels = conv.out_channels
        self.conv = nn.Conv2d(conv.in_channels, 4 * channels, 8, stride=2, padding=3)
        weight = torch.zeros_like(self.conv.weight)
        for down in (0, 1):
            for right in (0, 1):
                weight[2 * down + right :: 4, :, down : down + 7, right : right + 7] = conv.weight.detach()
        self.conv.weight = nn.Parameter(weight, requires_grad=False)
        assert conv.bias is not None
        self.conv.bias = nn.Parameter(conv.bias.detach().repeat_interleave(4), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.conv(x), 2)


def accelerated(networks: Networks, *, bf16: bool = False) -> Networks:
    """A rearranged copy of `networks`, for inference only.

    bf16: the generator's convolutions after the warp, and the dense motion's, in bfloat16 (keypoints, masks,
    coordinates and the warp stay in float32).
    """
    side = round(networks.config.image_size * networks.config.dense_motion.scale)
    generator, detector = copy.deepcopy(networks.generator), copy.deepcopy(networks.kp_detector)
    _rearrange_hourglass(generator.dense_motion_network.hourglass, side)
    if isinstance(detector, KPDetector):
        _rearrange_hourglass(detector.predictor, side)
    _rearrange_generator(generator)
    if bf16:
        _lower(generator)
    for module in (generator, detector):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        module.eval().requires_grad_(requires_grad=False)
    return Networks(networks.config, generator, detector)


def folded(conv: nn.Conv2d, norm: nn.Module) -> nn.Conv2d:
    """One convolution that does what `conv` and then the batch norm `norm` do in evaluation."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    bias = torch.zeros_like(scale) if conv.bias is None else conv.bias.detach().double()
    result = copy.deepcopy(conv)
    result.weight = nn.Parameter((conv.weight.detach().double() * scale[:, None, None, None]).float())
    shift = (bias - norm.running_mean.double()) * scale + norm.bias.detach().double()
    result.bias = nn.Parameter(shift.float())
    return result


def transposed_kernel(kernel: Tensor) -> Tensor:
    """(in,out,4,4) the kernel of stride 2 and padding 1 that does what (out,in,3,3) does after repeating pixels.

    Along each axis an even result sees taps 0 | 1+2 of the left and the own pixel, an odd one 0+1 | 2 of the own and
    the right one; a transposed convolution's taps 3, 1 serve the even, 2, 0 the odd.
    """
    sums = torch.tensor([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=torch.float64)
    return torch.einsum("ay,bx,oiyx->ioab", sums, sums, kernel.double()).to(kernel.dtype).contiguous()


def _fold_block(block: SameBlock2d | DownBlock2d | UpBlock2d) -> None:
    block.conv, block.norm = folded(block.conv, block.norm), nn.Identity()


def _rearrange_hourglass(hourglass: Hourglass, side: int) -> None:
    for block in hourglass.encoder.down_blocks:
        assert isinstance(block, DownBlock2d)
        _fold_block(block)
    blocks = hourglass.decoder.up_blocks
    for index, block in enumerate(blocks):
        assert isinstance(block, UpBlock2d)
        _fold_block(block)
        if side // 2 ** (len(blocks) - index) >= SMALLEST_TRANSPOSED:
            blocks[index] = TransposedUpBlock2d(block.conv)


def _rearrange_generator(generator: Generator) -> None:
    _fold_block(generator.first)
    for block in generator.down_blocks:
        assert isinstance(block, DownBlock2d)
        _fold_block(block)
    for block in generator.bottleneck:
        assert isinstance(block, ResBlock2d)
        block.conv1, block.norm2 = folded(block.conv1, block.norm2), nn.Identity()
    for index, block in enumerate(generator.up_blocks):
        assert isinstance(block, UpBlock2d)
        _fold_block(block)
        generator.up_blocks[index] = TransposedUpBlock2d(block.conv)
    assert isinstance(generator.final, nn.Conv2d)
    generator.final = CellConv2d(generator.final)


def _lower(generator: Generator) -> None:
    """The convolutions that run for every frame, in bfloat16; encoding the source happens once and stays exact."""
    motion = generator.dense_motion_network
    for module in (generator.bottleneck, generator.up_blocks, generator.final, motion.hourglass):
        module.to(torch.bfloat16)
    for head in (motion.mask, motion.occlusion):
        head.to(torch.bfloat16)
    generator.precision = motion.precision = torch.bfloat16
