# SPDX-License-Identifier: GPL-3.0-or-later
"""What the character's points do for given control values, on the true mesh: for contacts, and for tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fomm_engine.wire.names import POINT_COUNT
from fomm_engine.wire.standard_face import standard_face

from ...core.array_types import FloatArray
from ...core.rig_basis import RigBasis
from .family import Family, require_measurable
from .frame import head_frame
from .measuring import require_points
from .restore import Kept
from .setting import Setter
from .stage import Stage

Probe = Callable[[FloatArray], FloatArray]


def probe_of(family: Family, basis: RigBasis, frame: int) -> Probe:
    """A function from absolute control values (n, C) to points (n, 70, 3), cm in the head frame of the basis.

    Each call moves the character, reads its evaluated meshes and puts everything back. Raises UserError where the
    character cannot be moved, ValueError where it has lost a control.
    """

    def probe(values: FloatArray) -> FloatArray:
        require_measurable(family)
        points, objects = require_points(family)
        result = np.empty((len(values), POINT_COUNT, 3))
        kept = Kept(family)
        try:
            kept.make_plain()
            setter = Setter(family, basis.controls)
            kept.keep_properties(setter.properties)
            kept.rest()
            with Stage(family, frame) as stage:
                setter.rest()
                stage.update()
                head = head_frame(standard_face(), points.places(objects, stage.graph), points.confidence)
                for row, own in enumerate(np.asarray(values, np.float64)):
                    setter.set(own)
                    stage.update()
                    result[row] = head.points_cm(points.places(objects, stage.graph))
        finally:
            kept.put_back()
        return result

    return probe
