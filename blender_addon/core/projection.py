# SPDX-License-Identifier: GPL-3.0-or-later
"""The pinhole camera on the actor's face: where points of the head appear, and how they move when the head's
points do."""

import numpy as np

from fomm_engine.wire.names import LANDMARKS

from .array_types import FloatArray
from .soundness import NEAREST_DEPTH_CM
from .tracks import PinholeCamera


def camera_points(points_cm: FloatArray, rotation: FloatArray, translation_cm: FloatArray) -> FloatArray:
    """Give points of the head frame in the camera frame: (N, 3) or (T, N, 3) cm, (T, 3, 3), (T, 3) -> (T, N, 3) cm."""
    return points_cm @ np.swapaxes(rotation, 1, 2) + translation_cm[:, None]


def project(
    points_cm: FloatArray, rotation: FloatArray, translation_cm: FloatArray, *, camera: PinholeCamera
) -> FloatArray:
    """Give where points of the head appear: -> (T, N, 2) pixels, origin top-left, y down."""
    seen = camera_points(points_cm, rotation, translation_cm)
    scale = camera.focal_px / np.maximum(-seen[..., 2], NEAREST_DEPTH_CM)
    return np.stack([camera.cx_px + scale * seen[..., 0], camera.cy_px - scale * seen[..., 1]], -1)


def motion_rows(
    points_cm: FloatArray, rotation: FloatArray, translation_cm: FloatArray, *, camera: PinholeCamera
) -> FloatArray:
    """Give how the images of points move with the points in the CAMERA frame: (T, N, 2, 3) pixels per cm.

    The derivative of `project`; multiply by the rotation for motion in the head frame.
    """
    seen = camera_points(points_cm, rotation, translation_cm)
    depth = np.maximum(-seen[..., 2], NEAREST_DEPTH_CM)
    scale, nothing = camera.focal_px / depth, np.zeros_like(depth)
    across = [scale, nothing, scale * seen[..., 0] / depth]
    down = [nothing, -scale, -scale * seen[..., 1] / depth]
    return np.stack([np.stack(across, -1), np.stack(down, -1)], -2)


def eye_distance_cm(neutral_cm: FloatArray) -> float:
    """Give the distance between the outer eye corners of a neutral face, cm: the unit of all features."""
    right, left = LANDMARKS["eye_right_outer"][0], LANDMARKS["eye_left_outer"][0]
    return float(np.linalg.norm(neutral_cm[left] - neutral_cm[right]))


def face_unit_px(neutral_cm: FloatArray, translation_cm: FloatArray, camera: PinholeCamera) -> FloatArray:
    """Give the outer eye distance in pixels as it would be seen from the front at each frame's depth: (T,)."""
    depth = np.maximum(-translation_cm[:, 2], NEAREST_DEPTH_CM)
    return camera.focal_px * eye_distance_cm(neutral_cm) / depth
