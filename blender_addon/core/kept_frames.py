# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of which curve hold a contact, so that fewer keys do not open it."""

import numpy as np

from .array_types import FloatArray, IntArray
from .control_contact import GROUPS, SURELY_SHUT
from .control_solve import control_sizes, gap_table
from .regions import region_of
from .rig import Rig
from .rig_basis import RigBasis

LEAST_GAP_CM = 0.02  # a control that changes a gap by less over a natural step of it does not matter to a contact
_REGION_PARTS: dict[str, tuple[str, ...]] = {
    "eyes": ("eye_right", "eye_left"),
    "gaze": ("eye_right", "eye_left"),
    "cheeks": ("eye_right", "eye_left"),
    "jaw": ("lips",),
    "mouth": ("lips",),
}


def of_measured(basis: RigBasis, frames: IntArray, shut: dict[str, FloatArray]) -> dict[str, IntArray]:
    """Give {shape key, bone or property control: its frames that hold a contact}, by what each control does to lids
    and lips.

    frames (N,): the scene's; shut: {"eye_right", "eye_left", "lips": (N,)} in 0..1.
    """
    gaps = np.abs(basis.displacement_cm[:, :, 1] @ gap_table().T) * control_sizes(basis)[:, None]
    result: dict[str, IntArray] = {}
    for control, own in zip(basis.controls, gaps, strict=True):
        parts = [part for part, rows in GROUPS.items() if own[rows].max() > LEAST_GAP_CM]
        name = control.name if control.kind == "property" else control.target
        _add(result, name, parts, frames, shut)
    return result


def of_named(rig: Rig, frames: IntArray, shut: dict[str, FloatArray]) -> dict[str, IntArray]:
    """Give {shape control or jaw bone: its frames that hold a contact}, by the regions of its channels."""
    result: dict[str, IntArray] = {}
    for control in rig.shapes:
        parts = [part for channel, _ in control.channels for part in _REGION_PARTS.get(region_of(channel), ())]
        _add(result, control.name, parts, frames, shut)
    for bone in rig.with_role("jaw"):
        _add(result, bone.name, ["lips"], frames, shut)
    return result


def _add(
    result: dict[str, IntArray], name: str, parts: list[str], frames: IntArray, shut: dict[str, FloatArray]
) -> None:
    """Put the shut frames of parts with a curve; curves without any have no entry."""
    held = np.zeros(len(frames), np.bool_)
    for part in parts:
        held |= shut[part] >= SURELY_SHUT
    if name in result:
        held |= np.isin(frames, result[name])
    if held.any():
        result[name] = frames[held]
