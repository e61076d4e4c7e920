# SPDX-License-Identifier: GPL-3.0-or-later
"""How a painted square becomes the film's picture: alone, in the middle of 1920x1080, or back in the source picture."""

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from fomm_engine.animate.framing import Square
from fomm_engine.video.picture import pixel_square, resized

Image = NDArray[np.uint8]
Array = NDArray[Any]
WIDE, HIGH = 1920, 1080
LARGEST_SIDE = 4096  # of a pasted film: what H.264 decoders take
_FADE = 0.2  # of the square's side: how broad the border is in which the pasted square fades out


class Canvas(Protocol):
    """size: (width, height) of the pictures."""

    size: tuple[int, int]

    def picture(self, painted: Image) -> Image:
        """(height,width,3) the film's picture with `painted` (S,S,3 or 4)."""
        ...

    def alpha(self, painted: Image, kind: str) -> Image:
        """(height,width) its alpha: 255 is there; kind as the option `alpha` says."""
        ...


class SquareCanvas:
    """The painted square alone, `side` pixels."""

    def __init__(self, side: int) -> None:
        self.size = side, side

    def picture(self, painted: Image) -> Image:
        """(side,side,3)."""
        return resized(_rgb(painted), self.size[0])

    def alpha(self, painted: Image, kind: str) -> Image:
        """(side,side)."""
        if kind == "face":
            return _levels(soft_mask(self.size[0], (True, True, True, True)))
        return resized(_own_alpha(painted, kind), self.size[0])


class WideCanvas:
    """The seed's conversion: the square at 1080 by Lanczos, between two bars of 420."""

    size: tuple[int, int] = (WIDE, HIGH)

    def picture(self, painted: Image) -> Image:
        """(1080,1920,3), black at the sides."""
        return self._between(_lanczos(_rgb(painted), HIGH))

    def alpha(self, painted: Image, kind: str) -> Image:
        """(1080,1920), nothing at the sides."""
        if kind == "face":
            return self._between(_levels(soft_mask(HIGH, (True, True, True, True))))
        return self._between(_lanczos(_own_alpha(painted, kind), HIGH))

    @staticmethod
    def _between(square: Image) -> Image:
        wide = np.zeros((HIGH, WIDE, *square.shape[2:]), np.uint8)
        left = (WIDE - HIGH) // 2
        wide[:, left : left + HIGH] = square
        return wide


class PasteCanvas:
    """The whole source picture, its square painted anew and fading into what stays.

    source (H,W,3), alpha (H,W) or None: the picture; square: what is painted. Pictures that are too large for films are
    made smaller. Where the square ends at the picture's own edge it does not fade: nothing stays there.
    """

    def __init__(self, source: Image, alpha: Image | None, square: Square) -> None:
        height, width = source.shape[:2]
        share = min(1.0, LARGEST_SIDE / max(height, width))
        self.size = max(1, round(width * share)), max(1, round(height * share))
        self._source = _scaled(source, self.size)
        self._alpha = None if alpha is None else _scaled(alpha, self.size)
        left, top, side = (round(value * share) for value in pixel_square((width, height), square))
        side = min(side, *self.size)
        left, top = min(left, self.size[0] - side), min(top, self.size[1] - side)
        self._place = slice(top, top + side), slice(left, left + side)
        fades = left > 0, top > 0, left + side < self.size[0], top + side < self.size[1]
        self._mask = soft_mask(side, fades)

    def picture(self, painted: Image) -> Image:
        """The source picture with the painted square in it."""
        return self._with(self._source, _rgb(painted))

    def alpha(self, painted: Image, kind: str) -> Image:
        """The source's own alpha, moving with it; or the fading square alone, to be laid over the source picture."""
        if kind == "face":
            return self._with(np.zeros(self.size[::-1], np.uint8), np.full(painted.shape[:2], 255, np.uint8))
        opaque = np.full(self.size[::-1], 255, np.uint8)
        return self._with(opaque if self._alpha is None else self._alpha, _own_alpha(painted, kind))

    def _with(self, whole: Image, square: Image) -> Image:
        result = whole.copy()
        below = whole[self._place].astype(np.float32)
        mask = self._mask if whole.ndim == 2 else self._mask[..., None]
        over = resized(square, self._mask.shape[0]).astype(np.float32)
        result[self._place] = np.rint(below + (over - below) * mask).astype(np.uint8)
        return result


def letterboxed(image: Image, size: tuple[int, int]) -> Image:
    """(height,width,3) `image` as large as fits into `size` (width, height), by Lanczos, black around it."""
    width, height = size
    share = min(width / image.shape[1], height / image.shape[0])
    wide, high = min(width, round(image.shape[1] * share)), min(height, round(image.shape[0] * share))
    whole = np.zeros((height, width, 3), np.uint8)
    left, top = (width - wide) // 2, (height - high) // 2
    method = cv2.INTER_AREA if share < 1 else cv2.INTER_LANCZOS4
    whole[top : top + high, left : left + wide] = cv2.resize(image, (wide, high), interpolation=method)
    return whole


def soft_mask(side: int, fades: tuple[bool, bool, bool, bool]) -> Array:
    """(side,side) float32: 1 inside, falling smoothly to 0 at the left, top, right, bottom edge where `fades` says."""
    inward = (np.arange(side, dtype=np.float32) + 0.5) / (side * _FADE)
    ramp = np.clip(inward, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    left, top, right, bottom = (ramp if fade else np.ones_like(ramp) for fade in fades)
    return (left * right[::-1])[None, :] * (top * bottom[::-1])[:, None]


def _levels(share: Array) -> Image:
    return np.rint(share * 255).astype(np.uint8)


def _rgb(painted: Image) -> Image:
    return np.ascontiguousarray(painted[..., :3])


def _own_alpha(painted: Image, kind: str) -> Image:
    if kind == "none" or painted.shape[2] == 3:
        return np.full(painted.shape[:2], 255, np.uint8)
    return np.ascontiguousarray(painted[..., 3])


def _lanczos(image: Image, side: int) -> Image:
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_LANCZOS4), np.uint8)


def _scaled(image: Image, size: tuple[int, int]) -> Image:
    if image.shape[1::-1] == size:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
