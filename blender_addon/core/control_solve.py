# SPDX-License-Identifier: GPL-3.0-or-later
"""The actor's motion, carried to the character's proportions, in the character's own measured controls.

The take is solved in two linear systems. The first has the rows of the picture (landmarks, distances, keypoints,
Jacobians) and the actor's own face (`expression`); its answer is the motion of 70 points in the head. The second, here,
has those points on the character and the rig's basis. One system with the picture's rows in the rig's controls was
measured too (`tests/experiments/tune_controls.py`, characters whose shapes are not ARKit's): .87 of the motion is
explained, this way .88, by names .80; on the demo character .69 to .77 against .79. What a rig cannot do is then not
made up for by what a single camera cannot see.
"""

from dataclasses import dataclass

import numpy as np

from fomm_engine.wire.names import LANDMARKS, MIRRORED_POINTS

from .array_types import FloatArray
from .expression import BoundedProblem, solve_bounded
from .proportions import transport_factors
from .rig_basis import RigBasis

DEAD_CM = 0.01  # a control that moves no point further over its whole range drives nothing
_ACROSS = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class ControlPrior:
    """Weights of the second system's terms, relative to the energy of each control's own motion.

    ridge: pull to rest. sparsity_cm: motion over all points, in cm, below which a control stays at exactly rest. step:
    cost of changes from frame to frame. pair: cost of differences between a control and its mirror image. gap: how much
    the gaps of lids and lips count beside the points themselves.
    """

    ridge: float = 0.003
    sparsity_cm: float = 0.01
    step: float = 0.01
    pair: float = 0.003
    gap: float = 1.0


def gap_table() -> FloatArray:
    """Give the gaps between opposite lids (right eye's two, left eye's two) and inner lips (three), (7, 70).

    Each row is upper minus lower point: heights in, gaps out.
    """
    table: list[FloatArray] = []
    for upper, lower in _GAPS:
        row = np.zeros(len(MIRRORED_POINTS))
        row[upper], row[lower] = 1.0, -1.0
        table.append(row)
    return np.array(table)


_GAPS = tuple(
    pair
    for one, other in (
        ("lid_upper_right", "lid_lower_right"),
        ("lid_upper_left", "lid_lower_left"),
        ("lip_inner_upper", "lip_inner_lower"),
    )
    for pair in zip(LANDMARKS[one], LANDMARKS[other], strict=True)
)


def transported_motion(
    weights: FloatArray, *, basis_cm: FloatArray, actor_cm: FloatArray, basis: RigBasis
) -> FloatArray:
    """Give how the character's points should move, (N, 70, 3) cm: the actor's motion in the character's proportions.

    weights (N, 52) of basis_cm (52, 70, 3) on the face actor_cm (70, 3).
    """
    factors = transport_factors(actor_cm, basis.neutral_cm)
    return np.tensordot(weights, basis_cm * factors, 1)


def solve_controls(motion_cm: FloatArray, basis: RigBasis, prior: ControlPrior | None = None) -> FloatArray:
    """Give the controls' values that move the points so, (N, 70, 3) -> (N, C), within the rig's limits.

    Bounded, regularised least squares over all frames together. Values are absolute (rest included). A control that
    moves nothing, or that explains nothing of the motion, stays at exactly its rest.
    """
    own = ControlPrior() if prior is None else prior
    rest = np.array([control.rest for control in basis.controls])
    if len(rest) == 0:
        return np.zeros((len(motion_cm), 0))
    unit = control_sizes(basis)
    scaled = basis.displacement_cm * unit[:, None, None]
    rows = _rows(scaled, basis.confidence, own.gap)
    seen = _rows(motion_cm, basis.confidence, own.gap)
    normal, right_side = rows @ rows.T, seen @ rows.T
    energy = np.diag(normal).copy()
    normal = normal + np.diag(own.ridge * energy + 1e-9) + own.pair * _pair_cost(basis, scaled, energy)
    low, high = basis.limits
    alive = live_controls(basis)
    problem = BoundedProblem(
        normal[None],
        right_side,
        np.tile(own.step * energy, (len(motion_cm) - 1, 1)),
        np.where(alive, low / unit, 0.0),
        np.where(alive, high / unit, 0.0),
        own.sparsity_cm * np.sqrt(energy),
    )
    return rest + solve_bounded(problem, start=np.zeros_like(right_side)) * unit


def control_sizes(basis: RigBasis) -> FloatArray:
    """Give one natural step of each control, (C,): its largest way from rest, or what moves a point by 1 cm if that is
    less (for controls without limits worth the name)."""
    low, high = basis.limits
    reach = np.maximum(-low, high)
    furthest = np.linalg.norm(basis.displacement_cm, axis=2).max(axis=1, initial=0.0)
    return np.maximum(np.minimum(reach, 1.0 / np.maximum(furthest, 1e-9)), 1e-9)


def live_controls(basis: RigBasis) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Give which controls move the face at all, (C,)."""
    low, high = basis.limits
    furthest = np.linalg.norm(basis.displacement_cm, axis=2).max(axis=1, initial=0.0)
    return furthest * np.maximum(-low, high) >= DEAD_CM


def _rows(points_cm: FloatArray, confidence: FloatArray, gap: float) -> FloatArray:
    """Give points (N, 70, 3) as rows: coordinates by their confidence, then the gaps of lids and lips, (N, 217)."""
    table = gap_table()
    sure = gap * np.sqrt(np.abs(table) @ confidence / 2.0)
    gaps = points_cm[:, :, 1] @ (table * sure[:, None]).T
    return np.concatenate([(points_cm * np.sqrt(confidence)[:, None]).reshape(len(points_cm), -1), gaps], 1)


def _pair_cost(basis: RigBasis, scaled: FloatArray, energy: FloatArray) -> FloatArray:
    """Give the quadratic cost of a control differing from its mirror image, (C, C), each by the motion it makes.

    The factor between the two (a pair may differ in scale and in sign) is what best turns one's motion into the other's
    mirror image.
    """
    cost = np.zeros((len(energy), len(energy)))
    names = {control.name: place for place, control in enumerate(basis.controls)}
    for place, control in enumerate(basis.controls):
        if control.pair is None or control.pair == control.name:
            continue
        other = names[control.pair]
        mirrored = scaled[other][list(MIRRORED_POINTS)] * _ACROSS
        factor = float(np.sum(mirrored * scaled[place]) / max(float(np.sum(mirrored**2)), 1e-12))
        difference = np.zeros(len(energy))
        difference[place], difference[other] = 1.0, -1.0 / factor if abs(factor) > 1e-6 else 0.0
        cost += 0.5 * energy[place] * np.outer(difference, difference)
    return cost
