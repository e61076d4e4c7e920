# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips and lids that meet instead of passing through each other.

The head is linear, so a raised lower lip goes through the upper one (`mouthClose` overshoots the open jaw by 0.3 cm),
and a full blink leaves some eyes open by 0.2 cm and overlaps in others. Real lips and lids press on each other: here
opposite points that would cross are moved apart until they touch, with the skin around them; shut lids are shut.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fomm_engine.wire.names import LANDMARKS

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int32]

TOUCHING_CM = 0.02  # height of the gap between points in contact
_LIP_REACH_CM = 1.1  # how far the skin goes along with the lips, up and down
_LID_REACH_CM = 0.55
_UPPER_LID_SHARE = 0.85
_DEPTH_CM = 3.5  # how far behind the points skin still goes along
_SHUT_FROM = 0.85  # eyeBlink from which on the lids are drawn together whatever the linear model leaves open


@dataclass(frozen=True)
class _Seam:
    """Two rows of points that meet: `upper` and `lower` (K,) vertex indices; `vertices` (M,) move along y by
    `influence` (M, K) of each pair's correction. `blink` is the expression that shuts the seam, or None."""

    upper: IntArray
    lower: IntArray
    vertices: IntArray
    influence: FloatArray
    blink: int | None

    def settle(self, points_cm: FloatArray, weights: FloatArray) -> None:
        """Move the vertices of shapes (..., N, 3) in place."""
        missing = TOUCHING_CM - (points_cm[..., self.upper, 1] - points_cm[..., self.lower, 1])
        correction = np.maximum(missing, 0.0)
        if self.blink is not None:
            shut = np.clip((weights[..., self.blink] - _SHUT_FROM) / (1 - _SHUT_FROM), 0, 1)
            correction = correction + shut[..., None] ** 2 * np.minimum(missing, 0.0)
        if correction.any():
            points_cm[..., self.vertices, 1] += (correction @ self.influence.T).astype(points_cm.dtype)

    def among(self, kept: IntArray) -> "_Seam":
        """The same seam where only the vertices `kept` are left, in that order."""
        place = {int(vertex): row for row, vertex in enumerate(kept)}
        rows = [row for row, vertex in enumerate(self.vertices) if int(vertex) in place]
        at = np.array([place[int(self.vertices[row])] for row in rows], np.int32)
        upper, lower = (np.array([place[int(v)] for v in ids], np.int32) for ids in (self.upper, self.lower))
        return _Seam(upper, lower, at, self.influence[rows], self.blink)


@dataclass(frozen=True)
class Contacts:
    """The seams of a head: the mouth, the right and the left eye."""

    seams: tuple[_Seam, ...]

    def settle(self, points_cm: FloatArray, weights: FloatArray) -> FloatArray:
        """Shapes (..., N, 3) with their expressions (own weights, (..., E)) whose lips and lids meet; a new array."""
        settled = points_cm.copy()
        for seam in self.seams:
            seam.settle(settled, weights)
        return settled

    def among(self, kept: IntArray) -> "Contacts":
        """The same for the vertices `kept` alone, such as the landmarks (which must hold the points of the seams)."""
        return Contacts(tuple(seam.among(kept) for seam in self.seams))


def find_contacts(
    neutral_cm: FloatArray,
    jaw_y_cm: FloatArray,
    landmarks: IntArray,
    *,
    skin: NDArray[np.bool_],
    blinks: dict[str, int],
) -> Contacts:
    """The seams of a head: its shape (N, 3), how far an open jaw moves each vertex up (N,), the vertices of the 68
    points, which vertices may move (N,), and the index of each eye's own blink ("right", "left")."""
    lower_lip = jaw_y_cm < 0.5 * jaw_y_cm[landmarks[LANDMARKS["lip_inner_lower"][1]]]
    lips = _Row(neutral_cm, landmarks, "lips_inner", (0, 4), ("lip_inner_upper", "lip_inner_lower"))
    seams = [lips.seam(skin, lower_lip, reach_cm=_LIP_REACH_CM, upper_share=0.5, blink=None)]
    for side, blink in blinks.items():
        lids = _Row(neutral_cm, landmarks, "eye_" + side, (0, 3), ("lid_upper_" + side, "lid_lower_" + side))
        below = neutral_cm[:, 1] < lids.height("both")
        seams.append(lids.seam(skin, below, reach_cm=_LID_REACH_CM, upper_share=_UPPER_LID_SHARE, blink=blink))
    return Contacts(tuple(seams))


class _Row:
    """The opposite points of a mouth or an eye between its corners, measured on the neutral head."""

    def __init__(
        self,
        neutral_cm: FloatArray,
        landmarks: IntArray,
        outline: str,
        corners: tuple[int, int],
        names: tuple[str, str],
    ) -> None:
        self._neutral = neutral_cm
        self.upper, self.lower = (landmarks[list(LANDMARKS[name])] for name in names)
        ends = landmarks[[LANDMARKS[outline][place] for place in corners]]
        self._ends = ends[np.argsort(neutral_cm[ends, 0])]

    def height(self, row: str) -> FloatArray:
        """The y (N,) in cm of the upper or the lower row, or of the middle of both, at each vertex's x."""
        first, last = self._ends
        ids = {"upper": (self.upper,), "lower": (self.lower,), "both": (self.upper, self.lower)}[row]
        middle = np.mean([self._neutral[points] for points in ids], 0)
        line = np.concatenate([self._neutral[[first]], middle, self._neutral[[last]]])
        return np.interp(self._neutral[:, 0], line[:, 0], line[:, 1])

    def seam(
        self,
        skin: NDArray[np.bool_],
        below: NDArray[np.bool_],
        *,
        reach_cm: float,
        upper_share: float,
        blink: int | None,
    ) -> _Seam:
        """How the vertices of `skin` go along with each pair: with the upper point, or those `below` with the lower."""
        x, y, z = self._neutral.T
        edge = np.where(below, self.height("lower"), self.height("upper"))
        near = np.exp(-(((y - edge) / reach_cm) ** 2))
        share = np.where(below, upper_share - 1, upper_share)
        depth = self._neutral[self.upper, 2].mean() - _DEPTH_CM
        rows = np.flatnonzero(skin & (near > 0.02) & (z > depth) & (x > x[self._ends[0]]) & (x < x[self._ends[1]]))
        influence = (near * share)[rows, None] * self._hats(x[rows])
        return _Seam(self.upper, self.lower, rows.astype(np.int32), influence, blink)

    def _hats(self, x: FloatArray) -> FloatArray:
        """(M, K): 1 at each pair's place and 0 at the next ones and at the corners, straight between."""
        places = (self._neutral[self.upper, 0] + self._neutral[self.lower, 0]) / 2
        knots = np.concatenate([[self._neutral[self._ends[0], 0]], places, [self._neutral[self._ends[1], 0]]])
        rows = np.eye(len(places) + 2)[1:-1]
        return np.stack([np.interp(x, knots, row) for row in rows], 1)
