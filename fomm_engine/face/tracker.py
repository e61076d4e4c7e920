# SPDX-License-Identifier: GPL-3.0-or-later
"""Following one face through a video: landmarks with sigmas, frame by frame, found again when it is lost."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from fomm_engine.face.crop import SquareCrop, bounding_square
from fomm_engine.face.detect import FaceFinder, image_tensor
from fomm_engine.face.fast_landmarks import Look
from fomm_engine.face.nets import LANDMARK_CROP_FACTOR, LANDMARK_INPUT_SIZE
from fomm_engine.wire.names import LANDMARK_COUNT, LANDMARKS, MIRRORED_POINTS

Array = npt.NDArray[Any]
MIRROR = list(MIRRORED_POINTS)
SIDEWAYS = np.diag([-1.0, 1.0, 1.0])
INNER = list(LANDMARKS["inner51"])


@dataclass(frozen=True)
class TrackerSettings:
    """When a face is believed, and which of several is followed."""

    doubt_limit: float = -2.3  # mean log sigma of the inner points, in half crop sides; good faces have -2.5 to -3.5
    find_rounds: int = 3  # landmark passes on a found box before it is judged
    settle_rounds: int = 1  # passes on a followed face
    thorough_every: int = 5  # while no face is there, small ones are looked for only this often
    face: Literal["largest", "first"] = "largest"
    both_ways: bool = True  # look at each crop and at its mirror image, and take the mean of what is seen


@dataclass(frozen=True)
class FrameFace:
    """One face in one frame: points (70, 2) px, sigma (70,) px, rotation (3, 3) camera from head, doubt (log sigma)."""

    points_px: Array
    sigma_px: Array
    rotation: Array
    doubt: float


class FaceTracker:
    """Follows one face; give it the frames of one video in order."""

    def __init__(self, finder: FaceFinder, net: Look, settings: TrackerSettings | None = None) -> None:
        self._finder = finder
        self._net = net
        self._settings = settings or TrackerSettings()
        self._last: FrameFace | None = None
        self._missed = 0

    def track(self, image: Array) -> FrameFace | None:
        """The followed face in the next frame (H, W, 3) uint8 RGB, or None where there is none to be believed."""
        face = None
        if self._last is not None:
            face = self._settled(
                image, crop_around(self._last.points_px, self._last.rotation), self._settings.settle_rounds
            )
        if face is None:
            face = self._found(image)
        self._missed = 0 if face is not None else self._missed + 1
        self._last = face
        return face

    def faces(self, image: Array) -> list[FrameFace]:
        """All believable faces of one picture, largest first."""
        squares = self._finder.find(image)
        faces = [self._settled(image, _widened(square), self._settings.find_rounds) for square in squares]
        found = [face for face in faces if face is not None]
        return sorted(_distinct(found), key=_size, reverse=True)

    def _found(self, image: Array) -> FrameFace | None:
        thorough = self._missed % self._settings.thorough_every == 0
        squares = self._finder.find(image, thorough=False) or []
        faces = self._believable(image, squares)
        if not faces and thorough:
            faces = self._believable(image, self._finder.find(image))
        if not faces:
            return None
        if self._settings.face == "first":
            return min(faces, key=lambda face: float(face.points_px[:LANDMARK_COUNT, 0].mean()))
        return max(faces, key=_size)

    def _believable(self, image: Array, squares: list[SquareCrop]) -> list[FrameFace]:
        faces = (self._settled(image, _widened(square), self._settings.find_rounds) for square in squares)
        return [face for face in faces if face is not None]

    def _settled(self, image: Array, crop: SquareCrop, rounds: int) -> FrameFace | None:
        face = None
        for _ in range(rounds):
            face = self._seen(image, crop)
            crop = crop_around(face.points_px, face.rotation)
        return face if face is not None and self._believed(face, image) else None

    def _believed(self, face: FrameFace, image: Array) -> bool:
        center, side = bounding_square(face.points_px[:LANDMARK_COUNT])
        inside = 0 <= center[0] <= image.shape[1] and 0 <= center[1] <= image.shape[0]
        return inside and side >= 12 and face.doubt <= self._settings.doubt_limit

    def _seen(self, image: Array, crop: SquareCrop) -> FrameFace:
        picture = crop.cut(image, LANDMARK_INPUT_SIZE)
        views = [picture, picture[:, ::-1]] if self._settings.both_ways else [picture]
        with torch.inference_mode():
            points, log_sigma, rotation = (part.double().numpy() for part in self._net(image_tensor(views)))
        if self._settings.both_ways:
            points[1] = points[1][MIRROR] * [-1, 1]
            log_sigma[1] = log_sigma[1][MIRROR]
            rotation[1] = SIDEWAYS @ rotation[1] @ SIDEWAYS
        log_sigma = log_sigma.mean(0)
        return FrameFace(
            crop.to_picture(points.mean(0)),
            np.exp(log_sigma) * crop.side_px / 2,
            crop.rotation_to_picture(_mean_rotation(rotation)),
            float(log_sigma[INNER].mean()),
        )


def crop_around(points_px: Array, rotation: Array) -> SquareCrop:
    """The crop that the landmark net wants for a face: upright, its 68 points' square with the margin of training."""
    roll_rad = float(np.arctan2(rotation[1, 0], rotation[0, 0]))
    upright = SquareCrop((0.0, 0.0), 2.0, roll_rad)
    center, side = bounding_square(upright.from_picture(points_px[:LANDMARK_COUNT]))
    middle = upright.to_picture(np.asarray(center))
    return SquareCrop((float(middle[0]), float(middle[1])), max(side, 4.0) * LANDMARK_CROP_FACTOR, roll_rad)


def _mean_rotation(rotations: Array) -> Array:
    """(3, 3) the rotation nearest to the mean of rotations (N, 3, 3), by its singular value decomposition."""
    left, _, right = np.linalg.svd(rotations.mean(0))
    return left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right


def _widened(square: SquareCrop) -> SquareCrop:
    return SquareCrop(square.center_px, max(square.side_px, 4.0) * LANDMARK_CROP_FACTOR)


def _size(face: FrameFace) -> float:
    return bounding_square(face.points_px[:LANDMARK_COUNT])[1]


def _distinct(faces: list[FrameFace]) -> list[FrameFace]:
    kept: list[FrameFace] = []
    for face in sorted(faces, key=lambda f: f.doubt):
        center = face.points_px[:LANDMARK_COUNT].mean(0)
        if all(np.hypot(*(center - k.points_px[:LANDMARK_COUNT].mean(0))) > 0.4 * _size(k) for k in kept):
            kept.append(face)
    return kept
