# SPDX-License-Identifier: GPL-3.0-or-later
"""One face in one picture: the landmark net on a crop, both ways round, and whether it is to be believed."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fomm_engine.face.crop import SquareCrop, bounding_square
from fomm_engine.face.fast_landmarks import Look
from fomm_engine.face.nets import LANDMARK_CROP_FACTOR, LANDMARK_INPUT_SIZE, pictures_tensor
from fomm_engine.face.region_nets import CloseNets, seen_in
from fomm_engine.face.regions import patch_crops, refined
from fomm_engine.wire.names import LANDMARK_COUNT, LANDMARKS, MIRRORED_POINTS

Array = npt.NDArray[Any]
MIRROR = list(MIRRORED_POINTS)
SIDEWAYS = np.diag([-1.0, 1.0, 1.0])
INNER = np.array(LANDMARKS["inner51"])
SMALLEST_PX = 12  # side of a face of which anything can be said
SIGMA_FACTOR, SIGMA_POWER = 2.0, 1.25  # from the nets' scale to the error made on rendered clips (track_quality.py)
# A face in a new place. Doubts from so much below the limit to so much above are a near thing; by more, there is none.
HESITANT_BELOW, HESITANT_ABOVE, NOTHING = 0.4, 0.2, 1.3
OTHER_STARTS = (1.25, 0.8)  # sides of the crops from which it is then sought too
APART, APART_WHERE_UNSURE = 0.3, 0.1  # half crop sides: how far apart the ways may end, below and above the limit
ROOM = 0.6  # sides of the larger face that the middles of two people's faces keep between them
STRAY = (0.12, 0.15, 0.2)  # shift (of the side), log of the scale, roll (rad) from which a crop was cut wrongly


@dataclass(frozen=True)
class FrameFace:
    """One face in one frame: points (70, 2) px, sigma (70,) px, rotation (3, 3) camera from head, doubt (log sigma)."""

    points_px: Array
    sigma_px: Array
    rotation: Array
    doubt: float

    @property
    def center_px(self) -> Array:
        """(2,) the mean of the 68 landmarks."""
        return self.points_px[:LANDMARK_COUNT].mean(0)

    @property
    def side_px(self) -> float:
        """Side of the square around the 68 landmarks."""
        return bounding_square(self.points_px[:LANDMARK_COUNT])[1]


@dataclass(frozen=True)
class _Sight:
    """What the landmark net says of one crop, before it is judged: log_sigma (70,) as the net's, of half_px."""

    points_px: Array
    log_sigma: Array
    rotation: Array
    half_px: float

    @cached_property
    def doubt(self) -> float:
        return float(self.log_sigma[INNER].mean())

    @cached_property
    def crop(self) -> SquareCrop:
        """The crop that should have been looked at."""
        return crop_around(self.points_px, self.rotation)


