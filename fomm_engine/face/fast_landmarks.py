# SPDX-License-Identifier: GPL-3.0-or-later
"""The landmark net rearranged for speed on processors: equal to the plain one up to rounding.

- A batch norm in evaluation is a fixed affine map: it is folded into the convolution before it.
- Convolution, sum and ReLU are one call of oneDNN, with weights that were laid out for it once and not at every frame
  (torch's own convolution of one small picture lays them out each time, or does not use oneDNN at all).
- Where the processor multiplies bfloat16 (AVX512-BF16), convolutions do; the soft-argmax and the heads stay in float32.
  On held-out faces this moves points by a twentieth of their error, and changes neither the mean error nor the jitter.

Where torch has no oneDNN (other processors), `fast_landmark_net` gives the plain net back.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fomm_engine.face.nets import (
    LANDMARK_INPUT_SIZE,
    LandmarkNet,
    LandmarkOutput,
    Residual,
    doubled,
    landmark_output,
)

Look = Callable[[Tensor], LandmarkOutput]
_FARTHEST = {torch.float32: 1e-3, torch.bfloat16: 0.1}  # in half crop sides; a wrong kernel is off by far more


def fast_landmark_net(net: LandmarkNet, precision: torch.dtype | None = None) -> Look:
    """A function that does what `net` does, faster where this machine can.

    precision: of the convolutions; None chooses bfloat16 where the processor has instructions for it.
    """
    if not torch.backends.mkldnn.is_available():
        return net
    precision = precision or (torch.bfloat16 if has_bfloat16() else torch.float32)
    try:
        fast = FastLandmarkNet(net, precision)
        return fast if _agree(fast, net, _FARTHEST[precision]) else net
    except (AttributeError, RuntimeError):  # a torch without these kernels
        return net


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware; elsewhere it is slower than float32."""
    known: Callable[[], bool] | None = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return known is not None and known()


class FastLandmarkNet:
    """A `LandmarkNet` as oneDNN's kernels want it; for inference only."""

    def __init__(self, net: LandmarkNet, precision: torch.dtype) -> None:
        self._precision = precision
        self._stages = [_steps(stage, precision) for stage in (net.at_32, net.at_16, net.at_8, net.at_4)]
        parts = (net.up_8, net.fuse_8, net.fuse_16, net.lateral_32, net.fuse_32)
        self._up_8, self._fuse_8, self._fuse_16, self._lateral_32, self._fuse_32 = (
            _Packed(part[0], part[1], precision) for part in parts
        )
        self._heatmaps = _Packed(net.heatmaps, None, precision)
        summary = net.summary[1]
        assert isinstance(summary, nn.Linear)
        self._summary = _Packed(_as_convolution(summary, net.at_4_channels), None, precision)
        self._net = net

    def __call__(self, image: Tensor) -> LandmarkOutput:
        """As `LandmarkNet.forward`."""
        features = image.to(self._precision)
        levels: list[Tensor] = []
        for stage in self._stages:
            for step in stage:
                features = step(features)
            levels.append(features)
        at_32, at_16, at_8, at_4 = levels
        decoded = self._fuse_8(doubled(self._up_8(at_4)) + at_8)
        decoded = self._fuse_16(doubled(decoded) + at_16)
        decoded = self._fuse_32(doubled(decoded) + self._lateral_32(at_32))
        summary = self._summary(at_4).flatten(1).float()
        return landmark_output(self._net, self._heatmaps(decoded, relu=False), summary)


class _Packed:
    """A convolution with its norm folded in and its weights laid out for the inputs that come."""

    def __init__(self, conv: nn.Module, norm: nn.Module | None, precision: torch.dtype) -> None:
        assert isinstance(conv, nn.Conv2d)
        assert norm is None or isinstance(norm, nn.BatchNorm2d)
        whole = conv if norm is None else fuse_conv_bn_eval(conv, norm)
        assert whole.bias is not None
        self._shape = (whole.padding, whole.stride, whole.dilation)
        self._weight = whole.weight.detach().to(precision).contiguous(memory_format=torch.channels_last)
        self._bias = whole.bias.detach().to(precision)
        self._laid_out: dict[tuple[int, ...], Tensor] = {}

    def __call__(self, features: Tensor, *, relu: bool = True) -> Tensor:
        padding, stride, dilation = self._shape
        rest = (self._bias, padding, stride, dilation, 1, "relu" if relu else "none", [], "")
        return _kernel()(features, self._for(features), *rest)

    def added(self, features: Tensor, other: Tensor) -> Tensor:
        """ReLU of `other` plus the convolution of `features`."""
        padding, stride, dilation = self._shape
        rest = (self._bias, padding, stride, dilation, 1, "add", 1.0, "relu", [], "")
        return _kernel().binary(features, other, self._for(features), *rest)

    def _for(self, features: Tensor) -> Tensor:
        size = tuple(features.shape)
        if size not in self._laid_out:
            reorder: Any = torch.ops.mkldnn._reorder_convolution_weight  # noqa: SLF001 - as below
            self._laid_out[size] = reorder(self._weight, *self._shape, 1, list(size))
        return self._laid_out[size]


class _PackedResidual:
    def __init__(self, block: Residual, precision: torch.dtype) -> None:
        self._first = _Packed(block.first[0], block.first[1], precision)
        self._second = _Packed(block.second[0], block.second[1], precision)

    def __call__(self, features: Tensor) -> Tensor:
        return self._second.added(self._first(features), features)


def _kernel() -> Any:
    return torch.ops.mkldnn._convolution_pointwise  # noqa: SLF001 - torch's compiler calls it; it has no public name


def _steps(stage: nn.Sequential, precision: torch.dtype) -> list[Callable[[Tensor], Tensor]]:
    steps: list[Callable[[Tensor], Tensor]] = []
    for part in stage:
        if isinstance(part, Residual):
            steps.append(_PackedResidual(part, precision))
        else:
            assert isinstance(part, nn.Sequential)
            steps.append(_Packed(part[0], part[1], precision))
    return steps


def _as_convolution(linear: nn.Linear, channels: int) -> nn.Conv2d:
    """A linear layer over a flattened square map of `channels`, as one convolution of the whole map."""
    side = round((linear.in_features / channels) ** 0.5)
    conv = nn.Conv2d(channels, linear.out_features, side)
    conv.weight = nn.Parameter(linear.weight.detach().view(linear.out_features, channels, side, side))
    conv.bias = linear.bias
    return conv


def _agree(fast: FastLandmarkNet, net: LandmarkNet, farthest: float) -> bool:
    """Whether both see the same in a picture (of nothing; what matters is that they compute the same)."""
    draw = torch.Generator().manual_seed(1)
    size = LANDMARK_INPUT_SIZE
    image = torch.rand(1, 3, size, size, generator=draw).mul_(2).sub_(1).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        one, other = fast(image), net(image)
    return all(bool((a - b).abs().max() < farthest) for a, b in zip(one, other, strict=True))
