# SPDX-License-Identifier: GPL-3.0-or-later
"""How the driving video is looked at, and which of its frames matches the source."""

from fomm_engine.animate.driving import Driving, DrivingFrame, Look
from fomm_engine.animate.faces import FaceSight, TakeSight, TrackedSight, faces_all_over, most_alike
from fomm_engine.animate.framing import FollowingSquare, Square, still_square
from fomm_engine.animate.options import AnimateOptions
from fomm_engine.animate.source import Source
from fomm_engine.model.anatomical import find_portrait_face
from fomm_engine.stdio import Reporter
from fomm_engine.video.picture import largest_square
from fomm_engine.wire.capture import Capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import LANDMARK_COUNT

_EDGE_S = 1e-4


class View:
    """The driving video as one film needs it; `faces`: whether the model is of faces."""

    def __init__(self, driving: Driving, take: Capture | None, options: AnimateOptions, *, faces: bool) -> None:
        self._driving, self._take, self._options = driving, take, options
        self._kind = options.driving_crop if options.driving_crop != "auto" else "face" if faces else "whole"
        self._still = self._still_square()

    def square(self) -> Square | FollowingSquare:
        """What is looked at; one that follows starts anew with every call."""
        if self._kind != "follow":
            return self._still
        return FollowingSquare(self.sight(), self._size, self._still)

    def sight(self) -> FaceSight:
        """What sees the face, from its start."""
        return TrackedSight() if self._take is None else TakeSight(self._take)

    def matching_frame(self, side: int, source: Source, reporter: Reporter) -> DrivingFrame:
        """The frame whose pose matches the source's: named, searched for, the take's neutral one, or the first.

        Raises UserError("bad-option") for a named frame that the video has not, as `most_alike` where it is searched.
        """
        number = self._options.best_frame
        if self._options.find_best_frame:
            number = self._searched(source, reporter)
        time_s = _neutral_time_s(self._take) if number is None and self._take is not None else None
        named = number is not None or time_s is not None
        whole = Driving(self._driving.path, self._driving.info, (0.0, None)) if named else self._driving

        def matches(frame: DrivingFrame) -> bool:
            reporter.progress("load", frame.number, number, "the matching frame")
            return frame.number == number if number is not None else frame.time_s >= (time_s or 0.0) - _EDGE_S

        found = whole.frame(matches, Look(self.square(), side)) or (None if number is not None else self._first(side))
        if found is None:
            raise UserError("bad-option", f"The driving video has no frame {number}.", "Frames are counted from 0.")
        return found

    @property
    def _size(self) -> tuple[int, int]:
        return self._driving.info.width, self._driving.info.height

    def _first(self, side: int) -> DrivingFrame | None:
        return self._driving.frame(lambda _: True, Look(self.square(), side))

    def _still_square(self) -> Square:
        if self._kind == "whole":
            return largest_square(self._size)
        if self._take is not None:
            x, y, side = crop_of_take(self._take)
            return largest_square(self._size, (x, y), side)
        faces = faces_all_over(self._driving.path, self._driving.info, self._driving.part)
        if not faces and self._options.driving_crop == "face":
            hint = "Use a video in which the face can be seen, or the crop 'whole'."
            raise UserError("no-face", "The driving video shows no face to frame.", hint)
        return still_square(self._size, faces) if faces else largest_square(self._size)

    def _searched(self, source: Source, reporter: Reporter) -> int:
        face = source.face or find_portrait_face(source.image)
        total = self._driving.frames_estimate
        first: list[int] = []

        def on_frame(number: int) -> None:
            first.append(number) if not first else None
            done = number - first[0] + 1
            reporter.progress("track", done, max(total, done), "searching the best frame")

        wanted = face.points_px[:LANDMARK_COUNT]
        number = most_alike(self._driving.raw(), self.sight(), wanted, on_frame)
        reporter.log(f"The best frame of {self._driving.path.name} is {number}.")
        return number


def crop_of_take(take: Capture) -> Square:
    """The square (centre, side; px) that a take's keypoints refer to; it may reach out of the picture."""
    crop = take.header["crop"]
    side = float(crop["size"])
    return float(crop["x"]) + side / 2, float(crop["y"]) + side / 2, side


def _neutral_time_s(take: Capture) -> float:
    frame = int(take.header.get("neutral", {}).get("frame", 0))
    return float(take.time_s[frame if 0 <= frame < len(take.time_s) else 0])