class FaceReader:
    """Faces near a given crop.

    doubt_limit: mean log sigma of the inner points above which a face is not believed. both_ways: look at each crop and
    at its mirror image, and take the mean of what is seen (a thirtieth less error, a fifth less jitter). close: the
    nets for a close look at eyes and mouth, where there are any.
    """

    def __init__(self, net: Look, doubt_limit: float, *, both_ways: bool, close: CloseNets | None = None) -> None:
        self._net = net
        self._doubt_limit = doubt_limit
        self._both_ways = both_ways
        self._close = close

    def settled(self, image: Array, crop: SquareCrop, rounds: int) -> FrameFace | None:
        """The face that `rounds` looks find, each around what the one before saw; None where it is not believed.

        Where that is a near thing, it is sought from a wider and from a closer crop too: if there is a face, they meet.
        """
        sight = self._sought(image, crop, rounds)
        if sight is None or sight.doubt > self._doubt_limit + HESITANT_ABOVE or not self._in_picture(sight, image):
            return None
        if sight.doubt > self._doubt_limit - HESITANT_BELOW:
            apart = APART if sight.doubt <= self._doubt_limit else APART_WHERE_UNSURE
            met = self._met(image, crop, rounds, sight, apart)
            if met is None:
                return None
            sight = met
        return self._face(image, sight)

    def followed(self, image: Array, crop: SquareCrop) -> FrameFace | None:
        """The face in a crop that was right a frame ago; a second look where it has moved far since."""
        sight = self._looked(image, crop)
        if _strayed(crop, sight.crop) and sight.doubt <= self._doubt_limit:
            sight = self._looked(image, sight.crop)
        believed = sight.doubt <= self._doubt_limit and self._in_picture(sight, image)
        return self._face(image, sight) if believed else None

    def seen(self, image: Array, crop: SquareCrop) -> FrameFace:
        """What is seen in a crop of `image` (H, W, 3) uint8 RGB, face or not."""
        return self._face(image, self._looked(image, crop))

    def made(self, image: Array, points_px: Array, log_sigma: Array, rotation: Array, half_px: float) -> FrameFace:
        """The face of points (70, 2) px that were seen in other ways, with log_sigma (70,) as the net's, of half_px."""
        return self._face(image, _Sight(points_px, log_sigma, rotation, half_px))

    def _sought(self, image: Array, crop: SquareCrop, rounds: int) -> _Sight | None:
        """What `rounds` looks end at; None as soon as there is clearly nothing."""
        sight = None
        for _ in range(rounds):
            sight = self._looked(image, crop)
            if sight.doubt > self._doubt_limit + NOTHING:
                return None
            crop = sight.crop
        return sight

    def _met(self, image: Array, crop: SquareCrop, rounds: int, sight: _Sight, apart: float) -> _Sight | None:
        """The surest of three ways to a face, None where one of them leads elsewhere."""
        ways = [sight]
        for scale in OTHER_STARTS:
            other = self._sought(image, SquareCrop(crop.center_px, crop.side_px * scale), rounds)
            if other is None:
                return None
            away = np.linalg.norm((other.points_px - sight.points_px)[INNER], axis=1).mean()
            if away > apart * sight.half_px:
                return None
            ways.append(other)
        return min(ways, key=lambda way: way.doubt)

    def _in_picture(self, sight: _Sight, image: Array) -> bool:
        """Whether it is in the picture, and large enough to say anything of it."""
        center, side = bounding_square(sight.points_px[:LANDMARK_COUNT])
        inside = 0 <= center[0] <= image.shape[1] and 0 <= center[1] <= image.shape[0]
        return inside and side >= SMALLEST_PX

    def _looked(self, image: Array, crop: SquareCrop) -> _Sight:
        picture = crop.cut(image, LANDMARK_INPUT_SIZE)
        views = np.stack([picture, picture[:, ::-1]]) if self._both_ways else picture[None]
        with torch.inference_mode():
            points, log_sigma, rotation = (
                part.numpy().astype(np.float64) for part in self._net(pictures_tensor(views))
            )
        if self._both_ways:
            seen = (points[0] + points[1][MIRROR] * [-1, 1]) / 2, (log_sigma[0] + log_sigma[1][MIRROR]) / 2
            turn = _mean_rotation(np.stack([rotation[0], SIDEWAYS @ rotation[1] @ SIDEWAYS]))
        else:
            seen, turn = (points[0], log_sigma[0]), rotation[0]
        return _Sight(crop.to_picture(seen[0]), seen[1], crop.rotation_to_picture(turn), crop.side_px / 2)

    def _face(self, image: Array, sight: _Sight) -> FrameFace:
        """The face of a sight, its eyes and its mouth looked at closely."""
        points_px, log_sigma = sight.points_px, sight.log_sigma
        if self._close is not None:
            patches = patch_crops(points_px, sight.rotation)
            near, scale = seen_in(self._close, image, patches), math.log(sight.half_px)
            points_px, log_sigma_px = refined(points_px, log_sigma + scale, patches, near)
            log_sigma = log_sigma_px - scale
        return FrameFace(points_px, calibrated_sigma(log_sigma) * sight.half_px, sight.rotation, sight.doubt)


def calibrated_sigma(log_sigma: Array) -> Array:
    """One standard deviation of a coordinate, in half crop sides, of points of which the net says `log_sigma`."""
    return SIGMA_FACTOR * np.exp(SIGMA_POWER * log_sigma)


def crop_around(points_px: Array, rotation: Array) -> SquareCrop:
    """The crop that the landmark net wants for a face: upright, its 68 points' square with the margin of training."""
    roll_rad = math.atan2(rotation[1, 0], rotation[0, 0])
    upright = SquareCrop((0.0, 0.0), 2.0, roll_rad)
    center, side = bounding_square(upright.from_picture(points_px[:LANDMARK_COUNT]))
    x, y = upright.to_picture(np.asarray(center)).tolist()
    return SquareCrop((x, y), max(side, 4.0) * LANDMARK_CROP_FACTOR, roll_rad)


def widened(square: SquareCrop) -> SquareCrop:
    """The crop that the landmark net wants for a found box."""
    return SquareCrop(square.center_px, max(square.side_px, 4.0) * LANDMARK_CROP_FACTOR)


def distinct(faces: list[FrameFace]) -> list[FrameFace]:
    """The faces without those that are another one seen again, or stand where no second head has room, least doubtful
    first."""
    kept: list[FrameFace] = []
    for face in sorted(faces, key=lambda f: f.doubt):
        if not any(overlap(face, other, ROOM) for other in kept):
            kept.append(face)
    return kept


def overlap(face: FrameFace, other: FrameFace, within: float = 0.4) -> bool:
    """Whether two faces stand in one place: closer than `within` sides of the larger one."""
    return bool(np.hypot(*(face.center_px - other.center_px)) < within * max(face.side_px, other.side_px))


def _strayed(crop: SquareCrop, wanted: SquareCrop) -> bool:
    shift = math.dist(crop.center_px, wanted.center_px) / crop.side_px
    turn = abs((crop.roll_rad - wanted.roll_rad + math.pi) % math.tau - math.pi)
    return shift > STRAY[0] or abs(math.log(crop.side_px / wanted.side_px)) > STRAY[1] or turn > STRAY[2]


def _mean_rotation(rotations: Array) -> Array:
    """(3, 3) the rotation nearest to the mean of rotations (N, 3, 3), by its singular value decomposition."""
    left, _, right = np.linalg.svd(rotations.mean(0))
    return left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
