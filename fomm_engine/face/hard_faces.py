# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces that are hard to see, half hidden or in dark noise: sought from many starts, believed where these meet."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fomm_engine.face.crop import SquareCrop
from fomm_engine.face.detect import FoundBox, image_tensor
from fomm_engine.face.fast_landmarks import Look
from fomm_engine.face.look import INNER, SMALLEST_PX, FaceReader, FrameFace, crop_around, widened
from fomm_engine.face.nets import LANDMARK_INPUT_SIZE
from fomm_engine.wire.names import LANDMARK_COUNT

Array = npt.NDArray[Any]
SURE_PRESENCE = 4.0  # logit of the box net; one picture in 40 without a face has a box above it, hidden faces 5 to 14
MOST_BOXES = 2
PLAIN = -2.75  # doubt below which a face needs no proof: 98 of 100 held-out faces are plainer than that
SHIFTS = ((0.0, 0.0), (0.15, 0.0), (-0.15, 0.0), (0.0, 0.15), (0.0, -0.15))  # of the box's side
SCALES = (0.8, 1.0, 1.3)
ROUNDS = 4
HOPELESS = -1.75  # where no way is surer than that after two rounds, the others are saved
NEAR = 0.08  # half crop sides between two ways that meet
SAME = 0.1  # sides of a face, on the mean over its points, within which it is another look at the same one
# (share of the ways that must meet, their mean log sigma at most): many ways make up for some doubt
BELIEVED = ((0.4, -2.25), (0.7, -1.9))


@dataclass(frozen=True)
class Meeting:
    """Where most ways end: the mean of their points (70, 2) px and of their log sigma (70,) as the net's, of half_px;
    the rotation (3, 3) of the middlemost; the share of the ways that end there."""

    points_px: Array
    log_sigma: Array
    half_px: float
    rotation: Array
    share: float

    @property
    def doubt(self) -> float:
        """Mean log sigma of the inner points."""
        return float(self.log_sigma[INNER].mean())

    @property
    def believed(self) -> bool:
        """Whether so many ways with so little doubt meet at a face only."""
        return any(self.share >= share and self.doubt <= doubt for share, doubt in BELIEVED)


class HardFaces:
    """A second, slow search for the first frame, when there is time: about a sixth of a second for each box."""

    def __init__(self, net: Look, reader: FaceReader) -> None:
        self._net = net
        self._reader = reader

    def found(self, image: Array, boxes: list[FoundBox], faces: list[FrameFace]) -> list[FrameFace]:
        """Faces in those of `boxes` of which the box net is sure, and which none of `faces` explains."""
        sure = [box for box in boxes if box.presence >= SURE_PRESENCE and not _explained(box.square, faces)]
        added: list[FrameFace] = []
        for box in sure[:MOST_BOXES]:
            face = None if _explained(box.square, added) else self._sought(image, box.square)
            if face is not None:
                added.append(face)
        return added

    def confirmed(self, image: Array, box: FoundBox, face: FrameFace) -> FrameFace | None:
        """A face that was settled on from `box`, where it is plain or most ways from there lead to it; else the one
        that they lead to, if any."""
        if face.doubt < PLAIN:
            return face
        other = self._sought(image, box.square)
        if other is None:
            return None
        away = np.linalg.norm((other.points_px - face.points_px)[INNER], axis=1).mean()
        return face if away < SAME * face.side_px else other

    def _sought(self, image: Array, square: SquareCrop) -> FrameFace | None:
        """The face that most ways from a box lead to; None where they part, or end in doubt or outside the picture."""
        met = meeting(self._net, image, _starts(square))
        inside = 0 <= met.points_px[:, 0].mean() <= image.shape[1] and 0 <= met.points_px[:, 1].mean() <= image.shape[0]
        if not met.believed or not inside:
            return None
        face = self._reader.made(image, met.points_px, met.log_sigma, met.rotation, met.half_px)
        return face if face.side_px >= SMALLEST_PX else None


def meeting(net: Look, image: Array, crops: list[SquareCrop]) -> Meeting:
    """Where most of the ways from `crops` of `image` (H, W, 3) uint8 RGB end."""
    for done in range(1, ROUNDS + 1):
        views = image_tensor([crop.cut(image, LANDMARK_INPUT_SIZE) for crop in crops])
        with torch.inference_mode():
            seen, log_sigma, turns = (part.double().numpy() for part in net(views))
        points = np.stack([crop.to_picture(one) for crop, one in zip(crops, seen, strict=True)])
        rotations = [crop.rotation_to_picture(turn) for crop, turn in zip(crops, turns, strict=True)]
        half_px = np.array([crop.side_px / 2 for crop in crops])
        doubts = log_sigma[:, INNER].mean(1)
        if done > 1 and doubts.min() > HOPELESS:
            break
        crops = [crop_around(one, rotation) for one, rotation in zip(points, rotations, strict=True)]
    inner = points[:, INNER]
    apart = np.linalg.norm(inner[:, None] - inner[None], axis=3).mean(2) / np.minimum(half_px[:, None], half_px[None])
    near = apart < NEAR
    middle = int(np.lexsort((doubts, -near.sum(1)))[0])
    met = near[middle]
    half = float(np.median(half_px[met]))
    return Meeting(points[met].mean(0), log_sigma[met].mean(0), half, rotations[middle], float(met.mean()))


def _starts(square: SquareCrop) -> list[SquareCrop]:
    """Crops on and beside a box, closer and wider."""
    x, y = square.center_px
    side = square.side_px
    return [
        widened(SquareCrop((x + right * side, y + down * side), side * scale))
        for right, down in SHIFTS
        for scale in SCALES
    ]


def _explained(square: SquareCrop, faces: list[FrameFace]) -> bool:
    """Whether the middle of a box lies on one of the faces."""
    for face in faces:
        points = face.points_px[:LANDMARK_COUNT]
        away = np.abs(np.asarray(square.center_px) - (points.min(0) + points.max(0)) / 2).max()
        if away < 0.6 * face.side_px:
            return True
    return False
