# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that stand still: where the picture has not changed, what differs from frame to frame is the net's noise.

A picture of the face is kept as an anchor. A point whose surroundings look as they did there is the mean of all that
the net has said of it since: a still face becomes still within a few frames, and nothing that moves is held back: a lid
that shuts changes its surroundings at once. Where most of the face has changed, the anchor is renewed.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class StillnessSettings:
    """Lengths in pixels of the grey square, differences in grey levels of 255."""

    grain: int = 5  # camera noise is averaged over so much before pictures are compared
    window: int = 13  # a point's surroundings
    same: float = 0.8  # mean difference up to which they look the same: a tenth of a pixel's motion on skin
    longest: int = 30  # frames in a mean: what is too slow to be seen in the picture is not held longer
    moving_share: float = 0.5  # of the points; when more have changed, the anchor is renewed


class StillPoints:
    """Holds points still where the picture is; give it the frames in order."""

    def __init__(self, settings: StillnessSettings | None = None) -> None:
        self._settings = settings or StillnessSettings()
        self._anchor: Array | None = None  # (S, S) float32, smoothed
        self._mean = np.zeros((0, 2))
        self._count = np.zeros(0)

    def forget(self) -> None:
        """The next frame is an anchor."""
        self._anchor = None

    def state(self) -> dict[str, Any] | None:
        """What `resume` needs: plain arrays."""
        if self._anchor is None:
            return None
        return {"anchor": self._anchor, "mean": self._mean.copy(), "count": self._count.copy()}

    def resume(self, state: dict[str, Any] | None) -> None:
        """Nothing; what it knew when `state` was taken is known again."""
        self._anchor = None
        if state is not None:
            self._anchor, self._mean, self._count = state["anchor"], state["mean"].copy(), state["count"].copy()

    def held(self, grey: Array, seen: Array, steadied: Array, gate: Array) -> tuple[Array, Array]:
        """((N,) which points stand still, (N, 2) where): around those `grey` (S, S) uint8 is as it was.

        seen: what the net says of this frame (N, 2), steadied: what is taken where the anchor begins. gate: (N,) how
        far the net may be from a mean; a mean that is further off was wrong and begins anew. All in pixel indices of
        the square, whose place in the video must be the same since `forget`.
        """
        smooth = cv2.boxFilter(grey, cv2.CV_32F, (self._settings.grain, self._settings.grain))
        still = np.zeros(len(seen), bool) if self._anchor is None else self._unchanged(smooth, self._anchor)
        if still.mean() < 1 - self._settings.moving_share:
            self._anchor, self._mean, self._count = smooth, np.array(steadied, np.float64), np.ones(len(steadied))
            return np.zeros(len(seen), bool), self._mean
        away = seen - self._mean
        wrong = still & (np.sqrt((away * away).sum(1)) > gate)
        self._mean[wrong], self._count[wrong] = seen[wrong], 1
        still &= ~wrong
        self._count[still] = np.minimum(self._count[still] + 1, self._settings.longest)
        self._mean[still] += (seen[still] - self._mean[still]) / self._count[still, None]
        return still, self._mean

    def _unchanged(self, smooth: Array, anchor: Array) -> Array:
        """(N,) whether the surroundings of each point's mean look as in the anchor; False outside the square."""
        window = (self._settings.window, self._settings.window)
        change = cv2.blur(cv2.absdiff(smooth, anchor), window)
        place = np.rint(self._mean).astype(int)
        last = np.array(change.shape[::-1]) - 1
        near = place.clip(0, last)
        return (near == place).all(1) & (change[near[:, 1], near[:, 0]] < self._settings.same)
