# SPDX-License-Identifier: GPL-3.0-or-later
"""Following one face through a video: frame by frame, found again when it is lost, not confused with anybody else's."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.face.choice import FaceChoice, chosen_face
from fomm_engine.face.detect import FaceFinder, FoundBox
from fomm_engine.face.fast_landmarks import Look
from fomm_engine.face.flow import FlowSteadier
from fomm_engine.face.hard_faces import HardFaces
from fomm_engine.face.likeness import Likeness
from fomm_engine.face.look import FaceReader, FrameFace, crop_around, distinct, overlap, widened
from fomm_engine.face.region_nets import CloseNets

Array = npt.NDArray[Any]
RENEW_EVERY = 5  # frames between looks at how the followed face looks


@dataclass(frozen=True)
class TrackerSettings:
    """When a face is believed, and which of several is followed."""

    doubt_limit: float = -2.3  # mean log sigma of the inner points, in half crop sides; good faces have -2.5 to -3.5
    find_rounds: int = 3  # landmark passes on a found box before it is judged
    thorough_every: int = 3  # while no face is there, small ones are looked for only this often
    hard_every: int = 30  # and half hidden ones this often, from the first frame on
    others_every: int = 30  # how often the picture is looked at for others
    hidden_others_every: int = 15  # and, tile by tile, where one of them is out of sight
    near: float = 2.5  # others closer than so many face sides are looked at in every frame, else in every third
    others: int = 4  # more are not kept apart
    face: FaceChoice = "largest"
    both_ways: bool | None = None  # also look at each crop's mirror image; None: where no close look follows
    steady: bool = True  # mix in where optical flow carries the points of the frame before: two fifths less jitter


@dataclass
class _Person:
    """Somebody in the video: where they were last, whether they are seen now, and how they look."""

    last: FrameFace
    now: FrameFace | None = None
    likeness: Likeness = field(default_factory=Likeness)

    def place(self, face: FrameFace | None) -> None:
        self.now = face
        self.last = face or self.last

    def state(self) -> dict[str, Any]:
        return {
            "last": vars(self.last),
            "now": None if self.now is None else vars(self.now),
            "likeness": self.likeness.state(),
        }


def _person(state: dict[str, Any] | None) -> _Person | None:
    """The person of whom `_Person.state` told."""
    if state is None:
        return None
    now = state["now"]
    person = _Person(FrameFace(**state["last"]), None if now is None else FrameFace(**now))
    person.likeness.resume(state["likeness"])
    return person


class FaceTracker:
    """Follows one face; give it the frames of one video in order.

    Other faces are followed too, loosely, so that the chosen one is not taken for somebody who passes in front of it.
    """

    def __init__(
        self, finder: FaceFinder, net: Look, settings: TrackerSettings | None = None, close: CloseNets | None = None
    ) -> None:
        self._finder = finder
        self._settings = own = settings or TrackerSettings()
        both_ways = close is None if own.both_ways is None else own.both_ways
        self._reader = FaceReader(net, own.doubt_limit, both_ways=both_ways, close=close)
        self._hard_faces = HardFaces(net, self._reader)
        self._steadier = FlowSteadier()
        self._own: _Person | None = None
        self._others: list[_Person] = []
        self._frame = -1
        self._missed = 0

    def track(self, image: Array) -> FrameFace | None:
        """The followed face in the next frame (H, W, 3) uint8 RGB, or None where there is none to be believed."""
        self._frame += 1
        if self._own is None:
            self._begin(image)
        else:
            self._follow(image, self._own)
        face = None if self._own is None else self._own.now
        self._missed = 0 if face is not None else self._missed + 1
        if face is None or not self._settings.steady:
            self._steadier.forget()
            return face
        return self._steadier.steadied(image, face)

    def state(self) -> dict[str, Any]:
        """Everything that it remembers from frame to frame, as plain values and arrays, but for the last picture."""
        return {
            "frame": self._frame,
            "missed": self._missed,
            "own": None if self._own is None else self._own.state(),
            "others": [other.state() for other in self._others],
            "steadier": self._steadier.state(),
        }

    def resume(self, state: dict[str, Any], image: Array) -> None:
        """Nothing; it goes on as if it had not stopped after the frame `image` (H, W, 3), when it told its `state`."""
        self._frame, self._missed = state["frame"], state["missed"]
        self._own = _person(state["own"])
        self._others = [person for person in map(_person, state["others"]) if person is not None]
        self._steadier.resume(state["steadier"], image)

    def faces(self, image: Array, *, thorough: bool = True) -> list[FrameFace]:
        """All believable faces of one picture, largest first; `thorough` finds small ones and more than one."""
        return _by_size(distinct([face for _, face in self._settled(image, self._finder.find(image, thorough))]))

    def _settled(self, image: Array, boxes: list[FoundBox]) -> list[tuple[FoundBox, FrameFace]]:
        rounds = self._settings.find_rounds
        faces = [(box, self._reader.settled(image, widened(box.square), rounds)) for box in boxes]
        return [(box, face) for box, face in faces if face is not None]

    def _first_faces(self, image: Array) -> list[FrameFace]:
        """As `faces`, with more care, for whoever is chosen now is followed: doubtful ones are put to the proof, and
        half hidden ones are found too."""
        boxes = self._finder.find(image)
        settled = self._settled(image, boxes)
        apart = distinct([face for _, face in settled])
        kept = [self._hard_faces.confirmed(image, box, face) for box, face in settled if any(face is f for f in apart)]
        faces = distinct([face for face in kept if face is not None])
        if self._missed % self._settings.hard_every == 0:
            faces = distinct(faces + self._hard_faces.found(image, boxes, faces))
        return _by_size(faces)

    def _begin(self, image: Array) -> None:
        """Choose whom to follow, once there is somebody."""
        thorough = self._missed % self._settings.thorough_every == 0
        if not thorough and not self.faces(image, thorough=False):
            return
        faces = self._first_faces(image)
        chosen = chosen_face(faces, self._settings.face)
        if chosen is not None:
            self._own = _seen_first(image, chosen)
            others = [face for face in faces if face is not chosen]
            self._others = [_seen_first(image, face) for face in others[: self._settings.others]]

    def _follow(self, image: Array, own: _Person) -> None:
        self._move(image, own)
        for other in self._others:
            if self._frame % 3 == 0 or _distance(own.last, other.last) < self._settings.near:
                self._move(image, other)
        for other in self._others:
            _tell_apart(image, own, other)
        if own.now is None:
            self._find_again(image, own)
        elif self._frame % self._settings.others_every == 0:
            self._meet(image, own, self.faces(image, thorough=False))
        elif self._frame % self._settings.hidden_others_every == 0 and any(o.now is None for o in self._others):
            self._meet(image, own, self.faces(image))
        apart = all(_distance(own.last, other.last) > 1 for other in self._others)
        if own.now is not None and apart and self._frame % RENEW_EVERY == 0:
            own.likeness.renew(image, own.now)

    def _move(self, image: Array, person: _Person) -> None:
        if person.now is not None:
            person.place(self._reader.followed(image, crop_around(person.now.points_px, person.now.rotation)))

    def _find_again(self, image: Array, own: _Person) -> None:
        """Somebody in sight who is none of the others: the one who looks most like the lost one, and is nearest."""
        faces = self.faces(image, thorough=False)
        left = self._strangers(image, own, faces)
        if not left and self._missed % self._settings.thorough_every == 0:
            left = self._strangers(image, own, self.faces(image))
        if left:
            own.place(min(left, key=lambda face: own.likeness.distance(image, face) + 5 * _distance(own.last, face)))

    def _strangers(self, image: Array, own: _Person, faces: list[FrameFace]) -> list[FrameFace]:
        """The faces that belong to none of the others; hidden others who are among them are seen again."""
        left: list[FrameFace] = []
        for face in faces:
            if any(other.now is not None and overlap(face, other.now) for other in self._others):
                continue
            hidden = [other for other in self._others if other.now is None]
            alike = min(hidden, key=lambda other: other.likeness.distance(image, face), default=None)
            if alike is None or alike.likeness.distance(image, face) > own.likeness.distance(image, face):
                left.append(face)
            else:
                alike.place(face)
        return left

    def _meet(self, image: Array, own: _Person, faces: list[FrameFace]) -> None:
        """Take notice of who has come into the picture."""
        assert own.now is not None
        unknown = [face for face in faces if not overlap(face, own.now)]
        for face in self._strangers(image, own, unknown):
            if len(self._others) < self._settings.others:
                self._others.append(_seen_first(image, face))


def _by_size(faces: list[FrameFace]) -> list[FrameFace]:
    return sorted(faces, key=lambda face: face.side_px, reverse=True)


def _seen_first(image: Array, face: FrameFace) -> _Person:
    person = _Person(face, face)
    person.likeness.renew(image, face)
    return person


def _tell_apart(image: Array, own: _Person, other: _Person) -> None:
    """Where both seem to stand in one place, only the one that the face looks like does; the other one is hidden."""
    if own.now is None or other.now is None or not overlap(own.now, other.now):
        return
    if own.likeness.distance(image, own.now) > other.likeness.distance(image, other.now):
        own.place(None)
    else:
        other.place(None)


def _distance(face: FrameFace, other: FrameFace) -> float:
    """Between two faces, in sides of the larger one."""
    return float(np.hypot(*(face.center_px - other.center_px))) / max(face.side_px, other.side_px)
