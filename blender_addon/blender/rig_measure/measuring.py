# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole measuring of a character: set up, move everything in turn, put back, and the basis to keep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import bpy
import numpy as np

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.standard_face import standard_face

from ...core.array_types import FloatArray
from ...core.rig_basis import MeasuredControl, RigBasis
from . import anchors as anchor_points
from . import bones, controls, store, traits
from .anchors import Anchors
from .displace import Measured, Measuring
from .family import Family, require_measurable
from .frame import HeadFrame, armature_frame
from .restore import Kept
from .stage import Stage


class RigMeasure:
    """One measuring; `steps` does it piece by piece and `basis` is the result. The character is put back in any case:
    at the end, on an error, and when the generator is closed."""

    def __init__(self, family: Family, frame: int) -> None:
        self._family, self._frame_number = family, frame
        self.basis: RigBasis

    def steps(self) -> Iterator[float]:
        """How much is done, 0..1, after each small step.

        Raises UserError("no-points", "points-stale", "nothing-moves") and what `require_measurable` does.
        """
        require_measurable(self._family)
        points, objects = require_points(self._family)
        earlier = store.kept(self._family.main)
        with ExitStack() as stack:
            kept = Kept(self._family)
            stack.callback(kept.put_back)
            kept.make_plain()
            carrying = bones.carrying_bones(self._family, points, objects)
            found = controls.find_sliders(self._family, earlier, carrying)
            kept.rest()
            stage = stack.enter_context(Stage(self._family, self._frame_number))
            if not anchor_points.fits(points, objects, stage.graph):
                raise _stale_points(self._family)
            work = Measuring(
                stage, self._family, anchors=points, objects=objects, found=found, face=standard_face()
            )  # fmt: skip
            kept.keep_properties(work.setter.properties)
            yield from work.steps()
        if not work.measured:
            message = f"Nothing that can be set moves the face of {self._family.main.name}."
            raise UserError("nothing-moves", message, "Unlock its bones or unmute its shape keys, or check the points.")
        self.basis = _basis(self._family, work, points, found.remarks)


def require_points(family: Family) -> tuple[Anchors, list[bpy.types.Object]]:
    """The character's points and the objects that carry them. Raises UserError("no-points", "points-stale")."""
    points = anchor_points.kept(family.main)
    if points is None:
        raise UserError("no-points", f"{family.main.name} has no landmark points yet.", "Find the landmarks first.")
    objects = anchor_points.match(points, family)
    if objects is None:
        raise _stale_points(family)
    return points, objects


def _stale_points(family: Family) -> UserError:
    message = f"The meshes of {family.main.name} have changed since its landmarks were found."
    return UserError("points-stale", message, "Find the landmarks again.")


def _basis(family: Family, work: Measuring, points: Anchors, remarks: tuple[str, ...]) -> RigBasis:
    displacement = np.stack([one.displacement_cm for one in work.measured])
    neutral = work.frame.points_cm(work.neutral)
    ways, origin, scale = _place(family, work.frame)
    named = _named(work.measured)
    widths = np.stack([one.range_cm for one in work.measured])
    regions, pairs = traits.regions(widths), traits.pairs(widths)
    made = tuple(
        MeasuredControl(
            name,
            one.candidate.kind,
            one.candidate.target,
            one.candidate.component,
            rest=one.candidate.rest,
            minimum=one.candidate.minimum,
            maximum=one.candidate.maximum,
            region=region,
            pair=named[pair] if pair is not None else None,
        )
        for name, one, region, pair in zip(named, work.measured, regions, pairs, strict=True)
    )
    return RigBasis(
        made,
        neutral,
        displacement,
        confidence=points.confidence,
        scale_cm_per_unit=scale,
        armature_from_head=ways,
        origin=origin,
        signature=store.signature(family),
        notes=(*points.notes, *remarks),
    )


def _place(family: Family, frame: HeadFrame) -> tuple[FloatArray, FloatArray, float]:
    return armature_frame(frame, np.array(family.main.matrix_world, np.float64))


def _named(measured: list[Measured]) -> list[str]:
    """A name for each control, unique: its own, with the way where it is one of two, with its kind where names meet."""
    names = [f"{one.candidate.name} {one.way}".rstrip() for one in measured]
    for number, name in enumerate(names):
        if names.count(name) > 1 and measured[number].candidate.kind != "shape":
            names[number] = f"{measured[number].candidate.target} {measured[number].way}".rstrip()
    return names
