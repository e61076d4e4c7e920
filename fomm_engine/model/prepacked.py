# SPDX-License-Identifier: GPL-3.0-or-later
"""Convolutions whose weights already lie as the processor's kernels read them.

torch hands oneDNN a convolution's weights in their plain order, and oneDNN lays them out anew at every call. For the
small pictures deep in an hourglass that costs more than the convolution: 34 of 94 ms for one layer of 2048 channels at
8x8. torch.compile lays them out once and calls the operators used here; they are torch's own but not of its public
interface, so `available` tries them once, and without them the plain layers stay.
"""

from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

RELU, NOTHING = "relu", "none"


class PackedConv2d(nn.Module):
    """What `conv` does, then the activation; made for inputs of `input_size`, right for any."""

    def __init__(self, conv: nn.Conv2d, input_size: tuple[int, ...], activation: str) -> None:
        super().__init__()
        self.padding = [int(side) for side in conv.padding]
        self.stride, self.activation = list(conv.stride), activation
        weight = conv.weight.detach().contiguous(memory_format=torch.channels_last)
        self.packed = torch.ops.mkldnn._reorder_convolution_weight(  # noqa: SLF001 - see above
            weight, self.padding, self.stride, [1, 1], 1, list(input_size)
        )
        self.bias = None if conv.bias is None else nn.Parameter(conv.bias.detach(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        return torch.ops.mkldnn._convolution_pointwise(  # noqa: SLF001
            x, self.packed, self.bias, self.padding, self.stride, [1, 1], 1, self.activation, [], ""
        )


class PackedConvTranspose2d(nn.Module):
    """What `conv` does, then the activation; made for inputs of `input_size`, right for any."""

    def __init__(self, conv: nn.ConvTranspose2d, input_size: tuple[int, ...], activation: str) -> None:
        super().__init__()
        self.padding = [int(side) for side in conv.padding]
        self.stride, self.activation = list(conv.stride), activation
        weight = conv.weight.detach().contiguous(memory_format=torch.channels_last)
        self.packed = torch.ops.mkldnn._reorder_convolution_transpose_weight(  # noqa: SLF001
            weight, self.padding, [0, 0], self.stride, [1, 1], 1, list(input_size)
        )
        self.bias = None if conv.bias is None else nn.Parameter(conv.bias.detach(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        return torch.ops.mkldnn._convolution_transpose_pointwise(  # noqa: SLF001
            x, self.packed, self.bias, self.padding, [0, 0], self.stride, [1, 1], 1, self.activation, [], ""
        )


class PackedProducts(nn.Module):
    """The products of matrices (N,T,I) with fixed ones (N,I,O), given as `right`, one after the other."""

    def __init__(self, right: Tensor, rows: int) -> None:
        super().__init__()
        reorder = torch.ops.mkldnn._reorder_linear_weight  # noqa: SLF001
        self.packed = [reorder(matrix.t().contiguous(), rows) for matrix in right]

    def forward(self, left: Tensor) -> Tensor:
        multiply = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001
        pairs = zip(left, self.packed, strict=True)
        return torch.stack([multiply(matrix, packed, None, NOTHING, [], "") for matrix, packed in pairs])


@cache
def available(dtype: torch.dtype = torch.float32) -> bool:
    """Whether this torch has the operators, on this processor, and they compute what the plain layers do."""
    conv, transposed = nn.Conv2d(16, 16, 3, padding=1), nn.ConvTranspose2d(16, 16, 4, stride=2, padding=1)
    x = torch.linspace(-1, 1, 16 * 8 * 8).reshape(1, 16, 8, 8).to(dtype)
    conv, transposed = conv.to(dtype), transposed.to(dtype)
    within = 1e-4 if dtype == torch.float32 else 0.05
    with torch.inference_mode():
        try:
            found = PackedConv2d(conv, x.shape, RELU)(x), PackedConvTranspose2d(transposed, x.shape, RELU)(x)
        except (AttributeError, RuntimeError, NotImplementedError, TypeError):
            return False
        expected = F.relu(conv(x)), F.relu(transposed(x))
    return all(torch.allclose(f.float(), e.float(), atol=within) for f, e in zip(found, expected, strict=True))
