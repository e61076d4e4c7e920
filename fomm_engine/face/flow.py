# SPDX-License-Identifier: GPL-3.0-or-later
"""Steadier points: the frame before, carried on by optical flow, mixed with what the net says of this one.

Flow knows well how far skin moved and nothing of where landmarks are; the net the other way round. Points whose flow
disagrees with the net by more than the net's own doubt are left to the net: lids and lips cover what was seen before.
Pyramidal Lucas-Kanade (Bouguet, "Pyramidal implementation of the Lucas Kanade feature tracker", 2001), on a grey square
around the face in which it has always the same size.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fomm_engine.face.crop import SquareCrop, bounding_square
from fomm_engine.face.look import FrameFace
from fomm_engine.face.stillness import StillPoints
from fomm_engine.wire.names import LANDMARK_COUNT

Array = npt.NDArray[Any]

SLACK = 0.05  # of the square's side: how far the face may wander in it


@dataclass(frozen=True)
class FlowSettings:
    """share: of the flow's opinion in a point, the rest is the net's. Lengths in pixels of the square."""

    share: float = 0.5
    square: int = 128
    margin: float = 1.3  # side of the square over the face's
    window: int = 13
    levels: int = 1
    gate_sigmas: float = 2.0


@dataclass(frozen=True)
class _Before:
    """The frame before: its picture, the grey square of it, where that lies, and the points px."""

    image: Array
    grey: Array
    square: SquareCrop
    points_px: Array


class FlowSteadier:
    """Steadies the points of one face; give it the frames in order."""

    def __init__(self, settings: FlowSettings | None = None) -> None:
        self._settings = settings or FlowSettings()
        self._before: _Before | None = None
        self._still = StillPoints()

    def forget(self) -> None:
        """Nothing is carried on to the next frame."""
        self._before = None
        self._still.forget()

    def state(self) -> dict[str, Any] | None:
        """What `resume` needs besides the frame's picture: plain numbers and arrays."""
        before = self._before
        if before is None:
            return None
        return {"points_px": before.points_px, "square": asdict(before.square), "still": self._still.state()}

    def resume(self, state: dict[str, Any] | None, image: Array) -> None:
        """Nothing; what it knew when `state` was taken after the frame `image` (H, W, 3) is known again."""
        self.forget()
        if state is not None:
            center, side, roll = (state["square"][name] for name in ("center_px", "side_px", "roll_rad"))
            square = SquareCrop((center[0], center[1]), side, roll)
            self._before = _Before(image, self._grey(image, square), square, state["points_px"])
            self._still.resume(state["still"])

    def steadied(self, image: Array, face: FrameFace) -> FrameFace:
        """`face` of `image` (H, W, 3) with steadier points."""
        before, points = self._before, face.points_px
        square = self._square(face)
        grey = self._grey(image, square)
        if before is not None:
            old = before.grey if square is before.square else self._grey(before.image, square)
            carried = self._carried(old, grey, square.from_picture(before.points_px))
            carried_px = square.to_picture(carried)
            away = carried_px - points
            near = np.sqrt((away * away).sum(1)) < self._settings.gate_sigmas * face.sigma_px
            share = self._settings.share
            points = np.where(near[:, None], share * carried_px + (1 - share) * points, points)
        if before is None or square is not before.square:
            self._still.forget()
        still, held = self._held(grey, square, face, points)
        points = np.where(still[:, None], held, points)
        self._before = _Before(image, grey, square, points)
        return replace(face, points_px=points)

    def _held(self, grey: Array, square: SquareCrop, face: FrameFace, points_px: Array) -> tuple[Array, Array]:
        """Which points stand still, and where, px of the picture."""
        seen, steadied = (self._indices(square.from_picture(each)) for each in (face.points_px, points_px))
        gate = self._settings.gate_sigmas * face.sigma_px * (self._settings.square / square.side_px)
        still, held = self._still.held(grey, seen, steadied, gate)
        return still, square.to_picture(self._places(held))

    def _square(self, face: FrameFace) -> SquareCrop:
        """The square of the frame before as long as the face stands well in it: then it need not be cut again."""
        center, side = bounding_square(face.points_px[:LANDMARK_COUNT])
        wanted = SquareCrop(center, max(side, 4.0) * self._settings.margin)
        if self._before is None:
            return wanted
        last = self._before.square
        shift = float(np.hypot(center[0] - last.center_px[0], center[1] - last.center_px[1]))
        stands = shift < SLACK * last.side_px and abs(wanted.side_px / last.side_px - 1) < 2 * SLACK
        return last if stands else wanted

    def _grey(self, image: Array, square: SquareCrop) -> Array:
        """(S, S) uint8: the square of `image`, made grey before it is cut: one channel is cut faster than three."""
        left, top, right, bottom = square.surroundings(image, square.side_px / 8 + 4)
        part = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
        there = SquareCrop((square.center_px[0] - left, square.center_px[1] - top), square.side_px, square.roll_rad)
        return there.cut(part, self._settings.square, cv2.BORDER_REPLICATE)

    def _carried(self, old: Array, new: Array, points: Array) -> Array:
        """(70, 2) where flow takes points (70, 2), in [-1, 1] of the square; not a number where it is lost."""
        start = self._indices(points).astype(np.float32)[:, None]
        window = (self._settings.window, self._settings.window)
        ends, found, _ = cv2.calcOpticalFlowPyrLK(
            old, new, start, np.empty_like(start), winSize=window, maxLevel=self._settings.levels
        )
        return np.where(found > 0, self._places(ends[:, 0].astype(np.float64)), np.nan)

    def _indices(self, points: Array) -> Array:
        """Pixel indices of the square of points in [-1, 1] of it."""
        return (points + 1) * (self._settings.square / 2) - 0.5

    def _places(self, indices: Array) -> Array:
        """The inverse of `_indices`."""
        return (indices + 0.5) / (self._settings.square / 2) - 1
