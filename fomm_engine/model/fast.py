# SPDX-License-Identifier: GPL-3.0-or-later
"""The same networks, rearranged to run faster: equal up to rounding, in plain torch on any device.

- A batch norm in evaluation is a fixed affine map: it is folded into the convolution before it.
- "Repeat every pixel, then a 3x3 convolution" is a 4x4 transposed convolution of stride 2 whose taps are sums of the
  original's, with 4/9 of its multiplications. Where pictures are tiny the weights' size counts: not there.
- The last 7x7 convolution makes three channels, leaving vector units idle: an 8x8 one of stride 2 makes all
  four pixels of a 2x2 cell at once. The mask and the occlusion look at the same features: one convolution makes both.
- Half of all multiplications are the bottleneck's twelve 3x3 convolutions: Winograd's way takes a quarter of them
  (model.winograd).
- Channels last is the layout that the convolutions' kernels want, and weights are laid out once (model.prepacked).
"""

import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.model import prepacked
from fomm_engine.model.blocks import DownBlock2d, Hourglass, ResBlock2d, SameBlock2d, UpBlock2d
from fomm_engine.model.dense_motion import DenseMotionNetwork
from fomm_engine.model.generator import Generator
from fomm_engine.model.keypoints import KPDetector
from fomm_engine.model.weights import Networks
from fomm_engine.model.winograd import TILE, WinogradConv2d

SMALLEST_TRANSPOSED = 8  # pixels along a side: below, reading the larger kernel costs more than it saves
SMALLEST_TRANSPOSED_PACKED = 4  # the same where weights need no laying out at every call


@dataclass(frozen=True)
class Rearrangement:
    """How the networks are rearranged.

    dtype: of the convolutions that run for every frame, but not the keypoint detector's; keypoints, masks, coordinates
    and the warp stay in float32. winograd: how the bottleneck multiplies: "" plainly, "products" by torch.bmm, "packed"
    by oneDNN, "compiled" as "packed" with the changes of basis by torch.compile. packed: lay weights out for oneDNN
    where this torch can (processors only).
    """

    dtype: torch.dtype = torch.float32
    winograd: str = ""
    packed: bool = True


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


class FastResBlock2d(nn.Module):
    """A ResBlock2d with its first norm as an affine map; `first` is its first convolution with the second norm folded
    in and a ReLU behind it, `second` its second one.
    """

    def __init__(self, norm: nn.Module, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        scale, shift = (part.float()[:, None, None] for part in affine(norm))
        self.scale, self.shift = nn.Parameter(scale), nn.Parameter(shift)
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)  # the first block's comes from the look-up, channels first
        inner = torch.addcmul(self.shift, x, self.scale).relu_()
        return self.second(self.first(inner)).add_(x)


