# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera of a take, in the form that a solver likes: inverse focal length, and a scale instead of a depth.

With q = R X a point turned into the camera's axes, s the scale of the face in pixels per cm and k = 1 / focal_px,
a pinhole camera sees it at u = s (q_xy + t_xy) / (1 - s k q_z), measured from the principal point with y up. k = 0 is
the orthographic limit, so long lenses need no special case, and depth and lens no longer pull on each other.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
POSE_SIZE = 6  # rotation (3), shift in cm (2), logarithm of the scale (1)


@dataclass(frozen=True)
class TakePose:
    """Where the head is in each frame, and the one lens of the take.

    rotation: (T, 3, 3) camera from head. shift_cm: (T, 2) x right, y up, in the plane through the head frame's origin.
    log_scale: (T,) of pixels per cm there. inverse_focal: 1 / px.
    """

    rotation: Array
    shift_cm: Array
    log_scale: Array
    inverse_focal: float

    def frames(self, index: Any) -> "TakePose":
        """The poses of some frames."""
        return replace(
            self, rotation=self.rotation[index], shift_cm=self.shift_cm[index], log_scale=self.log_scale[index]
        )


@dataclass(frozen=True)
class Projection:
    """Points as the camera sees them, with what is needed for derivatives.

    image: (T, N, 2) px from the principal point, y up. turned: (T, N, 3) = R X. depth: (T, N), 1 - s k q_z.
    """

    image: Array
    turned: Array
    depth: Array


def project(pose: TakePose, points_cm: Array) -> Projection:
    """The projection of `points_cm` (T, N, 3) (head frame) by the poses."""
    scale = np.exp(pose.log_scale)[:, None]
    turned = np.einsum("tij,tnj->tni", pose.rotation, points_cm)
    depth = 1 - scale * pose.inverse_focal * turned[..., 2]
    image = scale[..., None] * (turned[..., :2] + pose.shift_cm[:, None]) / depth[..., None]
    return Projection(image, turned, depth)


def point_derivative(pose: TakePose, projection: Projection) -> Array:
    """(T, N, 2, 3) the derivative of the image by the turned point q."""
    scale = np.exp(pose.log_scale)[:, None]
    result = np.zeros((*projection.image.shape, 3))
    result[..., 0, 0] = result[..., 1, 1] = scale / projection.depth
    result[..., 2] = projection.image * (scale * pose.inverse_focal / projection.depth)[..., None]
    return result


def pose_derivative(projection: Projection, by_point: Array) -> Array:
    """(T, N, 2, 6) the derivative of the image by a small turn (rotation vector, left), the shift and the log scale."""
    q = projection.turned
    turn = np.zeros((*q.shape[:2], 3, 3))  # d q = turn_vector x q
    turn[..., 0, 1], turn[..., 0, 2] = q[..., 2], -q[..., 1]
    turn[..., 1, 0], turn[..., 1, 2] = -q[..., 2], q[..., 0]
    turn[..., 2, 0], turn[..., 2, 1] = q[..., 1], -q[..., 0]
    result = np.empty((*q.shape[:2], 2, POSE_SIZE))
    result[..., :3] = by_point @ turn
    result[..., 3:5] = by_point[..., :2]
    result[..., 5] = projection.image / projection.depth[..., None]
    return result


def lens_derivative(pose: TakePose, projection: Projection) -> Array:
    """(T, N, 2) the derivative of the image by the inverse focal length."""
    scale = np.exp(pose.log_scale)[:, None]
    return projection.image * (scale * projection.turned[..., 2] / projection.depth)[..., None]


def moved(pose: TakePose, step: Array, lens_step: float) -> TakePose:
    """The poses after `step` (T, 6), in the terms of `pose_derivative`, and a step of the inverse focal length."""
    return TakePose(
        rotation_from_vector(step[:, :3]) @ pose.rotation,
        pose.shift_cm + step[:, 3:5],
        pose.log_scale + step[:, 5],
        max(0.0, pose.inverse_focal + lens_step),
    )


def rotation_from_vector(vector_rad: Array) -> Array:
    """(..., 3, 3) rotations from rotation vectors (..., 3), by Rodrigues' formula."""
    from scipy.spatial.transform import Rotation

    flat = Rotation.from_rotvec(vector_rad.reshape(-1, 3)).as_matrix()
    return flat.reshape(*vector_rad.shape[:-1], 3, 3)


def translation_cm(pose: TakePose) -> Array:
    """(T, 3) the head frame's origin in the camera frame (z negative in front of it); for pinhole lenses only."""
    focal_px = 1 / max(pose.inverse_focal, 1e-9)
    return np.column_stack([pose.shift_cm, -focal_px / np.exp(pose.log_scale)])
