# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the patches around eyes and mouth lie, for training and tracking alike, and how what they show is taken in."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.face.crop import SquareCrop, bounding_square
from fomm_engine.wire.names import IRIS_RIGHT, LANDMARK_COUNT, LANDMARKS, MIRRORED_POINTS

Array = npt.NDArray[Any]

EYE_PATCH_PX = 64
MOUTH_PATCH_PX = 80
EYE_POINTS: tuple[int, ...] = (*LANDMARKS["eye_right"], *LANDMARKS["brow_right"], IRIS_RIGHT)
MOUTH_POINTS: tuple[int, ...] = (*LANDMARKS["lips_outer"], *LANDMARKS["lips_inner"])
# The points of the left eye in the order in which its mirror image shows those of a right one.
LEFT_EYE_POINTS: tuple[int, ...] = tuple(MIRRORED_POINTS[index] for index in EYE_POINTS)
IN_PATCHES = np.array([*EYE_POINTS, *LEFT_EYE_POINTS, *MOUTH_POINTS])
_RIGHT_EXTENT, _LEFT_EXTENT = np.array(EYE_POINTS[:-1]), np.array([*LANDMARKS["eye_left"], *LANDMARKS["brow_left"]])
_MOUTH_EXTENT = np.array(MOUTH_POINTS)
_MIRRORED = np.array([-1.0, 1.0])
_EYE_MARGIN, _EYE_LEAST = 1.4, 0.4  # side over the extent of lids and brow, and over the face's side at least
_MOUTH_MARGIN, _MOUTH_LEAST = 1.5, 0.42
_LEAST_PX = 4.0
_SHARED_ERROR = 0.7  # correlation of the errors of the two looks at a point, measured on held-out faces


@dataclass(frozen=True)
class Patches:
    """The squares of a picture that hold the right eye with its brow, the left ones (shown mirrored) and the mouth."""

    eye_right: SquareCrop
    eye_left: SquareCrop
    mouth: SquareCrop

    def cut(self, image: Array) -> tuple[Array, Array]:
        """((2, 64, 64, C), (80, 80, C)): the eyes as right ones, the mouth; `image` is (H, W, C) uint8."""
        eyes = np.empty((2, EYE_PATCH_PX, EYE_PATCH_PX, *image.shape[2:]), np.uint8)
        eyes[0] = self.eye_right.cut(image, EYE_PATCH_PX)
        eyes[1] = self.eye_left.cut(image, EYE_PATCH_PX)[:, ::-1]
        return eyes, self.mouth.cut(image, MOUTH_PATCH_PX)


@dataclass(frozen=True)
class Seen:
    """What the nets say of the patches of one face: points in [-1, 1] of each patch, and ln of their scale."""

    eyes: Array  # (2, 12, 2), the left one as its mirror image shows it
    eyes_log_sigma: Array  # (2, 12)
    mouth: Array  # (20, 2)
    mouth_log_sigma: Array  # (20,)


def patch_crops(points_px: Array, rotation: Array) -> Patches:
    """The patches around points (70, 2) px of a face whose head is turned by `rotation` (3, 3), camera from head.

    They stand upright on the head. Their sides follow the extent of what they hold, and the face's size where that is
    narrow (an eye in profile, a small mouth).
    """
    roll_rad = math.atan2(rotation[1, 0], rotation[0, 0])
    upright = SquareCrop((0.0, 0.0), 2.0, roll_rad)
    points = upright.from_picture(np.asarray(points_px, np.float64))
    face = bounding_square(points[:LANDMARK_COUNT])[1]

    def around(ids: Array, margin: float, least: float) -> SquareCrop:
        center, side = bounding_square(points[ids])
        x, y = upright.to_picture(np.asarray(center)).tolist()
        return SquareCrop((x, y), max(margin * side, least * face, _LEAST_PX), roll_rad)

    return Patches(
        around(_RIGHT_EXTENT, _EYE_MARGIN, _EYE_LEAST),
        around(_LEFT_EXTENT, _EYE_MARGIN, _EYE_LEAST),
        around(_MOUTH_EXTENT, _MOUTH_MARGIN, _MOUTH_LEAST),
    )


def in_picture(patches: Patches, seen: Seen) -> tuple[Array, Array]:
    """(points (44, 2), log scale (44,)) in picture px of the points that the patches hold, in the order IN_PATCHES."""
    eye_right, eye_left, mouth = patches.eye_right, patches.eye_left, patches.mouth
    points = (
        eye_right.to_picture(seen.eyes[0]),
        eye_left.to_picture(seen.eyes[1] * _MIRRORED),
        mouth.to_picture(seen.mouth),
    )
    log_sigma = (
        seen.eyes_log_sigma[0] + math.log(eye_right.side_px / 2),
        seen.eyes_log_sigma[1] + math.log(eye_left.side_px / 2),
        seen.mouth_log_sigma + math.log(mouth.side_px / 2),
    )
    return np.concatenate(points), np.concatenate(log_sigma)


def refined(points_px: Array, log_sigma_px: Array, patches: Patches, seen: Seen) -> tuple[Array, Array]:
    """(points (70, 2), log scale (70,)) px of a face after a look at its patches, from those of the look before.

    Both looks are honest about their scale, and their errors are partly alike: each point is the mean of the two with
    the least variance (the better one alone where it is much better), and the scale is that of this mean. Points
    outside the patches stay as they were.
    """
    near, near_log = in_picture(patches, seen)
    points, log_sigma = np.array(points_px, np.float64), np.array(log_sigma_px, np.float64)
    far, far_sigma = points[IN_PATCHES], np.exp(log_sigma[IN_PATCHES] - near_log)  # in units of the second look's
    shared, far_variance = _SHARED_ERROR * far_sigma, far_sigma * far_sigma
    share = ((far_variance - shared) / (far_variance + 1 - 2 * shared)).clip(0, 1)  # of the second look
    rest = 1 - share
    points[IN_PATCHES] = far + share[:, None] * (near - far)
    variance = rest * rest * far_variance + share * share + 2 * share * rest * shared
    log_sigma[IN_PATCHES] = near_log + 0.5 * np.log(variance)
    return points, log_sigma
