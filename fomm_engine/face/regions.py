# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the patches around eyes and mouth lie, for training and tracking alike, and how what they show is taken in."""

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
_LEFT_EYE = (*LANDMARKS["eye_left"], *LANDMARKS["brow_left"])
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
        eyes = [crop.cut(image, EYE_PATCH_PX) for crop in (self.eye_right, self.eye_left)]
        return np.stack([eyes[0], eyes[1][:, ::-1]]), self.mouth.cut(image, MOUTH_PATCH_PX)


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
    roll_rad = float(np.arctan2(rotation[1, 0], rotation[0, 0]))
    upright = SquareCrop((0.0, 0.0), 2.0, roll_rad)
    points = upright.from_picture(np.asarray(points_px, np.float64))
    face = bounding_square(points[:LANDMARK_COUNT])[1]

    def around(ids: tuple[int, ...], margin: float, least: float) -> SquareCrop:
        center, side = bounding_square(points[list(ids)])
        x, y = upright.to_picture(np.asarray(center))
        return SquareCrop((float(x), float(y)), max(margin * side, least * face, _LEAST_PX), roll_rad)

    return Patches(
        around(EYE_POINTS[:-1], _EYE_MARGIN, _EYE_LEAST),
        around(_LEFT_EYE, _EYE_MARGIN, _EYE_LEAST),
        around(MOUTH_POINTS, _MOUTH_MARGIN, _MOUTH_LEAST),
    )


def in_picture(patches: Patches, seen: Seen) -> tuple[Array, Array]:
    """(points (70, 2), log scale (70,)) in picture px of all points that the patches hold; NaN for the others."""
    points = np.full((LANDMARK_COUNT + 2, 2), np.nan)
    log_sigma = np.full(LANDMARK_COUNT + 2, np.nan)
    parts = (
        (patches.eye_right, EYE_POINTS, seen.eyes[0], seen.eyes_log_sigma[0]),
        (patches.eye_left, LEFT_EYE_POINTS, seen.eyes[1] * (-1, 1), seen.eyes_log_sigma[1]),
        (patches.mouth, MOUTH_POINTS, seen.mouth, seen.mouth_log_sigma),
    )
    for crop, ids, found, log in parts:
        points[list(ids)] = crop.to_picture(found)
        log_sigma[list(ids)] = log + np.log(crop.side_px / 2)
    return points, log_sigma


def refined(points_px: Array, log_sigma_px: Array, patches: Patches, seen: Seen) -> tuple[Array, Array]:
    """(points (70, 2), log scale (70,)) px of a face after a look at its patches, from those of the look before.

    Both looks are honest about their scale, and their errors are partly alike: each point is the mean of the two with
    the least variance (the better one alone where it is much better), and the scale is that of this mean. Points
    outside the patches stay as they were.
    """
    near, near_log = in_picture(patches, seen)
    inside = np.isfinite(near_log)
    points, log_sigma = np.array(points_px, np.float64), np.array(log_sigma_px, np.float64)
    far_sigma, near_sigma = np.exp(log_sigma[inside]), np.exp(near_log[inside])
    shared = _SHARED_ERROR * far_sigma * near_sigma
    spread = far_sigma**2 + near_sigma**2 - 2 * shared
    share = np.clip((far_sigma**2 - shared) / np.maximum(spread, 1e-12), 0, 1)  # of the second look
    points[inside] += share[:, None] * (near[inside] - points[inside])
    variance = ((1 - share) * far_sigma) ** 2 + (share * near_sigma) ** 2 + 2 * share * (1 - share) * shared
    log_sigma[inside] = 0.5 * np.log(variance)
    return points, log_sigma
