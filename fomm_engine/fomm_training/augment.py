# SPDX-License-Identifier: GPL-3.0-or-later
"""How a pair of frames varies from one look at it to the next: flips, colours, size; both frames alike."""

from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.model.training_settings import AugmentSettings

Pair = NDArray[Any]  # (2, S, S, 3) float32 in [0, 1]
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def augmented(pair: Pair, rng: Generator, settings: AugmentSettings) -> Pair:
    """`pair` (source, driving), varied: turned back in time or else mirrored, zoomed, its colours changed."""
    if settings.time_flip and rng.random() < 0.5:
        pair = pair[::-1]
    elif settings.horizontal_flip and rng.random() < 0.5:
        pair = pair[:, :, ::-1]
    if settings.zoom > 0:
        pair = _zoomed(pair, rng, settings.zoom)
    return np.ascontiguousarray(_jittered(pair, rng, settings), np.float32)


def _zoomed(pair: Pair, rng: Generator, zoom: float) -> Pair:
    """Scaled, then cut back to its size at random where it grew, its border repeated where it shrank."""
    side = pair.shape[1]
    factor = rng.uniform(1 - zoom, 1 + zoom)
    shift = rng.uniform(-0.5, 0.5, 2) * side * (factor - 1)
    corner = side / 2 * (1 - factor) + shift
    matrix = np.array([[factor, 0, corner[0]], [0, factor, corner[1]]])
    return np.stack([_warped(image, matrix, side) for image in pair])


def _warped(image: Pair, matrix: NDArray[np.float64], side: int) -> Pair:
    whole = np.ascontiguousarray(image)
    return cv2.warpAffine(whole, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _jittered(pair: Pair, rng: Generator, settings: AugmentSettings) -> Pair:
    amounts = {
        "brightness": settings.brightness,
        "contrast": settings.contrast,
        "saturation": settings.saturation,
        "hue": settings.hue,
    }
    for index in rng.permutation(len(amounts)):
        name, most = list(amounts.items())[index]
        if most > 0:
            pair = _changed(pair, name, rng.uniform(-most, most))
    return pair


def _changed(pair: Pair, name: str, amount: float) -> Pair:
    if name == "hue":
        return np.stack([_turned_hue(image, amount) for image in pair])
    if name == "brightness":
        return np.clip(pair * (1 + amount), 0, 1)
    grey = pair @ _LUMA
    towards = grey.mean((1, 2))[:, None, None, None] if name == "contrast" else grey[..., None]
    return np.clip(towards + (pair - towards) * (1 + amount), 0, 1)


def _turned_hue(image: Pair, turns: float) -> Pair:
    hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + 360 * turns) % 360
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.float32)
