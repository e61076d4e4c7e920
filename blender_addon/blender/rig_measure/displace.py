# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves each control in turn and reads what that does to the landmark points, in steps that can be interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT
from fomm_engine.wire.standard_face import StandardFace

from ...core.array_types import FloatArray
from . import bones, select
from .anchors import Anchors
from .controls import Candidate, Found
from .family import Family
from .frame import HeadFrame, armature_frame, head_frame
from .setting import Setter
from .stage import Stage

FIRST_SHIFT = 0.05  # of the outer eye distance, and
FIRST_TURN_RAD = 0.12  # how far a bone is moved at first
_WORTH_CM = 0.12  # a bone whose shifts or turns together move every point less is not looked at closer
_SCREENING = 10.0  # what a bone's first step does is taken this often: targets of the eyes move them little
STEP_SHARE = 0.4  # of a bone channel's range, at which it is measured in earnest
_FAINT_CM, _STRONG_CM = 0.01, 3.0  # a first step that moves the points less or more is made again with a fitting one
_SAME_BOTH_WAYS = 0.85  # cosine between what a control does one way and the other; below, it is two controls
_SAME_SIZE = 2.0
_WITH_THE_BONE = 0.7  # of a bone's own motion: an iris that goes so far goes with the bone
MOST_TURN_RAD = 1.2  # of a bone that is there to be turned; and
MOST_SHIFT = 6.0  # outer eye distances: as far as targets stand before a face


@dataclass(frozen=True)
class Measured:
    """A candidate and what one unit of it does from its rest: (70, 3) cm in the head frame.

    way: "+" or "-" where the control does different things each way, and this is one of them.
    """

    candidate: Candidate
    displacement_cm: FloatArray
    way: str = ""

    @property
    def range_cm(self) -> FloatArray:
        """(70, 3) what the control's longer way does."""
        own = self.candidate
        return self.displacement_cm * max(own.maximum - own.rest, own.rest - own.minimum)


