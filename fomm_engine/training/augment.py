# SPDX-License-Identifier: GPL-3.0-or-later
"""From stored faces to training pictures: crops, mirroring, backgrounds, and what cameras do to pictures."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.face.crop import ROUND_UP
from fomm_engine.face.nets import LANDMARK_CROP_FACTOR
from fomm_engine.training.random_color import random_color
from fomm_engine.wire.names import LANDMARK_COUNT, MIRRORED_POINTS

Picture = NDArray[Any]  # uint8; OpenCV types its results more widely
Points = NDArray[np.floating]


@dataclass(frozen=True)
class PhotoSettings:
    """Chances of each change that a camera or a file format makes."""

    tone: float = 0.8
    grey: float = 0.08
    occluder: float = 0.15
    blur: float = 0.3
    shrink: float = 0.15
    motion: float = 0.1
    sharpen: float = 0.12  # of those that nothing softens, as phones do to their pictures
    uneven: float = 0.0  # light and shadow that the renderer's lamps do not make
    noise: float = 0.5
    dim: float = 0.07  # a webcam in the evening: dark, noisy, its gain turned up
    jpeg: float = 0.35


@dataclass(frozen=True)
class CropSettings:
    """Spread of the crops around the face's box, in shares of its side, of the natural logarithm and in degrees."""

    shift: float = 0.05
    log_scale: float = 0.12
    turn_deg: float = 8.0
    mirror: float = 0.5


@dataclass(frozen=True)
class Crop:
    """A square of the stored picture: centre, side, a turn (counter-clockwise), mirrored or not."""

    centre_px: Points
    side_px: float
    turn_rad: float = 0.0
    mirrored: bool = False

    def matrix(self, size: int) -> Points:
        """The affine map (2, 3) of continuous pixels from the stored picture to a crop of `size` px."""
        scale = size / self.side_px
        cos, sin = np.cos(self.turn_rad) * scale, np.sin(self.turn_rad) * scale
        linear = np.array([[cos, sin], [-sin, cos]])
        if self.mirrored:
            linear = np.diag([-1.0, 1.0]) @ linear
        return np.concatenate([linear, (size / 2 - linear @ self.centre_px)[:, None]], 1)


@dataclass(frozen=True)
class Sample:
    """One training picture (size, size, 3), its points (70, 2) in pixels of it, and the head's rotation (3, 3)."""

    picture: Picture
    points_px: Points
    rotation: Points


def face_box(points_px: Points) -> tuple[Points, float]:
    """Centre (2,) and side of the square around the 68 landmarks (its side is their larger extent)."""
    low, high = points_px[:LANDMARK_COUNT].min(0), points_px[:LANDMARK_COUNT].max(0)
    return (low + high) / 2, float((high - low).max())


def sample_crop(points_px: Points, rng: Generator, settings: CropSettings) -> Crop:
    """A crop near the face, as a tracker would cut it."""
    centre, side = face_box(points_px)
    return Crop(
        centre_px=centre + rng.normal(0, settings.shift, 2) * side,
        side_px=side * LANDMARK_CROP_FACTOR * float(np.exp(rng.normal(0, settings.log_scale))),
        turn_rad=np.radians(rng.normal(0, settings.turn_deg)),
        mirrored=bool(rng.random() < settings.mirror),
    )


def cut(rgba: Picture, points_px: Points, rotation: Points, crop: Crop, background: Picture) -> Sample:
    """The crop over a background of the wished size, with the labels that go with it."""
    size = background.shape[0]
    matrix = crop.matrix(size)
    rgba, smaller = _averaged(rgba, crop.side_px / size)
    shifted = matrix * (smaller, smaller, 1.0)
    shifted[:, 2] += shifted[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV counts from pixel centres
    warped = cv2.warpAffine(rgba, shifted, (size, size), flags=cv2.INTER_LINEAR)
    points = points_px @ matrix[:, :2].T + matrix[:, 2]
    turned = _roll(crop.turn_rad) @ rotation
    if crop.mirrored:
        points = points[list(MIRRORED_POINTS)]
        flip = np.diag([-1.0, 1.0, 1.0])
        turned = flip @ turned @ flip
    return Sample(over(warped, background), points, turned)


def _averaged(rgba: Picture, shrink: float) -> tuple[Picture, int]:
    """The picture averaged over square blocks of pixels, as the tracker does before it shrinks, and their side."""
    block = int(shrink + ROUND_UP)
    if block < 2:
        return rgba, 1
    height, width = (length // block for length in rgba.shape[:2])
    part = rgba[: height * block, : width * block]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), block


def over(rgba: Picture, background: Picture) -> Picture:
    """A picture with straight alpha laid over an opaque one of the same size."""
    alpha = rgba[..., 3:].astype(np.uint16)
    mixed = rgba[..., :3].astype(np.uint16) * alpha + background.astype(np.uint16) * (255 - alpha)
    return (mixed // 255).astype(np.uint8)


class Backgrounds:
    """Cuts of a pool of pictures (N, S, S, 3)."""

    def __init__(self, pool: NDArray[np.uint8]) -> None:
        self._pool = pool

    def sample(self, rng: Generator, size: int) -> Picture:
        """A part of one of the pictures, (size, size, 3)."""
        whole = self._pool[rng.integers(len(self._pool))]
        side = int(rng.integers(whole.shape[0] // 3, whole.shape[0] + 1))
        top, left = rng.integers(0, whole.shape[0] - side + 1, 2)
        part = whole[top : top + side, left : left + side]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        return cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR)


def photograph(picture: Picture, rng: Generator, settings: PhotoSettings) -> Picture:
    """The picture as a camera and a file might have left it."""
    if rng.random() < settings.occluder:
        picture = _occlude(picture, rng)
    if rng.random() < settings.tone:
        picture = _tone(picture, rng)
    if rng.random() < settings.uneven:
        picture = _uneven(picture, rng)
    if rng.random() < 0.5:
        picture = _saturate(picture, 0.0 if rng.random() < 2 * settings.grey else rng.uniform(0.3, 1.6))
    picture = _soften(picture, rng, settings)
    if rng.random() < settings.noise:
        noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(0, 12))
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if rng.random() < settings.dim:
        picture = _dim(picture, rng)
    if rng.random() < settings.jpeg:
        quality = int(rng.integers(20, 90))
        encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        picture = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return picture


def _roll(angle_rad: float) -> Points:
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def _tone(picture: Picture, rng: Generator) -> Picture:
    """Gamma, contrast, brightness and white balance, as one table per channel."""
    level = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.25))
    level = (level - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.06)
    table = level[:, None] * (1 + rng.normal(0, 0.06, 3))
    return cv2.LUT(picture, (np.clip(table, 0, 1) * 255).astype(np.uint8)[None])


