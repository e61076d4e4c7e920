# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of small nets rearranged for speed on processors; for inference only, equal to the plain ones up to rounding.

- A batch norm in evaluation is a fixed affine map: it is folded into the convolution before it.
- Convolution, sum and ReLU are one call of oneDNN, with weights that were laid out for it once and not at every frame
  (torch's own convolution of one small picture lays them out each time, or does not use oneDNN at all).
- Where the processor multiplies bfloat16 (AVX512-BF16), convolutions do; what reads heatmaps stays in float32.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fomm_engine.face.nets import Residual

Net = TypeVar("Net", bound=Callable[..., Any])
_FARTHEST = {torch.float32: 1e-3, torch.bfloat16: 0.1}  # in half crop sides; a wrong kernel is off by far more


def fast_if_equal(
    plain: Net, arranged: Callable[[torch.dtype], Net], precision: torch.dtype | None, sides_px: tuple[int, ...]
) -> Net:
    """What `arranged` makes of `plain` for a precision, or `plain` where this machine cannot or both do not agree.

    precision: of the convolutions; None chooses bfloat16 where the processor has instructions for it. sides_px: of the
    square pictures that the net is called with.
    """
    if not torch.backends.mkldnn.is_available():
        return plain
    precision = precision or (torch.bfloat16 if has_bfloat16() else torch.float32)
    try:
        fast = arranged(precision)
        return fast if _agree(fast, plain, sides_px, _FARTHEST[precision]) else plain
    except (AttributeError, RuntimeError):  # a torch without these kernels
        return plain


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware; elsewhere it is slower than float32."""
    known: Callable[[], bool] | None = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return known is not None and known()


class Packed:
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


class PackedStage:
    """Convolutions with their norms, and residual blocks, one after the other."""

    def __init__(self, stage: nn.Module, precision: torch.dtype) -> None:
        assert isinstance(stage, nn.Sequential)
        alone = isinstance(stage[0], nn.Conv2d)  # one convolution with its norm
        self._steps = list(_steps([stage] if alone else list(stage), precision))

    def __call__(self, features: Tensor) -> Tensor:
        for step in self._steps:
            features = step(features)
        return features


class _PackedResidual:
    def __init__(self, block: Residual, precision: torch.dtype) -> None:
        self._first = Packed(block.first[0], block.first[1], precision)
        self._second = Packed(block.second[0], block.second[1], precision)

    def __call__(self, features: Tensor) -> Tensor:
        return self._second.added(self._first(features), features)


def packed_summary(linear: nn.Module, channels: int, precision: torch.dtype) -> Packed:
    """A linear layer over a flattened square map of `channels`, as one convolution of the whole map."""
    assert isinstance(linear, nn.Linear)
    side = round((linear.in_features / channels) ** 0.5)
    conv = nn.Conv2d(channels, linear.out_features, side)
    conv.weight = nn.Parameter(linear.weight.detach().view(linear.out_features, channels, side, side))
    conv.bias = linear.bias
    return Packed(conv, None, precision)


def _kernel() -> Any:
    return torch.ops.mkldnn._convolution_pointwise  # noqa: SLF001 - torch's compiler calls it; it has no public name


def _steps(parts: list[nn.Module], precision: torch.dtype) -> Iterator[Callable[[Tensor], Tensor]]:
    for part in parts:
        if isinstance(part, Residual):
            yield _PackedResidual(part, precision)
        else:
            assert isinstance(part, nn.Sequential)
            yield Packed(part[0], part[1], precision)


def _agree(fast: Callable[..., Any], plain: Callable[..., Any], sides_px: tuple[int, ...], farthest: float) -> bool:
    """Whether both see the same in pictures (of nothing; what matters is that they compute the same)."""
    draw = torch.Generator().manual_seed(1)
    pictures = [torch.rand(1, 3, side, side, generator=draw).mul_(2).sub_(1) for side in sides_px]
    pictures = [picture.contiguous(memory_format=torch.channels_last) for picture in pictures]
    with torch.inference_mode():
        parts = zip(_tensors(fast(*pictures)), _tensors(plain(*pictures)), strict=True)
        return all(bool((one - other).abs().max() < farthest) for one, other in parts)


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    else:
        for part in output:
            yield from _tensors(part)
