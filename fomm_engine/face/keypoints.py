# SPDX-License-Identifier: GPL-3.0-or-later
"""The ten anatomical keypoints of the default weights, with Jacobians, as fixed linear maps of the 70 points.

The interface is FOMM's (Siarohin et al., NeurIPS 2019, eq. 4): a value and a 2x2 Jacobian for each keypoint, here
with respect to a canonical face, the mean face seen from the front. Both come from a weighted least-squares fit of an
affine map from the canonical points to the seen ones, and are therefore linear in the seen points: the maps are
computed once. A keypoint's own points weigh most; a wide neighbourhood keeps the fit regular, since the six points of
a shut eye lie on a line.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, KEYPOINTS, LANDMARKS, POINT_COUNT

Array = npt.NDArray[Any]

OWN_POINTS: dict[str, tuple[int, ...]] = {
    "eye_right": LANDMARKS["eye_right"],
    "eye_left": LANDMARKS["eye_left"],
    "brow_right": LANDMARKS["brow_right"][1:4],
    "brow_left": LANDMARKS["brow_left"][1:4],
    "nose": LANDMARKS["nose_tip"],
    "mouth_right": LANDMARKS["mouth_right"],
    "mouth_left": LANDMARKS["mouth_left"],
    "lip_upper": LANDMARKS["lip_upper"],
    "lip_lower": LANDMARKS["lip_lower"],
    "chin": LANDMARKS["chin"],
}
NEIGHBOUR_SIGMA = 0.16  # in canonical coordinates, where the face's 68 points span 2 / 1.3
OWN_WEIGHT = 1.0
NEIGHBOUR_WEIGHT = 0.35


@dataclass(frozen=True)
class KeypointMaps:
    """Linear maps from the 70 points to the keypoints.

    value: (10, 70), keypoint k stands at sum_i value[k, i] p_i. jacobian: (10, 2, 70), column b of keypoint k's
    Jacobian is sum_i jacobian[k, b, i] p_i.
    """

    value: Array
    jacobian: Array

    def apply(self, points: Array) -> tuple[Array, Array]:
        """((..., 10, 2), (..., 10, 2, 2)) values and Jacobians of points (..., 70, 2), in the points' own units."""
        values = np.einsum("ki,...ix->...kx", self.value, points)
        jacobians = np.einsum("kbi,...ix->...kxb", self.jacobian, points)
        return values, jacobians


def keypoint_maps(neutral_cm: Array) -> KeypointMaps:
    """The maps for the canonical face `neutral_cm` (70, 3): seen from the front, in [-1, 1] of its landmark crop."""
    canonical = canonical_points(neutral_cm)
    value, jacobian = np.zeros((len(KEYPOINTS), POINT_COUNT)), np.zeros((len(KEYPOINTS), 2, POINT_COUNT))
    for k, name in enumerate(KEYPOINTS):
        own = list(OWN_POINTS[name])
        value[k, own] = 1 / len(own)
        jacobian[k] = _affine_rows(canonical, _weights(canonical, own))
    return KeypointMaps(value, jacobian)


def canonical_points(neutral_cm: Array) -> Array:
    """(70, 2) the mean face from the front, x right and y down, in [-1, 1] of a square of 1.3 times its extent."""
    flat = neutral_cm[:, :2] * [1, -1]
    low, high = flat[:68].min(0), flat[:68].max(0)
    return (flat - (low + high) / 2) / ((high - low).max() * 1.3 / 2)


def _weights(canonical: Array, own: list[int]) -> Array:
    distance = np.linalg.norm(canonical - canonical[own].mean(0), axis=1)
    weights = NEIGHBOUR_WEIGHT * np.exp(-0.5 * (distance / NEIGHBOUR_SIGMA) ** 2) + 1e-4
    weights[own] += OWN_WEIGHT
    weights[[IRIS_RIGHT, IRIS_LEFT]] = 0  # where one looks must not bend the face
    return weights


def _affine_rows(canonical: Array, weights: Array) -> Array:
    """(2, 70): rows that give the columns of the best linear part of an affine map canonical -> seen."""
    share = weights / weights.sum()
    centered = canonical - share @ canonical
    spread = (centered * share[:, None]).T @ centered
    rows = np.linalg.solve(spread, (centered * share[:, None]).T)
    return rows - np.outer(rows.sum(1), share)  # so that a common shift of all points leaves the Jacobian alone
