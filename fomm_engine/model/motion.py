# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose motion moves whom: driving keypoints made to fit the source (numpy)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

Array = NDArray[np.float32]
_SMALLEST_DETERMINANT = 1e-6


@dataclass(frozen=True)
class Keypoints:
    """value (K,2) in [-1,1] of the image, x right, y down; jacobian (K,2,2): what the picture around has undergone."""

    value: Array
    jacobian: Array


@dataclass(frozen=True)
class MotionSettings:
    """relative: take the change since the initial driving frame, not the position. adapt_scale: by the face's size.
    relative_jacobian: the same choice for the Jacobians (only where `relative` is set).
    """

    relative: bool = True
    adapt_scale: bool = True
    relative_jacobian: bool = True


def transferred(
    source: Keypoints, driving: Keypoints, initial: Keypoints, settings: MotionSettings | None = None
) -> Keypoints:
    """The driving keypoints that pose the source: absolute, or the source's own moved as driving moved since `initial`.

    Source: the original's normalize_kp; value = (d - d0) * sqrt(area_s / area_d0) + s, jacobian = Jd Jd0^-1 Js.
    """
    settings = settings or MotionSettings()
    if not settings.relative:
        return driving
    scale = hull_scale(source.value, initial.value) if settings.adapt_scale else 1.0
    value = ((driving.value - initial.value) * scale + source.value).astype(np.float32)
    if not settings.relative_jacobian:
        return Keypoints(value, driving.jacobian)
    jacobian = driving.jacobian @ inverse_2x2(initial.jacobian) @ source.jacobian
    return Keypoints(value, jacobian.astype(np.float32))


def hull_scale(source_value: Array, driving_value: Array) -> float:
    """The ratio of sizes of two sets of keypoints: the root of their convex hulls' areas; 1 where one has no area."""
    areas = hull_area(source_value), hull_area(driving_value)
    return float(np.sqrt(areas[0] / areas[1])) if min(areas) > 0 else 1.0


def hull_area(value: Array) -> float:
    """The area of the convex hull of points (K,2); 0 where they lie on a line."""
    try:
        return float(ConvexHull(value).volume)  # of a hull in the plane, scipy's volume is the area
    except QhullError:
        return 0.0


def inverse_2x2(matrices: NDArray[np.floating]) -> NDArray[np.floating]:
    """The inverses of (...,2,2) in closed form; a singular matrix is treated as one of determinant 1e-6."""
    a, b, c, d = (matrices[..., row, column] for row in (0, 1) for column in (0, 1))
    determinant = a * d - b * c
    sign = np.where(determinant < 0, -1.0, 1.0)
    safe = np.where(np.abs(determinant) < _SMALLEST_DETERMINANT, sign * _SMALLEST_DETERMINANT, determinant)
    adjugate = np.stack([np.stack([d, -b], -1), np.stack([-c, a], -1)], -2)
    return adjugate / safe[..., None, None]
