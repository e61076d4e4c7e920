# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up character that was measured: the made-up face in other proportions, with controls of any kind."""

from dataclasses import replace

import numpy as np

from blender_addon.core.rig_basis import MeasuredControl, RigBasis
from fomm_engine.wire.names import ARKIT_INDEX, MIRRORED_POINTS
from tests.unit.made_take import MOVING, made_basis, made_neutral

BIGGER = np.array([1.2, 0.9, 1.1])


def made_character(neutral: np.ndarray | None = None) -> RigBasis:
    """A symmetric character with one control for each moving channel, named k0, k1 ... so that no name says
    anything."""
    points = (made_neutral() if neutral is None else neutral) * BIGGER
    points = (points + points[list(MIRRORED_POINTS)] * [-1.0, 1.0, 1.0]) / 2.0
    moves = made_basis()[[ARKIT_INDEX[name] for name in MOVING]] * BIGGER
    controls = tuple(MeasuredControl(f"k{place}", "shape", f"k{place}") for place in range(len(MOVING)))
    return RigBasis(controls, points, moves)


def rescaled(basis: RigBasis, name: str, factor: float) -> RigBasis:
    """The same character with a control that needs `factor` times the value (negative: the other way)."""
    place = basis.index(name)
    moves = basis.displacement_cm.copy()
    moves[place] /= factor
    old = basis.controls[place]
    ends = sorted((old.minimum * factor, old.maximum * factor))
    control = replace(old, minimum=ends[0], maximum=ends[1], rest=old.rest * factor)
    controls = (*basis.controls[:place], control, *basis.controls[place + 1 :])
    return replace(basis, controls=controls, displacement_cm=moves)


def merged(basis: RigBasis, name: str, other: str) -> RigBasis:
    """The same character with one control for what two did."""
    one, two = basis.index(name), basis.index(other)
    moves = basis.displacement_cm.copy()
    moves[one] += moves[two]
    keep = [place for place in range(len(basis.controls)) if place != two]
    return replace(basis, controls=tuple(basis.controls[k] for k in keep), displacement_cm=moves[keep])


def moved_points(basis: RigBasis, values: np.ndarray) -> np.ndarray:
    """Where the character's points go, (N, C) -> (N, 70, 3): linear in the controls."""
    rest = np.array([control.rest for control in basis.controls])
    return basis.neutral_cm + np.tensordot(values - rest, basis.displacement_cm, 1)
