# SPDX-License-Identifier: GPL-3.0-or-later
"""Random pictures without faces: gradients, blotches, shapes and blur."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.training.random_color import random_color

Picture = NDArray[np.float32]


def sample_background(rng: Generator, size: int) -> NDArray[np.uint8]:
    """A picture (size, size, 3) uint8."""
    kind = int(rng.integers(0, 4))
    picture = _gradient(rng, size)
    if kind > 0:
        picture = _blotches(picture, rng)
    if kind > 1:
        picture = _shapes(picture, rng)
    sigma = float(rng.choice([0, 1, 3, 8]) * rng.random())
    if sigma > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


def background_pool(rng: Generator, count: int, size: int) -> NDArray[np.uint8]:
    """`count` pictures (count, size, size, 3)."""
    return np.stack([sample_background(rng, size) for _ in range(count)])


def _gradient(rng: Generator, size: int) -> Picture:
    first, second, third = (random_color(rng, (0, 360), (0, 0.6), (0.05, 1)) for _ in range(3))
    down = np.linspace(0, 1, size)[:, None, None]
    right = down.transpose(1, 0, 2)
    share = rng.random()
    return (share * (first * (1 - down) + second * down) + (1 - share) * (first * (1 - right) + third * right)).astype(
        np.float32
    )


def _blotches(picture: Picture, rng: Generator) -> Picture:
    size = picture.shape[0]
    for _ in range(int(rng.integers(1, 5))):
        cells = int(2 ** rng.uniform(1, 7))
        noise = cv2.resize(
            rng.random((cells, cells, 3)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
        )
        if rng.random() < 0.5:
            noise = np.broadcast_to(noise.mean(2, keepdims=True), picture.shape)
        picture = (picture + (noise - 0.5) * rng.uniform(0, 0.5)).astype(np.float32)
    return picture


def _shapes(picture: Picture, rng: Generator) -> Picture:
    picture = np.ascontiguousarray(picture, np.float32)
    for _ in range(int(rng.integers(2, 25))):
        color = tuple(float(value) for value in random_color(rng, (0, 360), (0, 0.8), (0, 1)))
        _shape(picture, color, rng)
    return picture


def _shape(picture: Picture, color: tuple[float, ...], rng: Generator) -> None:
    """One filled or drawn rectangle, ellipse, line or polygon, reaching beyond the picture."""
    size = picture.shape[0]
    first, second = rng.integers(-30, size + 30, (2, 2)).tolist()
    kind = int(rng.integers(0, 4))
    if kind == 3:
        corners = rng.integers(-30, size + 30, (int(rng.integers(3, 6)), 2)).astype(np.int32)
        cv2.fillPoly(picture, [corners], color)
        return
    if kind == 2:
        cv2.line(picture, first, second, color, int(rng.integers(1, 14)))
        return
    thickness = -1 if rng.random() < 0.7 else int(rng.integers(1, 6))
    if kind == 1:
        axes = rng.integers(3, 70, 2).tolist()
        cv2.ellipse(picture, first, axes, float(rng.uniform(0, 180)), 0, 360, color, thickness)
        return
    cv2.rectangle(picture, first, second, color, thickness)
