# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames of the driving video, one at a time, as the painter wants them."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from fomm_engine.animate.framing import FollowingSquare, Square
from fomm_engine.video.picture import square_of
from fomm_engine.video.probe import VideoInfo
from fomm_engine.video.reader import Frame, VideoReader
from fomm_engine.wire.errors import UserError

Image = NDArray[np.uint8]
Part = tuple[float, float | None]
Item = TypeVar("Item")
_ROUNDING_S = 1e-6
CHUNK = 32  # frames that are kept together; what follows a face starts afresh with each, so that work can go on there


@dataclass(frozen=True)
class DrivingFrame:
    """One frame: index from 0 in the part, number in the whole video, time_s after the video's first picture.

    square: what the painter looks at; picture (S,S,3): that square, None where it is painted already or nobody looks.
    beside: the whole picture, as the comparison shows it.
    """

    index: int
    number: int
    time_s: float
    square: Square
    picture: Image | None = None
    beside: Image | None = None


@dataclass(frozen=True)
class Look:
    """How the driving video is looked at: the square or what follows the face, and the picture's side in pixels.

    side 0: nobody looks at the pictures, only their times count. beside: size (width, height) of the comparison's.
    """

    square: Square | FollowingSquare
    side: int
    beside: tuple[int, int] | None = None


class Driving:
    """A part (start, end; seconds) of one driving video."""

    def __init__(self, path: Path, info: VideoInfo, part: Part) -> None:
        self.path, self.info, self.part = path, info, part
        self.notes: tuple[str, ...] = ()

    @property
    def frames_estimate(self) -> int:
        """How many frames the part should have; only decoding tells."""
        if self.info.duration_s <= 0:
            return self.info.frames_estimate
        start_s, end_s = self.part
        both_ends = int(end_s is not None and end_s < self.info.duration_s)  # the frame at the end is in the part too
        length_s = (end_s if end_s is not None and both_ends else self.info.duration_s) - start_s
        return max(1, round(self.info.frames_estimate * length_s / self.info.duration_s) + both_ends)

    def raw(self, max_side: int | None = None) -> Generator[Frame, None, None]:
        """The frames of the part, each with its number and time in the whole video.

        Raises UserError("empty-range") where the part holds none.
        """
        start_s, end_s = self.part
        found = False
        with VideoReader(self.path, max_side) as reader, contextlib.closing(_generator(reader)) as frames:
            for frame in frames:
                if end_s is not None and frame.time_s > end_s + _ROUNDING_S:
                    break
                if frame.time_s >= start_s - _ROUNDING_S:
                    found = True
                    yield frame
            self.notes = reader.notes
        if not found:
            hint = "Choose another start or end."
            raise UserError("empty-range", "The chosen part of the driving video holds no frame.", hint)

    def frames(self, look: Look, painted: int = 0) -> Generator[DrivingFrame, None, None]:
        """The part as `look` says; the first `painted` frames without their pictures.

        A following square must have been told of the last of those (`FollowingSquare.resume`).
        """
        blind = look.side == 0 and look.beside is None
        with contextlib.closing(self.raw(64 if blind else None)) as frames:
            for index, frame in enumerate(frames):
                seen = DrivingFrame(index, frame.index, frame.time_s, (0.0, 0.0, 0.0))
                if index >= painted:
                    square = self._square(look, index, frame)
                    picture = square_of(frame.image, square, look.side) if look.side else None
                    seen = replace(seen, square=square, picture=picture)
                yield replace(seen, beside=fitted(frame.image, look.beside)) if look.beside else seen

    def frame(self, wanted: Callable[[DrivingFrame], bool], look: Look) -> DrivingFrame | None:
        """The first frame that is `wanted`, looked at as `look` says; None where there is none."""
        with contextlib.closing(self.frames(look)) as frames:
            return next((frame for frame in frames if wanted(frame)), None)

    @staticmethod
    def _square(look: Look, index: int, frame: Frame) -> Square:
        if not isinstance(look.square, FollowingSquare):
            return look.square
        if index % CHUNK == 0:
            look.square.sight.restart()
        return look.square.at(frame)


def in_groups(frames: Iterable[DrivingFrame], size: int) -> Iterator[list[DrivingFrame]]:
    """`frames` in groups of `size`, which never reach over a chunk's end: the same groups wherever work goes on."""
    rest = iter(frames)
    while group := list(islice(rest, 1)):
        room = CHUNK - group[0].index % CHUNK
        group += islice(rest, min(size - group[0].index % CHUNK % size, room) - 1)
        yield group


def _generator(items: Iterable[Item]) -> Generator[Item, None, None]:
    yield from items


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """`image` at `size` (width, height), well filtered; itself where it has that size."""
    if image.shape[1::-1] == size:
        return image
    method = cv2.INTER_AREA if image.shape[0] > size[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
