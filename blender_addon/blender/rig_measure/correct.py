# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting a landmark point by hand: to a place on the character's mesh, by a ray from the mouse or by a place."""

from __future__ import annotations

from contextlib import ExitStack

import bpy
import numpy as np

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import POINT_COUNT

from ...core.array_types import FloatArray
from . import anchors
from .anchors import Anchors
from .family import Family, require_measurable
from .restore import Kept
from .stage import Stage
from .surface import Hit, Part, Surface, barycentric, read_surface


class Correction:
    """A character's surface as it stands now, for setting points on it; make a new one when the character moves.

    Only shapes are looked at as they are: refining modifiers are off, as in measuring.
    """

    def __init__(self, family: Family, frame: int) -> None:
        require_measurable(family)
        self._family = family
        with ExitStack() as stack:
            kept = Kept(family)
            stack.callback(kept.put_back)
            kept.make_plain()
            stage = stack.enter_context(Stage(family, frame))
            self._surface: Surface = read_surface(stage, family.meshes)
        self._whole: Part = self._surface.only(np.ones(len(self._surface.triangles), np.bool_))

    def under(self, origin: FloatArray, direction: FloatArray) -> Hit | None:
        """The first place of the character that a ray meets."""
        return self._whole.cast(origin, direction)

    def near(self, place: FloatArray) -> Hit | None:
        """The place of the character that is nearest to one in the world."""
        return self._whole.nearest(place)

    def set_point(self, index: int, hit: Hit) -> Anchors:
        """The character's points with one of them at a place that was met; they are kept with it.

        Raises UserError("no-points", "no-such-point").
        """
        own = anchors.kept(self._family.main)
        if own is None:
            raise UserError("no-points", "The character has no landmark points yet.", "Find the landmarks first.")
        if not 0 <= index < POINT_COUNT:
            raise UserError("no-such-point", f"There is no point {index}.", f"Points are 0 to {POINT_COUNT - 1}.")
        surface = self._surface
        owner = int(surface.mesh[hit.triangle])
        corners = surface.triangles[hit.triangle]
        ends = np.append(surface.first, len(surface.points))
        mesh = (surface.meshes[owner].name, int(ends[owner + 1] - ends[owner]))
        shares = barycentric(hit.place, surface.points[corners])
        moved = anchors.moved_anchor(own, index, mesh, (corners - surface.first[owner], shares))
        anchors.keep(self._family, moved)
        return moved


def mouse_ray(context: bpy.types.Context, mouse: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """(origin (3,), direction (3,)) in the world of what is under the mouse in the 3D view."""
    from bpy_extras.view3d_utils import region_2d_to_origin_3d, region_2d_to_vector_3d

    region, view = context.region, context.space_data.region_3d
    origin = region_2d_to_origin_3d(region, view, mouse)
    return np.array(origin), np.array(region_2d_to_vector_3d(region, view, mouse))
