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
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fomm_engine.face.nets import Residual, grid

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
    """A convolution with its norm folded in and its weights laid out for the inputs that come.

    A call of a small one costs more than its arithmetic: whatever can be is therefore looked up once.
    """

    def __init__(self, conv: nn.Module, norm: nn.Module | None, precision: torch.dtype) -> None:
        assert isinstance(conv, nn.Conv2d)
        assert norm is None or isinstance(norm, nn.BatchNorm2d)
        whole = conv if norm is None else fuse_conv_bn_eval(conv, norm)
        assert whole.bias is not None
        self._shape = (whole.padding, whole.stride, whole.dilation)
        self._weight = whole.weight.detach().to(precision).contiguous(memory_format=torch.channels_last)
        self._rest = (whole.bias.detach().to(precision), *map(list, self._shape), 1)
        self._laid_out: dict[tuple[int, ...], Tensor] = {}
        self._convolve, self._convolve_and_add = _kernels()

    def __call__(self, features: Tensor) -> Tensor:
        """ReLU of the convolution of `features`."""
        weight = self._laid_out.get(features.shape)
        weight = self._for(features.shape) if weight is None else weight
        return self._convolve(features, weight, *self._rest, "relu", [], "")

    def added(self, features: Tensor, other: Tensor) -> Tensor:
        """ReLU of `other` plus the convolution of `features`; it takes the place of `other`."""
        weight = self._laid_out.get(features.shape)
        weight = self._for(features.shape) if weight is None else weight
        return self._convolve_and_add(other, features, weight, *self._rest, "add", 1.0, "relu", [], "")

    def _for(self, size: torch.Size) -> Tensor:
        reorder: Any = torch.ops.mkldnn._reorder_convolution_weight  # noqa: SLF001 - as below
        self._laid_out[size] = reorder(self._weight, *self._shape, 1, list(size))
        return self._laid_out[size]


class PackedStage:
    """Convolutions with their norms, and residual blocks, one after the other."""

    def __init__(self, stage: nn.Module, precision: torch.dtype) -> None:
        assert isinstance(stage, nn.Sequential)
        alone = isinstance(stage[0], nn.Conv2d)  # one convolution with its norm
        self._steps = list(_steps([stage] if alone else list(stage), precision))
        assert not isinstance(self._steps[0], _PackedResidual)  # it would write over what other stages read

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


class PackedHeatmaps:
    """A 1x1 convolution to heatmaps, and the expectation over each: features (B, C, H, W) to points (B, N, 2).

    The maps are laid out one after the other, as a softmax over a whole map wants them, and are in float32: rounding
    them to bfloat16 would be half of all the error that bfloat16 makes at the eyes.
    """

    def __init__(self, conv: nn.Module) -> None:
        assert isinstance(conv, nn.Conv2d) and conv.bias is not None
        self._weight = conv.weight.detach().flatten(1)
        self._bias = conv.bias.detach()[:, None]

    def __call__(self, features: Tensor) -> Tensor:
        batch, channels, height, width = features.shape
        cells = features.permute(0, 2, 3, 1).reshape(-1, channels).float()
        maps = torch.addmm(self._bias, self._weight, cells.t())
        probability = maps.view(-1, batch, height * width).softmax(-1)
        return functional.linear(probability, grid(height, width, features.device)).transpose(0, 1)


class PackedHeads:
    """Linear layers that read the same features, as one product in float32."""

    def __init__(self, *layers: nn.Module) -> None:
        assert all(isinstance(layer, nn.Linear) for layer in layers)
        self._weight = torch.cat([layer.get_parameter("weight").detach() for layer in layers]).t().contiguous()
        self._bias = torch.cat([layer.get_parameter("bias").detach() for layer in layers])

    def __call__(self, features: Tensor) -> Tensor:
        return torch.addmm(self._bias, features, self._weight)


def doubled(features: Tensor) -> Tensor:
    """As `nets.doubled`, without torch's long way there."""
    return torch.ops.aten.upsample_nearest2d.vec(features, None, [2.0, 2.0])


def packed_summary(linear: nn.Module, channels: int, precision: torch.dtype) -> Packed:
    """A linear layer over a flattened square map of `channels`, as one convolution of the whole map."""
    assert isinstance(linear, nn.Linear)
    side = round((linear.in_features / channels) ** 0.5)
    conv = nn.Conv2d(channels, linear.out_features, side)
    conv.weight = nn.Parameter(linear.weight.detach().view(linear.out_features, channels, side, side))
    conv.bias = linear.bias
    return Packed(conv, None, precision)


def _kernels() -> tuple[Any, Any]:
    """oneDNN's convolution with a function after it, and the one that is added in place, with a function after that."""
    kernels: Any = torch.ops.mkldnn  # torch's compiler calls them; they have no public names
    return kernels._convolution_pointwise.default, kernels._convolution_pointwise_.binary  # noqa: SLF001


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
