# SPDX-License-Identifier: GPL-3.0-or-later
"""A measured rig's curves at the scene's frames: motion solved, contacts closed, values put where they belong."""

from dataclasses import dataclass

import numpy as np

from . import contact, control_contact, control_solve, rotation, timing
from .array_types import FloatArray
from .contact import SIDES, Contacts
from .control_contact import Probe
from .notes import Note
from .rig_basis import MeasuredControl, RigBasis
from .tracks import PerformanceTracks

CHIN_CM = 0.5  # a control that moves the jaw's contour further opens the mouth; a jaw bone beside it would do so twice
NAMES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class PlacedCurves:
    """Values of a measured rig, as `Curves` holds them."""

    shape_values: dict[str, FloatArray]
    bone_rotations: dict[str, FloatArray]
    bone_locations: dict[str, FloatArray]
    bone_scales: dict[str, FloatArray]
    control_values: dict[str, FloatArray]


def measured_values(
    weights: FloatArray,
    tracks: PerformanceTracks,
    basis: RigBasis,
    shut: dict[str, FloatArray],
    *,
    probe: Probe | None = None,
) -> FloatArray:
    """Give the controls' values (N, C), absolute, for the actor's weights (N, 52) at the scene's frames.

    shut: see `shut_at`. probe: the mesh itself, where it can be asked.
    """
    motion = control_solve.transported_motion(
        weights, basis_cm=tracks.basis_cm, actor_cm=tracks.neutral_cm, basis=basis
    )
    values = control_solve.solve_controls(motion, basis)
    return control_contact.close_contacts(values, basis, shut, probe=probe)


def shut_at(contacts: Contacts, time_s: FloatArray, at_s: FloatArray, *, mirror: bool) -> dict[str, FloatArray]:
    """Give how far lids and lips are shut at the scene's frames, {"eye_right", "eye_left", "lips": (N,)} in 0..1.

    An event that falls between two scene frames still reaches its peak, on the nearest one.
    """
    tracks = {f"eye_{side}": contacts.lids[:, index] for index, side in enumerate(SIDES)}
    tracks["lips"] = contacts.lips.astype(np.float64)
    result: dict[str, FloatArray] = {}
    for part, values in tracks.items():
        peaks = np.array([event.peak_frame for event in contacts.events if event.part == part], np.int64)
        there = timing.resample_linear(values, time_s, at_s)
        result[part] = contact.keep_peaks(there, at_s, peaks=values[peaks], peaks_s=time_s[peaks])
    if mirror:
        result["eye_right"], result["eye_left"] = result["eye_left"], result["eye_right"]
    return result


def placed(values: FloatArray, basis: RigBasis) -> PlacedCurves:
    """Give control values (N, C) by shape key, bone and property.

    Controls that share a target (the two ends of a slider) add up about their rest. A bone's rotations about its axes
    become one rotation vector and one unit quaternion, sign-continuous and starting with w >= 0.
    """
    shapes: dict[str, FloatArray] = {}
    properties: dict[str, FloatArray] = {}
    bones: dict[tuple[str, str], FloatArray] = {}
    for column, control in enumerate(basis.controls):
        if control.kind == "bone":
            start = np.ones if control.channel == "scale" else np.zeros
            own = bones.setdefault((control.channel, control.target), start((len(values), 3)))
            if not _has_sibling_before(basis, column):
                own[:, control.axis] = control.rest
            own[:, control.axis] += values[:, column] - control.rest
        elif control.kind == "shape":
            before = shapes.get(control.target, control.rest)
            shapes[control.target] = before + values[:, column] - control.rest
        else:
            properties[control.name] = values[:, column]
    turns = {target: _quaternions(turn) for (channel, target), turn in bones.items() if channel == "rotation"}
    places = {target: place for (channel, target), place in bones.items() if channel == "location"}
    scales = {target: scale for (channel, target), scale in bones.items() if channel == "scale"}
    return PlacedCurves(shapes, turns, places, scales, properties)


def _has_sibling_before(basis: RigBasis, column: int) -> bool:
    """Tell whether an earlier control sets the same number."""
    own = basis.controls[column]
    return any(other.target == own.target and other.component == own.component for other in basis.controls[:column])


def _quaternions(turn: FloatArray) -> FloatArray:
    """Give rotation vectors (N, 3) as continuous quaternions (N, 4)."""
    keys = rotation.sign_continuous(rotation.quaternion_from_rotvec(turn))
    return -keys if len(keys) and keys[0, 0] < 0 else keys


def takes_bone(basis: RigBasis, name: str, role: str) -> bool:
    """Tell whether the measured controls already do what a bone of a role within the head would."""
    if any(control.kind == "bone" and control.target == name for control in basis.controls):
        return True
    if role != "jaw":
        return False
    return any(_reach_cm(basis, place) > CHIN_CM for place, own in enumerate(basis.controls) if own.region == "jaw")


def _reach_cm(basis: RigBasis, place: int) -> float:
    """Give how far a control can move a point from rest, cm."""
    control = basis.controls[place]
    range_up = max(control.maximum - control.rest, control.rest - control.minimum)
    return float(np.linalg.norm(basis.displacement_cm[place], axis=1).max()) * range_up


def control_notes(values: FloatArray, basis: RigBasis) -> tuple[Note, ...]:
    """Give the report on the controls: those that move nothing, those that do the same, those that the take left at
    rest."""
    live = control_solve.live_controls(basis)
    dead = [control.name for control, alive in zip(basis.controls, live, strict=True) if not alive]
    found: list[Note] = []
    if dead:
        found.append(Note("dead-controls", f"These controls move no landmark and stay at rest: {_listed(dead)}."))
    twins = [f"{one.name} and {other.name}" for one, other in cross_talk(basis)]
    if twins:
        found.append(Note("cross-talk", f"These controls do nearly the same and share the motion: {_listed(twins)}."))
    rest = np.array([control.rest for control in basis.controls])
    idle = [
        control.name
        for control, alive, used in zip(basis.controls, live, (values != rest).any(0), strict=True)
        if alive and not used
    ]
    if idle:
        found.append(Note("idle-controls", f"Nothing in this take needs these controls: {_listed(idle)}."))
    return tuple(found)


def cross_talk(basis: RigBasis, *, alike: float = 0.95) -> tuple[tuple[MeasuredControl, MeasuredControl], ...]:
    """Give the pairs of controls whose motions are nearly one another's multiples: |cosine| above `alike`.

    The two ends of one slider are no pair.
    """
    flat = basis.displacement_cm.reshape(len(basis.controls), -1)
    size = np.linalg.norm(flat, axis=1)
    likeness = np.abs(flat @ flat.T) / np.maximum(size[:, None] * size[None], 1e-12)
    likeness[~control_solve.live_controls(basis)] = 0.0
    pairs = [(int(one), int(other)) for one, other in np.argwhere(np.triu(likeness, 1) > alike)]
    found = [(basis.controls[one], basis.controls[other]) for one, other in pairs]
    return tuple(pair for pair in found if (pair[0].target, pair[0].component) != (pair[1].target, pair[1].component))


def _listed(names: list[str]) -> str:
    """Give names for a sentence, the first few of many."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