def _dim(picture: Picture, rng: Generator) -> Picture:
    """Little light: noise of the sensor, coarser in chroma, before a gain that does not make up for all of it."""
    light = rng.uniform(0.12, 0.5)
    height, width = picture.shape[:2]
    fine = rng.standard_normal((height, width, 1), np.float32)
    coarse = cv2.resize(rng.standard_normal((height // 2, width // 2, 3), np.float32), (width, height))
    sigma = rng.uniform(3, 12)
    dark = picture * light + sigma * (0.8 * fine + 0.6 * coarse)
    return np.clip(dark * rng.uniform(1.0, 0.9 / light), 0, 255).astype(np.uint8)


def _uneven(picture: Picture, rng: Generator) -> Picture:
    """Brighter here and darker there, softly, by up to about a half."""
    size = picture.shape[0]
    cells = int(rng.integers(2, 5))
    field = rng.normal(0, rng.uniform(0.05, 0.3), (cells, cells)).astype(np.float32)
    light = np.exp(cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC))
    return np.clip(picture * light[..., None], 0, 255).astype(np.uint8)


def _saturate(picture: Picture, amount: float) -> Picture:
    mix = np.full((3, 3), (1 - amount) / 3) + amount * np.eye(3)
    return cv2.transform(picture, mix.astype(np.float32))


def _soften(picture: Picture, rng: Generator, settings: PhotoSettings) -> Picture:
    """At most one of: blur, a detour over a smaller size, motion blur, sharpening with halos."""
    size = picture.shape[0]
    dice = rng.random()
    if dice < settings.blur:
        return cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, size / 70)))
    if dice < settings.blur + settings.shrink:
        small = int(size * rng.uniform(0.3, 0.8))
        tiny = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        return cv2.resize(tiny, (size, size), interpolation=cv2.INTER_LINEAR)
    if dice < settings.blur + settings.shrink + settings.motion:
        return cv2.filter2D(picture, -1, _streak(rng))
    if dice > 1 - settings.sharpen:
        amount = float(rng.uniform(0.3, 1.5))
        blurred = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.7, size / 50)))
        return cv2.addWeighted(picture, 1 + amount, blurred, -amount, 0)
    return picture


def _streak(rng: Generator) -> NDArray[np.float32]:
    """The kernel of a straight motion of 3 to 7 px, seldom up to 13."""
    count = int(rng.integers(3, 8)) if rng.random() < 0.75 else int(rng.integers(8, 14))
    kernel = np.zeros((count, count), np.float32)
    angle = rng.uniform(0, np.pi)
    middle = (count - 1) / 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * middle
    ends = np.rint([middle - reach, middle + reach]).astype(int).tolist()
    cv2.line(kernel, ends[0], ends[1], 1.0, 1)
    return kernel / kernel.sum()


def _occlude(picture: Picture, rng: Generator) -> Picture:
    """An ellipse, bar or polygon of one colour with a soft edge."""
    size = picture.shape[0]
    mask = np.zeros((size, size), np.float32)
    first, second = rng.integers(0, size, (2, 2)).tolist()
    kind = int(rng.integers(0, 3))
    if kind == 0:
        axes = rng.integers(4, size // 4, 2).tolist()
        cv2.ellipse(mask, first, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    elif kind == 1:
        cv2.line(mask, first, second, 1.0, int(rng.integers(3, size // 7)))
    else:
        corners = np.array(first) + rng.integers(-size // 4, size // 4, (5, 2))
        cv2.fillPoly(mask, [corners.astype(np.int32)], 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.5, 2)))[..., None]
    texture = cv2.resize(rng.random((6, 6)).astype(np.float32), (size, size))[..., None] * 0.4 + 0.8
    color = random_color(rng, (0, 360), (0, 1), (0, 1)).astype(np.float32) * 255
    return np.clip(picture * (1 - mask) + mask * color * texture, 0, 255).astype(np.uint8)
