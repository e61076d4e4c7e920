# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine's keypoints and Jacobians do per unit of each control: small renders of the character, one each."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from fomm_engine.wire.archive import read_arrays
from fomm_engine.wire.standard_face import standard_face

from ...core.rig_basis import RigBasis
from .family import Family, require_measurable
from .frame import head_frame
from .measuring import require_points
from .pictures import Studio
from .restore import Kept
from .setting import Setter
from .stage import Stage
from .views import Frame, View

SIZE_PX = 256
HEIGHT = 2.6  # of the picture over the outer eye distance
AT_SHARE = 0.7  # of a control's range, at which it is shown
REST_NAME = "000"


def shown_values(basis: RigBasis) -> np.ndarray:
    """(C,) how far each control is set from its rest for its picture, in its own unit; the longer way."""
    low, high = basis.limits
    return AT_SHARE * np.where(high >= -low, high, low)


def shoot(family: Family, basis: RigBasis, frame_number: int, folder: Path) -> None:
    """Nothing; the folder holds a picture of the face at rest and one for each control, all by one camera."""
    require_measurable(family)
    points, objects = require_points(family)
    with ExitStack() as stack:
        kept = Kept(family)
        stack.callback(kept.put_back)
        setter = Setter(family, basis.controls)
        kept.keep_properties(setter.properties)
        kept.rest()
        stage = stack.enter_context(Stage(family, frame_number))
        setter.rest()
        stage.update()
        places = points.places(objects, stage.graph)
        head = head_frame(standard_face(), places, points.confidence)
        unit = standard_face().outer_eyes_cm / head.cm_per_unit
        view = View(Frame(head.rotation, places[:68].mean(axis=0), HEIGHT * unit), SIZE_PX)
        studio = stack.enter_context(Studio(stage, folder))
        studio.take(view, REST_NAME)
        rests = np.array([control.rest for control in basis.controls])
        for number, step in enumerate(shown_values(basis)):
            values = rests.copy()
            values[number] += step
            setter.set(values)
            studio.take(view, f"{number + 1:03d}")


def with_keypoints(basis: RigBasis, seen: Path) -> RigBasis:
    """The basis with the rows that the engine saw; without any where it did not see the face at rest.

    A control whose picture shows no face keeps zeros: the landmark rows say what it does.
    """
    arrays = read_arrays(seen)
    valid = arrays["valid"].astype(bool)
    if len(valid) != len(basis.controls) + 1 or not valid[0]:
        return replace(basis, keypoint_value=None, keypoint_jacobian=None)
    rows = {}
    for name in ("keypoint_value", "keypoint_jacobian"):
        values = arrays[name].astype(np.float64)
        step = shown_values(basis).reshape(-1, *[1] * (values.ndim - 1))
        moved = np.where(valid[1:].reshape(step.shape), values[1:] - values[0], 0.0)
        rows[name] = moved / np.where(np.abs(step) > 1e-12, step, np.inf)
    return replace(basis, **rows)
