# SPDX-License-Identifier: GPL-3.0-or-later
"""Which square of a picture is looked at: of the source one, of the driving video one or one for each frame."""

from dataclasses import dataclass

import numpy as np

from fomm_engine.animate.faces import Array, FaceSight
from fomm_engine.face.crop import bounding_square
from fomm_engine.video.picture import largest_square
from fomm_engine.video.reader import Frame

Square = tuple[float, float, float]
FACE_SIDES = 1.9  # a square in sides of the face's landmarks, as FOMM's training data was framed
ROOM_SIDES = 2.6  # at most so many, where the face moves about
PORTRAIT_SIDES = 3.2  # for the preview, which moves more than the face: hair and shoulders are in it
_HALF_S = 0.7  # the following square has gone half the way to the face after so long: nods remain, walking does not


def face_square(size: tuple[int, int], points: Array, sides: float = FACE_SIDES) -> Square:
    """The square (centre, side; px) around the face of `points` (68,2), inside a picture of `size` (width, height)."""
    center, side = bounding_square(points)
    return largest_square(size, center, side * sides)


def still_square(size: tuple[int, int], faces: list[Array]) -> Square:
    """One square for all the `faces` (each (68,2) px) of a video: wide enough for where they go, within reason."""
    boxes = [bounding_square(points) for points in faces]
    side = float(np.median([box[1] for box in boxes]))
    low = np.min([np.subtract(center, half / 2) for center, half in boxes], axis=0)
    high = np.max([np.add(center, half / 2) for center, half in boxes], axis=0)
    roam = float((high - low).max()) - side
    middle = np.median([box[0] for box in boxes], axis=0) if roam < side / 4 else (low + high) / 2
    wanted = float(np.clip(side * FACE_SIDES + roam, side * FACE_SIDES, side * ROOM_SIDES))
    return largest_square(size, (float(middle[0]), float(middle[1])), wanted)


@dataclass
class FollowingSquare:
    """A square that goes slowly after a face: quick motion stays in the picture, drifting is taken out.

    sight: where the face is. start: the square before any face was seen. `at` is given the frames in order.
    """

    sight: FaceSight
    size: tuple[int, int]
    start: Square
    _time_s: float | None = None

    def at(self, frame: Frame) -> Square:
        """The square for this frame."""
        points = self.sight.points(frame)
        passed_s = 0.0 if self._time_s is None else frame.time_s - self._time_s
        self._time_s = frame.time_s
        if points is not None:
            wanted = face_square(self.size, points)
            share = 1 - 0.5 ** (passed_s / _HALF_S)
            moved = np.asarray(self.start) + share * (np.asarray(wanted) - self.start)
            self.start = (float(moved[0]), float(moved[1]), float(moved[2]))
        return self.start

    def resume(self, time_s: float, square: Square) -> None:
        """Go on after a frame at `time_s` that had `square`, as if all frames before had been seen."""
        self._time_s, self.start = time_s, square
        self.sight.restart()