class _Arranger:
    """Makes fast layers of folded convolutions, each for pictures of a given side."""

    def __init__(self, how: Rearrangement, dtype: torch.dtype) -> None:
        self.how, self.dtype = how, dtype
        self.packed = how.packed and prepacked.available(dtype)

    def conv(self, conv: nn.Conv2d, side: int, *, relu: bool) -> nn.Module:
        size = (1, conv.in_channels, side, side)
        if self.packed:
            return prepacked.PackedConv2d(conv.to(self.dtype), size, prepacked.RELU if relu else prepacked.NOTHING)
        return self._plain(conv, relu=relu)

    def transposed(self, conv: nn.Conv2d, side: int) -> nn.Module:
        """Of the convolution after the repeating of pixels; `side` before it."""
        smallest = SMALLEST_TRANSPOSED_PACKED if self.packed else SMALLEST_TRANSPOSED
        if side < smallest:
            return nn.Sequential(nn.Upsample(scale_factor=2.0), self.conv(conv, 2 * side, relu=True))
        wide = nn.ConvTranspose2d(conv.in_channels, conv.out_channels, 4, stride=2, padding=1)
        wide.weight, wide.bias = nn.Parameter(transposed_kernel(conv.weight.detach())), conv.bias
        if self.packed:
            size = (1, conv.in_channels, side, side)
            return prepacked.PackedConvTranspose2d(wide.to(self.dtype), size, prepacked.RELU)
        return self._plain(wide, relu=True)

    def winograd(self, conv: nn.Conv2d, side: int, *, relu: bool) -> nn.Module:
        if not self.how.winograd:
            return self.conv(conv, side, relu=relu)
        way = self.how.winograd if self.packed else "products"
        return WinogradConv2d(conv.to(self.dtype), relu=relu, way=way, tiles=(side // TILE) ** 2)

    def hourglass(self, hourglass: Hourglass, side: int) -> None:
        """Nothing; `hourglass` is rearranged in place."""
        downs, ups = hourglass.encoder.down_blocks, hourglass.decoder.up_blocks
        for level, block in enumerate(downs):
            downs[level] = nn.Sequential(self.conv(_folded_block(block), side >> level, relu=True), nn.AvgPool2d(2))
        for index, block in enumerate(ups):
            ups[index] = self.transposed(_folded_block(block), side >> (len(ups) - index))

    def generator(self, generator: Generator, side: int) -> None:
        """Nothing; what `generator` does for every frame is rearranged in place; `side` of its pictures."""
        bottom = side >> len(generator.down_blocks)
        for index, block in enumerate(generator.bottleneck):
            assert isinstance(block, ResBlock2d)
            first = self.winograd(folded(block.conv1, block.norm2), bottom, relu=True)
            second = self.winograd(copy.deepcopy(block.conv2), bottom, relu=False)
            generator.bottleneck[index] = FastResBlock2d(block.norm1, first, second).to(self.dtype)
        for index, block in enumerate(generator.up_blocks):
            generator.up_blocks[index] = self.transposed(_folded_block(block), bottom << index)
        assert isinstance(generator.final, nn.Conv2d)
        generator.final = CellConv2d(generator.final).to(self.dtype)
        generator.precision = self.dtype

    def motion(self, motion: DenseMotionNetwork, side: int) -> None:
        """Nothing; `motion` is rearranged in place; `side` of what it sees."""
        self.hourglass(motion.hourglass, side)
        heads = nn.Conv2d(motion.mask.in_channels, motion.mask.out_channels + 1, 7, padding=3)
        heads.weight = nn.Parameter(torch.cat([motion.mask.weight, motion.occlusion.weight]))
        assert motion.mask.bias is not None
        assert motion.occlusion.bias is not None
        heads.bias = nn.Parameter(torch.cat([motion.mask.bias, motion.occlusion.bias]))
        motion.joined = self.conv(heads, side, relu=False)
        motion.precision = self.dtype

    def _plain(self, conv: nn.Module, *, relu: bool) -> nn.Module:
        conv = conv.to(self.dtype)
        return nn.Sequential(conv, nn.ReLU(inplace=True)) if relu else conv


def accelerated(networks: Networks, rearrangement: Rearrangement | None = None) -> Networks:
    """A rearranged copy of `networks`, for inference only; a keypoint detector of another kind stays as it is."""
    how = rearrangement or Rearrangement()
    generator, detector = copy.deepcopy(networks.generator), copy.deepcopy(networks.kp_detector)
    config, lower, exact = networks.config, _Arranger(how, how.dtype), _Arranger(how, torch.float32)
    if isinstance(detector, KPDetector):
        exact.hourglass(detector.predictor, round(config.image_size * config.keypoint_detector.scale))
    lower.motion(generator.dense_motion_network, round(config.image_size * config.dense_motion.scale))
    lower.generator(generator, config.image_size)
    generator.first = _same(generator.first)
    for index, block in enumerate(generator.down_blocks):
        generator.down_blocks[index] = nn.Sequential(_same(block), nn.AvgPool2d(2))
    for module in (generator, detector):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        module.eval().requires_grad_(requires_grad=False)
    return Networks(config, generator, detector)


def affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """(scale, shift) of the channels, float64: what the batch norm `norm` does in evaluation."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return scale, norm.bias.detach().double() - norm.running_mean.double() * scale


def folded(conv: nn.Conv2d, norm: nn.Module) -> nn.Conv2d:
    """One convolution that does what `conv` and then the batch norm `norm` do in evaluation."""
    scale, shift = affine(norm)
    result = copy.deepcopy(conv)
    result.weight = nn.Parameter((conv.weight.detach().double() * scale[:, None, None, None]).float())
    bias = torch.zeros_like(scale) if conv.bias is None else conv.bias.detach().double() * scale
    result.bias = nn.Parameter((bias + shift).float())
    return result


def transposed_kernel(kernel: Tensor) -> Tensor:
    """(in,out,4,4) the kernel of stride 2 and padding 1 that does what (out,in,3,3) does after repeating pixels.

    Along each axis an even result sees taps 0 | 1+2 of the left and the own pixel, an odd one 0+1 | 2 of the own and
    the right one; a transposed convolution's taps 3, 1 serve the even, 2, 0 the odd.
    """
    sums = torch.tensor([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=torch.float64)
    return torch.einsum("ay,bx,oiyx->ioab", sums, sums, kernel.double()).to(kernel.dtype).contiguous()


def _folded_block(block: nn.Module) -> nn.Conv2d:
    assert isinstance(block, SameBlock2d | DownBlock2d | UpBlock2d)
    return folded(block.conv, block.norm)


def _same(block: nn.Module) -> nn.Module:
    """The source is encoded once, and in float32: its layers need no more than folding."""
    return nn.Sequential(_folded_block(block), nn.ReLU(inplace=True))
