# SPDX-License-Identifier: GPL-3.0-or-later
"""One face in one picture: the landmark net on a crop, both ways round, and whether it is to be believed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fomm_engine.face.crop import SquareCrop, bounding_square
from fomm_engine.face.detect import image_tensor
from fomm_engine.face.fast_landmarks import Look
from fomm_engine.face.nets import LANDMARK_CROP_FACTOR, LANDMARK_INPUT_SIZE
from fomm_engine.wire.names import LANDMARK_COUNT, LANDMARKS, MIRRORED_POINTS

Array = npt.NDArray[Any]
MIRROR = list(MIRRORED_POINTS)
SIDEWAYS = np.diag([-1.0, 1.0, 1.0])
INNER = list(LANDMARKS["inner51"])
SMALLEST_PX = 12  # side of a face of which anything can be said
SIGMA_FACTOR, SIGMA_POWER = 3.0, 1.4  # the net is too cautious where it is sure; measured by track_quality.py
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


class FaceReader:
    """Faces near a given crop.

    doubt_limit: mean log sigma of the inner points above which a face is not believed. both_ways: look at each crop and
    at its mirror image, and take the mean of what is seen (a thirtieth less error, a fifth less jitter).
    """

    def __init__(self, net: Look, doubt_limit: float, *, both_ways: bool) -> None:
        self._net = net
        self._doubt_limit = doubt_limit
        self._both_ways = both_ways

    def settled(self, image: Array, crop: SquareCrop, rounds: int) -> FrameFace | None:
        """The face that `rounds` looks find, each around what the one before saw; None where it is not believed."""
        face = None
        for _ in range(rounds):
            face = self.seen(image, crop)
            crop = crop_around(face.points_px, face.rotation)
        return face if face is not None and self.believed(face, image) else None

    def followed(self, image: Array, crop: SquareCrop) -> FrameFace | None:
        """The face in a crop that was right a frame ago; a second look where it has moved far since."""
        face = self.seen(image, crop)
        wanted = crop_around(face.points_px, face.rotation)
        if _strayed(crop, wanted) and face.doubt <= self._doubt_limit:
            face = self.seen(image, wanted)
        return face if self.believed(face, image) else None

    def believed(self, face: FrameFace, image: Array) -> bool:
        """Whether it is a face, in the picture, and large enough."""
        center, side = bounding_square(face.points_px[:LANDMARK_COUNT])
        inside = 0 <= center[0] <= image.shape[1] and 0 <= center[1] <= image.shape[0]
        return inside and side >= SMALLEST_PX and face.doubt <= self._doubt_limit

    def seen(self, image: Array, crop: SquareCrop) -> FrameFace:
        """What the net says of a crop of `image` (H, W, 3) uint8 RGB, face or not."""
        picture = crop.cut(image, LANDMARK_INPUT_SIZE)
        views = [picture, picture[:, ::-1]] if self._both_ways else [picture]
        with torch.inference_mode():
            points, log_sigma, rotation = (part.double().numpy() for part in self._net(image_tensor(views)))
        if self._both_ways:
            points[1] = points[1][MIRROR] * [-1, 1]
            log_sigma[1] = log_sigma[1][MIRROR]
            rotation[1] = SIDEWAYS @ rotation[1] @ SIDEWAYS
        log_sigma = log_sigma.mean(0)
        return FrameFace(
            crop.to_picture(points.mean(0)),
            calibrated_sigma(log_sigma) * crop.side_px / 2,
            crop.rotation_to_picture(_mean_rotation(rotation)),
            float(log_sigma[INNER].mean()),
        )


def calibrated_sigma(log_sigma: Array) -> Array:
    """One standard deviation of a coordinate, in half crop sides, of points of which the net says `log_sigma`."""
    return SIGMA_FACTOR * np.exp(SIGMA_POWER * log_sigma)


def crop_around(points_px: Array, rotation: Array) -> SquareCrop:
    """The crop that the landmark net wants for a face: upright, its 68 points' square with the margin of training."""
    roll_rad = float(np.arctan2(rotation[1, 0], rotation[0, 0]))
    upright = SquareCrop((0.0, 0.0), 2.0, roll_rad)
    center, side = bounding_square(upright.from_picture(points_px[:LANDMARK_COUNT]))
    middle = upright.to_picture(np.asarray(center))
    return SquareCrop((float(middle[0]), float(middle[1])), max(side, 4.0) * LANDMARK_CROP_FACTOR, roll_rad)


def widened(square: SquareCrop) -> SquareCrop:
    """The crop that the landmark net wants for a found box."""
    return SquareCrop(square.center_px, max(square.side_px, 4.0) * LANDMARK_CROP_FACTOR)


def distinct(faces: list[FrameFace]) -> list[FrameFace]:
    """The faces without those that are another one seen again, least doubtful first."""
    kept: list[FrameFace] = []
    for face in sorted(faces, key=lambda f: f.doubt):
        if not any(overlap(face, other) for other in kept):
            kept.append(face)
    return kept


def overlap(face: FrameFace, other: FrameFace) -> bool:
    """Whether two faces stand in one place."""
    return bool(np.hypot(*(face.center_px - other.center_px)) < 0.4 * max(face.side_px, other.side_px))


def _strayed(crop: SquareCrop, wanted: SquareCrop) -> bool:
    shift = float(np.hypot(*(np.asarray(crop.center_px) - np.asarray(wanted.center_px)))) / crop.side_px
    turn = abs((crop.roll_rad - wanted.roll_rad + np.pi) % (2 * np.pi) - np.pi)
    return shift > STRAY[0] or abs(np.log(crop.side_px / wanted.side_px)) > STRAY[1] or turn > STRAY[2]


def _mean_rotation(rotations: Array) -> Array:
    """(3, 3) the rotation nearest to the mean of rotations (N, 3, 3), by its singular value decomposition."""
    left, _, right = np.linalg.svd(rotations.mean(0))
    return left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
