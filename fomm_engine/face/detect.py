# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding faces: the box net on the whole picture, and on overlapping tiles for small ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fomm_engine.face.crop import SquareCrop, letterboxed
from fomm_engine.face.nets import BOX_INPUT_SIZE, BoxNet, pictures_tensor

Array = npt.NDArray[Any]
PRESENCE_LOGIT = -1.0  # generous: the landmark net has the last word
TILE_LEVELS = (2, 4)  # tiles of a half and a quarter of the longer side, each overlapping the next by half
MAX_CANDIDATES = 12


def image_tensor(images: list[Array]) -> torch.Tensor:
    """(B, 3, H, W) float32 in [-1, 1] of RGB pictures (H, W, 3) uint8."""
    return pictures_tensor(np.stack(images))


@dataclass(frozen=True)
class FoundBox:
    """A square around what may be a face, px of the picture, and the box net's logit that it is one."""

    square: SquareCrop
    presence: float


class FaceFinder:
    """Candidate squares of faces in a picture."""

    def __init__(self, net: BoxNet) -> None:
        self._net = net

    def find(self, image: Array, thorough: bool = True) -> list[FoundBox]:
        """Boxes around faces of `image` (H, W, 3) uint8 RGB, likeliest first; `thorough` finds small ones."""
        views = [letterboxed(image, BOX_INPUT_SIZE)]
        if thorough:
            views += _tiles(image)
        with torch.inference_mode():
            centers, log_sizes, presence = self._net(image_tensor([picture for picture, _ in views]))
        order = np.argsort(-presence.numpy())
        found: list[FoundBox] = []
        for index in order:
            if presence[index] < PRESENCE_LOGIT or len(found) == MAX_CANDIDATES:
                break
            view = views[index][1]
            center = view.to_picture(centers[index].numpy())
            square = SquareCrop((float(center[0]), float(center[1])), float(torch.exp(log_sizes[index])) * view.side_px)
            if not any(_same(square, other.square) for other in found):
                found.append(FoundBox(square, float(presence[index])))
        return found


def _tiles(image: Array) -> list[tuple[Array, SquareCrop]]:
    height, width = image.shape[:2]
    tiles: list[tuple[Array, SquareCrop]] = []
    for level in TILE_LEVELS:
        side = max(height, width) / level
        if side < BOX_INPUT_SIZE / 2:
            break
        for y in _starts(height, side):
            for x in _starts(width, side):
                crop = SquareCrop((x + side / 2, y + side / 2), side)
                tiles.append((crop.cut(image, BOX_INPUT_SIZE), crop))
    return tiles


def _starts(length: float, side: float) -> list[float]:
    if length <= side:
        return [(length - side) / 2]
    steps = int(np.ceil((length - side) / (side / 2)))
    return [float(start) for start in np.linspace(0, length - side, steps + 1)]


def _same(one: SquareCrop, other: SquareCrop) -> bool:
    distance = np.hypot(*(np.asarray(one.center_px) - np.asarray(other.center_px)))
    return bool(distance < 0.3 * max(one.side_px, other.side_px) and 0.6 < one.side_px / other.side_px < 1.7)
