# SPDX-License-Identifier: GPL-3.0-or-later
"""3x3 convolutions by Winograd's minimal filtering: 4 times fewer multiplications, in plain torch.

F(m x m, 3x3): the picture is cut into overlapping tiles of m + 2 pixels; in a basis of (m + 2)^2 "frequencies" a
convolution is one product of matrices (tiles x channels in, channels in x channels out) for each of them. m = 4 takes
36 products for 16 pixels instead of 144. Both changes of basis are small constant matrices and are products of
matrices too, so that no compiler is needed. Exact up to rounding: within 1e-5 of the plain convolution in float32.
Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, https://arxiv.org/abs/1509.09308
"""

import os
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.model.prepacked import PackedProducts
from fomm_engine.models.folder import models_folder

TILE = 4  # result pixels along a tile's side
_SEEN = TILE + 2  # input pixels along a tile's side
_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


class WinogradConv2d(nn.Module):
    """What the 3x3 convolution `conv` (stride 1, padding 1) does, and a ReLU where `relu`.

    way: "products" multiplies by torch.bmm; "packed" by oneDNN's kernels with prepacked weights (faster where torch's
    BLAS is slow on this processor; `tiles` is about how many there will be); "compiled" like "packed", with the changes
    of basis as sums that torch.compile fuses.
    """

    def __init__(self, conv: nn.Conv2d, *, relu: bool = False, way: str = "products", tiles: int = 256) -> None:
        super().__init__()
        self.relu = relu
        weight, dtype = conv.weight.detach(), conv.weight.dtype
        kernels = winograd_kernels(weight)
        self.into = nn.Parameter(torch.tensor(_INPUT, dtype=dtype), requires_grad=False)
        self.back = nn.Parameter(torch.tensor(_OUTPUT, dtype=dtype), requires_grad=False)
        bias = torch.zeros(len(weight), dtype=dtype) if conv.bias is None else conv.bias.detach()
        self.bias = nn.Parameter(bias, requires_grad=False)
        self.multiply: nn.Module = Products(kernels) if way == "products" else PackedProducts(kernels, tiles)
        self.compiled = way == "compiled"

    def forward(self, x: Tensor) -> Tensor:
        """One picture of the batch after the other: a batch's intermediate tiles do not fit the processor's cache."""
        pictures = [self._one(picture) for picture in x.permute(0, 2, 3, 1)]
        whole = pictures[0][None] if len(pictures) == 1 else torch.stack(pictures)
        return whole.permute(0, 3, 1, 2)

    def _one(self, x: Tensor) -> Tensor:
        """(H,W,out) of `x` (H,W,in)."""
        height, width, _ = x.shape
        down, across = -(-height // TILE), -(-width // TILE)
        padded = F.pad(x, (0, 0, 1, 1 + TILE * across - width, 1, 1 + TILE * down - height)).contiguous()
        if self.compiled:
            made = self.multiply(_compiled(summed_input)(padded))
            whole = _compiled(summed_output)(made.view(-1, down, across, made.shape[-1]), self.bias, self.relu)
            return whole[:height, :width]
        cells = self._cells(self.multiply(self._frequencies(padded, down)))
        whole = cells.view(TILE, TILE, down, across, -1).permute(2, 1, 3, 0, 4)
        result = whole.reshape(TILE * down, TILE * across, -1)[:height, :width].add_(self.bias)
        return result.relu_() if self.relu else result

    def _frequencies(self, padded: Tensor, down: int) -> Tensor:
        """(36,T,C), frequencies across before those down; one axis after the other, which is less work than both."""
        _, width, channels = padded.shape
        line = width * channels
        strips = padded.as_strided((down, _SEEN, line), (TILE * line, line, 1))  # they overlap: no copy
        lines = torch.bmm(self.into.expand(down, _SEEN, _SEEN), strips).view(down, _SEEN, width, channels)
        tiles = lines.unfold(2, _SEEN, TILE).permute(4, 1, 0, 2, 3).reshape(_SEEN, -1)
        return (self.into @ tiles).view(_SEEN**2, -1, channels)

    def _cells(self, made: Tensor) -> Tensor:
        """(4 across, 4 down, T * out) of `made` (36,T,out)."""
        across = (self.back @ made.view(_SEEN, -1)).view(TILE, _SEEN, -1)
        return torch.bmm(self.back.expand(TILE, TILE, _SEEN), across)


class Products(nn.Module):
    """The products of matrices (N,T,I) with fixed ones (N,I,O), given as `right`, in one call."""

    def __init__(self, right: Tensor) -> None:
        super().__init__()
        self.right = nn.Parameter(right, requires_grad=False)

    def forward(self, left: Tensor) -> Tensor:
        return torch.bmm(left, self.right)


def winograd_kernels(weight: Tensor) -> Tensor:
    """(36,in,out) the kernels (out,in,3,3) by frequency, across before down; type as `weight`'s."""
    change = torch.tensor(_KERNEL, dtype=torch.float64)
    kernels = torch.einsum("ay,bx,oiyx->baio", change, change, weight.double().cpu())
    return kernels.reshape(_SEEN**2, weight.shape[1], weight.shape[0]).to(weight.dtype).contiguous()


def summed_input(padded: Tensor) -> Tensor:
    """(36,T,C) the tiles of `padded` (H+2,W+2,C) in the basis of frequencies, by sums."""
    height, width, channels = padded.shape
    rows = _input_line([padded[k : k + height - _SEEN + 1 : TILE] for k in range(_SEEN)])
    cells = [_input_line([row[:, k : k + width - _SEEN + 1 : TILE] for k in range(_SEEN)]) for row in rows]
    return torch.stack([line[k] for k in range(_SEEN) for line in cells]).view(_SEEN**2, -1, channels)


def summed_output(made: Tensor, bias: Tensor, relu: bool) -> Tensor:
    """(4 rows, 4 columns, O) the picture of `made` (36,rows,columns,O), with `bias`, by sums."""
    lines = [_output_line([made[_SEEN * j + k] for k in range(_SEEN)]) for j in range(_SEEN)]
    cells = [_output_line([lines[j][i] for j in range(_SEEN)]) for i in range(TILE)]
    whole = torch.stack([torch.stack(line, 2) for line in cells], 1) + bias
    whole = whole.reshape(TILE * made.shape[1], TILE * made.shape[2], -1)
    return whole.relu() if relu else whole


def _input_line(d: list[Tensor]) -> list[Tensor]:
    far, near, twice = d[4] - 4 * d[2], d[3] - 4 * d[1], 2 * (d[3] - d[1])
    middle = d[4] - d[2]
    first, last = 4 * d[0] - 5 * d[2] + d[4], 4 * d[1] - 5 * d[3] + d[5]
    return [first, far + near, far - near, middle + twice, middle - twice, last]


def _output_line(m: list[Tensor]) -> list[Tensor]:
    ones, one_apart, twos, two_apart = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [m[0] + ones + twos, one_apart + 2 * two_apart, ones + 4 * twos, one_apart + 8 * two_apart + m[5]]


@cache
def _compiled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(models_folder() / "compiled"))  # minutes, once on a machine
    return torch.compile(function, dynamic=False)
