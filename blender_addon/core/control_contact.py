# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts on the character: lids and lips that meet in the video meet on its mesh, whatever its controls are called.

The gaps are those of the character's own landmark points, first as the measured basis predicts them, then, where the
mesh itself can be asked, as it really is (correctives, bones: not linear).
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from .array_types import BoolArray, FloatArray
from .control_solve import control_sizes, gap_table, live_controls
from .rig_basis import RigBasis

Probe: TypeAlias = Callable[[FloatArray], FloatArray]
"""Control values (n, C), absolute, to the points of the evaluated mesh (n, 70, 3), cm, head frame of the basis."""

GROUPS: dict[str, slice] = {"eye_right": slice(0, 2), "eye_left": slice(2, 4), "lips": slice(4, 7)}
ROUNDS = 6  # of closing, each freezing what reached its limit
PROBE_ROUNDS = 3
CLOSED_CM = 0.02  # a gap within this is none
SURELY_SHUT = 0.9  # frames shut as far as that are looked at on the mesh
STEADY = 1e-4  # of a squared gap change, keeps the small systems regular


def close_contacts(
    values: FloatArray, basis: RigBasis, shut: dict[str, FloatArray], *, probe: Probe | None = None
) -> FloatArray:
    """Give control values whose gaps close as far as asked, (N, C) -> (N, C), within the rig's limits.

    shut: for "eye_right", "eye_left" and "lips", (N,) in 0..1, how far each is shut (1: no gap is left). What closes a
    gap is shared by the controls that close it, by how much of it each one's range can do. Gaps are never opened.
    """
    rest = np.array([control.rest for control in basis.controls])
    neutral = gap_table() @ basis.neutral_cm[:, 1]
    slopes = (basis.displacement_cm[:, :, 1] @ gap_table().T).T  # (7, C): cm of each gap per unit of each control
    result, left = values, _left_open(neutral + (values - rest) @ slopes.T, shut)
    for _ in range(ROUNDS):
        gaps = neutral + (result - rest) @ slopes.T
        result = _closer(result, gaps - left, basis, slopes)
    return result if probe is None else _closed_on_mesh(result, basis, slopes, shut, probe)


def _closed_on_mesh(
    values: FloatArray, basis: RigBasis, slopes: FloatArray, shut: dict[str, FloatArray], probe: Probe
) -> FloatArray:
    """Give values whose gaps are closed on the mesh itself on the frames that are shut; the basis tells the way."""
    is_shut = (_per_gap(shut) >= SURELY_SHUT).astype(np.float64)
    asked = np.flatnonzero(is_shut.any(1))
    result, is_shut = values.copy(), is_shut[asked]
    for _ in range(PROBE_ROUNDS if len(asked) else 0):
        gaps = probe(result[asked])[:, :, 1] @ gap_table().T
        wanted = gaps * is_shut
        if bool((wanted <= CLOSED_CM).all()):
            break
        result[asked] = _closer(result[asked], wanted, basis, slopes)
    return result


def _per_gap(shut: dict[str, FloatArray]) -> FloatArray:
    """Give the groups' values for each of their gaps, (N, 7)."""
    return np.concatenate([np.tile(shut[name][:, None], part.stop - part.start) for name, part in GROUPS.items()], 1)


def _left_open(gaps: FloatArray, shut: dict[str, FloatArray]) -> FloatArray:
    """Give what may be left of every gap, (N, 7) cm."""
    return np.maximum(gaps, 0.0) * (1.0 - _per_gap(shut))


def _closer(values: FloatArray, wanted: FloatArray, basis: RigBasis, slopes: FloatArray) -> FloatArray:
    """Give values after one step that takes `wanted` (N, 7) cm, where above zero, off the gaps, within the limits."""
    low = np.array([control.minimum for control in basis.controls])
    high = np.array([control.maximum for control in basis.controls])
    size = control_sizes(basis) * live_controls(basis)
    result = values.copy()
    for part in GROUPS.values():
        own = np.maximum(wanted[:, part], 0.0)
        frames = np.flatnonzero((own > CLOSED_CM / 4).any(1))
        if len(frames):
            step = _step(result[frames], own[frames], slopes[part], size, low=low, high=high)
            result[frames] = np.clip(result[frames] + step, low, high)
    return result


def _step(
    values: FloatArray, wanted: FloatArray, rows: FloatArray, size: FloatArray, *, low: FloatArray, high: FloatArray
) -> FloatArray:
    """Give the smallest change (in shares of the controls' ranges) that takes `wanted` (n, k) off the gaps, (n, C).

    rows (k, C). Controls at the limit towards which they would have to go take no part: least norm with a diagonal
    metric, x = M R^T (R M R^T)^-1 (-wanted).
    """
    mean = rows.mean(0)
    free: BoolArray = np.where(mean[None] < 0, values < high - 1e-9, values > low + 1e-9)
    metric = free * size**2
    weighted = rows[None] * metric[:, None]
    system = weighted @ rows.T
    trace = np.trace(system, axis1=1, axis2=2)
    system = system + (STEADY + 1e-3 * trace)[:, None, None] * np.eye(len(rows))
    answer: FloatArray = np.asarray(np.linalg.solve(system, -wanted[..., None]), np.float64)
    return (np.swapaxes(weighted, 1, 2) @ answer)[..., 0]