class Measuring:
    """One measuring of a character on a stage; run `steps`, then take `neutral`, `frame` and `measured`."""

    def __init__(
        self, stage: Stage, family: Family, *, anchors: Anchors, objects: list, found: Found, face: StandardFace
    ) -> None:
        self._stage, self._family = stage, family
        self._anchors, self._objects, self._found, self._face = anchors, objects, found, face
        self._bones = bones.find_bones(family, anchors, objects, found.driving_bones)
        channels: list[Candidate] = []
        if (armature := family.armature) is not None:
            for name in self._bones:
                channels += bones.channels(armature.pose.bones[name], armature)
        self.candidates = (*found.sliders, *channels)
        self._setter = Setter(family, self.candidates)
        self._rests = np.array([candidate.rest for candidate in self.candidates], np.float64)
        self.neutral: FloatArray
        self.frame: HeadFrame
        self.measured: list[Measured] = []

    @property
    def setter(self) -> Setter:
        """What sets the candidates; its properties must be kept before the first step."""
        return self._setter

    def steps(self) -> Iterator[float]:
        """How much of the work is done, 0..1, after each small step of it."""
        self._setter.rest()
        self.neutral = self._places()
        self.frame = head_frame(self._face, self.neutral, self._anchors.confidence)
        sliders = len(self._found.sliders)
        share = sliders / max(1, sliders + 6 * len(self._bones))
        for number in range(sliders):
            self.measured += self._slider(number)
            yield share * (number + 1) / sliders
        for done in self._bone_channels(sliders):
            yield share + (1.0 - share) * done
        self._setter.rest()

    def _slider(self, number: int) -> list[Measured]:
        """The slider as one control, as two where its ends do different things, or none where it moves no point."""
        own = self.candidates[number]
        ways = [(end, way) for end, way in ((own.maximum, "+"), (own.minimum, "-")) if abs(end - own.rest) > 1e-9]
        found = [Measured(own, self._moved(number, end - own.rest) / (end - own.rest), way) for end, way in ways]
        if len(found) == 2 and _alike(found[0].displacement_cm, found[1].displacement_cm):
            mean = (found[0].displacement_cm + found[1].displacement_cm) / 2
            found = [Measured(own, mean)]
        elif len(found) == 2:
            found = [_one_way(one) for one in found]
        else:
            found = [replace(one, way="") for one in found]
        return [one for one in found if self._is_of_the_face(one.range_cm)]

    def _bone_channels(self, first: int) -> Iterator[float]:
        """Measure the bones' channels, choose, and measure the chosen ones in earnest."""
        rough: list[tuple[int, Measured]] = []
        for done, name in enumerate(self._bones):
            numbers = [n for n in range(first, len(self.candidates)) if self.candidates[n].target == name]
            for channel in ("location", "rotation"):
                own = [n for n in numbers if self.candidates[n].component.startswith(channel)]
                if not own or not self._does_anything(own):
                    continue
                yield 0.7 * done / len(self._bones)
                for number in own:
                    rough += [(number, one) for one in self._rough(number)]
                    yield 0.7 * done / len(self._bones)
        chosen = self._chosen(rough)
        for done, (number, one) in enumerate(chosen):
            fine = self._fine(number, one)
            if self._is_of_the_face(fine.range_cm):
                self.measured.append(fine)
            yield 0.7 + 0.3 * (done + 1) / len(chosen)

    def _does_anything(self, numbers: Sequence[int]) -> bool:
        """Whether a bone's channels move the face at all, all at once; the whole head's bones do not count."""
        values = self._rests.copy()
        values[list(numbers)] += [self._first_step(number) for number in numbers]
        moved = self._read(values) * _SCREENING
        return select.moves(moved) >= _WORTH_CM and self._is_of_the_face(moved)

    def _rough(self, number: int) -> list[Measured]:
        """The channel with its limits, from one step one way; none where it moves no point."""
        own, step = self.candidates[number], self._first_step(number)
        moved = self._moved(number, step)
        largest = select.moves(moved)
        if largest > 0 and not _FAINT_CM < largest < _STRONG_CM:
            again = step * float(np.clip(0.5 / largest, 0.05, 40.0))
            again = float(np.clip(again, own.minimum, own.maximum))
            if abs(again) > 1e-9:
                step, moved = again, self._moved(number, again)
        per_unit = moved / step
        rough = Measured(self._limited(number, per_unit), per_unit)
        if not largest > 0 or self._shifts_an_eye(rough):
            return []
        return [rough] if self._is_of_the_face(rough.range_cm) else []

    def _shifts_an_eye(self, one: Measured) -> bool:
        """Whether a channel carries an eyeball out of its place, which would pass for a gaze."""
        if not one.candidate.component.startswith("location"):
            return False
        irises = np.linalg.norm(one.displacement_cm[[IRIS_RIGHT, IRIS_LEFT]], axis=-1)
        return float(irises.max()) > _WITH_THE_BONE * self._cm_per_unit()

    def _limited(self, number: int, per_unit: FloatArray) -> Candidate:
        """The channel with the range that its constraints, the reach of faces and common sense leave it."""
        own = self.candidates[number]
        width = select.widest(per_unit, select.reach_cm(self._face, self.frame.points_cm(self.neutral)))
        if own.component.startswith("rotation"):
            width = min(width, MOST_TURN_RAD)
        else:
            width = min(width, MOST_SHIFT * self._face.outer_eyes_cm / self._cm_per_unit())
        return replace(own, minimum=max(own.minimum, -width), maximum=min(own.maximum, width))

    def _chosen(self, rough: list[tuple[int, Measured]]) -> list[tuple[int, Measured]]:
        if not rough:
            return []
        names = sorted({one.candidate.target for _, one in rough})
        groups = np.array([names.index(one.candidate.target) for _, one in rough])
        columns = np.stack([one.range_cm for _, one in rough])
        given = np.array([one.range_cm for one in self.measured]).reshape(-1, *columns.shape[1:])
        kept = select.with_partners(select.chosen_columns(columns, groups, given, self._face), columns)
        return [entry for entry, keep in zip(rough, kept, strict=True) if keep]

    def _fine(self, number: int, rough: Measured) -> Measured:
        """The channel measured both ways at a good part of its range, and its limits from that."""
        own = rough.candidate
        ends = [STEP_SHARE * end for end in (own.minimum, own.maximum) if abs(end) > 1e-9]
        per_unit = np.mean([self._moved(number, end) / end for end in ends], axis=0)
        return Measured(self._limited(number, per_unit), per_unit)

    def _first_step(self, number: int) -> float:
        own = self.candidates[number]
        step = FIRST_TURN_RAD
        if own.component.startswith("location"):
            step = FIRST_SHIFT * self._face.outer_eyes_cm / self._cm_per_unit()
        step = min(step, own.maximum)
        return step if step > 1e-9 else max(-FIRST_TURN_RAD, own.minimum)

    def _cm_per_unit(self) -> float:
        return armature_frame(self.frame, np.array(self._family.main.matrix_world, np.float64))[2]

    def _moved(self, number: int, step: float) -> FloatArray:
        values = self._rests.copy()
        values[number] += step
        return self._read(values)

    def _read(self, values: FloatArray) -> FloatArray:
        """(70, 3) cm: how far the points are from neutral with these values; the controls go back to rest."""
        self._setter.set(values)
        moved = self.frame.motion_cm(self._places() - self.neutral)
        self._setter.rest()
        return moved

    def _places(self) -> FloatArray:
        self._stage.update()
        return self._anchors.places(self._objects, self._stage.graph)

    def _is_of_the_face(self, displacement_cm: FloatArray) -> bool:
        if select.moves(displacement_cm) < select.LEAST_MOTION_CM:
            return False
        return not select.is_rigid(displacement_cm, self.frame.points_cm(self.neutral))


def _alike(one: FloatArray, other: FloatArray) -> bool:
    """Whether two displacements per unit are the same thing, in direction and about in size."""
    sizes = float(np.linalg.norm(one)), float(np.linalg.norm(other))
    if min(sizes) < 1e-9:
        return False
    same_way = float((one * other).sum()) / (sizes[0] * sizes[1])
    return same_way > _SAME_BOTH_WAYS and max(sizes) < _SAME_SIZE * min(sizes)


def _one_way(one: Measured) -> Measured:
    own = one.candidate
    if one.way == "+":
        return replace(one, candidate=replace(own, minimum=own.rest))
    return replace(one, candidate=replace(own, maximum=own.rest))
