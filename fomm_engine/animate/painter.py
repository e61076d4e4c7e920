# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the pictures: the model, or the preview that warps the portrait; both in the same clothes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from fomm_engine.animate.driving import DrivingFrame
from fomm_engine.model.anatomical import TakeMotion
from fomm_engine.model.fomm import Fomm, keypoints_of_source
from fomm_engine.model.motion import Keypoints, MotionSettings, transferred
from fomm_engine.model.preview import PortraitWarp
from fomm_engine.video.picture import BEHIND

Array = NDArray[Any]
Image = NDArray[np.uint8]
_THIN = 0.05  # where less of the source than this is there, its colour cannot be told from what is behind
CONVENTION_MODEL = "[-1, 1], x right, y down; -1 and +1 are the centres of the first and the last pixel"
CONVENTION_PREVIEW = "[-1, 1], x right, y down; -1 and +1 are the edges of the square"


@dataclass(frozen=True)
class Painted:
    """One picture and what it was made from.

    image (S,S,3) uint8 RGB, or (S,S,4) with the source's transparency. driving: the keypoints seen; normalised: made to
    fit the source. occlusion (h,w), deformation (h,w,2) float32: where asked for and the painter has them.
    """

    image: Image
    driving: Keypoints
    normalised: Keypoints
    occlusion: Array | None = None
    deformation: Array | None = None


class Painter(Protocol):
    """side: of its pictures; source: the source's keypoints, in `convention`; batch: frames it likes at once.

    kept: whether its pictures cost enough to be kept for going on after a kill.
    """

    side: int
    source: Keypoints
    convention: str
    batch: int
    kept: bool

    def paint(self, frames: Sequence[DrivingFrame]) -> list[Painted]:
        """The source in the pose of each frame."""
        ...


class ModelPainter:
    """The First Order Motion Model with a source: what depends on the source alone is computed once.

    portrait (S,S,3), alpha (S,S) uint8 or None: the source's square at the model's size. maps: which of occlusion and
    deformation are wanted.
    """

    convention = CONVENTION_MODEL
    kept = True

    def __init__(self, engine: Fomm, portrait: Image, alpha: Image | None, *, maps: tuple[str, ...] = ()) -> None:
        self._engine, self._alpha, self._maps = engine, alpha, maps
        self._encoded = engine.prepare(portrait)
        self.source = keypoints_of_source(self._encoded)
        self.side, self.batch = portrait.shape[0], engine.path.batch
        self._initial, self._motion = self.source, MotionSettings()

    def drive(self, initial: Keypoints, motion: MotionSettings) -> None:
        """Set whose motion follows: `initial` is the driving pose that matches the source."""
        self._initial, self._motion = initial, motion

    def paint(self, frames: Sequence[DrivingFrame]) -> list[Painted]:
        """The source in the pose of each frame, which have pictures of the model's size."""
        driving = self._engine.keypoints_each([frame.picture for frame in frames if frame.picture is not None])
        posed = [transferred(self.source, seen, self._initial, self._motion) for seen in driving]
        return [
            Painted(
                self._with_alpha(made.image, made.deformation),
                seen,
                pose,
                made.occlusion if "occlusion" in self._maps else None,
                made.deformation if "deformation" in self._maps else None,
            )
            for made, seen, pose in zip(self._engine.paint_each(self._encoded, posed), driving, posed, strict=True)
        ]

    def _with_alpha(self, image: Image, deformation: Array) -> Image:
        if self._alpha is None:
            return image
        places = cv2.resize(deformation, (self.side, self.side), interpolation=cv2.INTER_LINEAR)
        at = (places + 1) / 2 * (self.side - 1)
        return with_alpha(image, cv2.remap(self._alpha, at[..., 0], at[..., 1], cv2.INTER_LINEAR))


class PreviewPainter:
    """The portrait's warp, moved by a take of the driving video."""

    convention = CONVENTION_PREVIEW
    kept = False  # as quick to make again as to read back
    batch = 1

    def __init__(
        self, warp: PortraitWarp, motion: TakeMotion, alpha: Image | None, *, maps: tuple[str, ...] = ()
    ) -> None:
        self._warp, self._take, self._alpha, self._deformation = warp, motion, alpha, "deformation" in maps
        self.side, self.source = warp.portrait.shape[0], warp.source

    def paint(self, frames: Sequence[DrivingFrame]) -> list[Painted]:
        """The portrait in the pose of each frame, which need no pictures."""
        return [self._painted(self._take.at(frame.time_s)) for frame in frames]

    def _painted(self, driving: Keypoints) -> Painted:
        image = self._warp.frame(driving)
        lookup = self._warp.lookup(driving) if self._deformation or self._alpha is not None else None
        if self._alpha is not None and lookup is not None:
            at = cv2.resize(lookup, (self.side, self.side), interpolation=cv2.INTER_CUBIC)
            at = (at + 1) / 2 * self.side - 0.5
            image = with_alpha(image, cv2.remap(self._alpha, at[..., 0], at[..., 1], cv2.INTER_LINEAR))
        return Painted(image, driving, self._warp.normalised(driving), None, lookup if self._deformation else None)


def with_alpha(image: Image, alpha: Any) -> Image:
    """(S,S,4) `image` (S,S,3), painted from a source on mid-grey, with `alpha` (S,S) uint8 and without the grey."""
    share = np.asarray(alpha, np.float32)[..., None] / 255
    colour = (image - BEHIND * (1 - share)) / np.maximum(share, _THIN)
    colour = np.where(share < _THIN, image, np.clip(np.rint(colour), 0, 255)).astype(np.uint8)
    return np.concatenate([colour, np.asarray(alpha, np.uint8)[..., None]], -1)
