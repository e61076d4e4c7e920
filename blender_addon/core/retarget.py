# SPDX-License-Identifier: GPL-3.0-or-later
"""The one public entry of the retargeting: a take, a rig and settings in, curves for the bake out."""

from dataclasses import dataclass, replace

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

from . import (
    calibration,
    channel_edits,
    contact,
    curve_guard,
    gaze,
    head,
    head_limits,
    kept_frames,
    lost_frames,
    measured_curves,
    rotation,
    smoothing,
    take_weights,
    timing,
)
from .array_types import BoolArray, FloatArray, IntArray
from .contact import Contacts
from .control_contact import Probe
from .curves import Curves, RetargetReport, RetargetResult
from .notes import Note
from .regions import REGIONS, mirrored, region_mask
from .rig import Rig
from .rig_basis import RigBasis
from .settings import RetargetSettings
from .tracks import PerformanceTracks

LEAST_CHANNEL_NOISE = 0.005  # of a channel's range: less is not seen
LEAST_TURN_NOISE_RAD = 0.001
LEAST_SHIFT_NOISE_CM = 0.02
# Priors pull what the landmarks show faintly towards rest. On rendered takes of six actors (the default weights,
# tests/experiments/amplitude.py) the median least-squares factors from solved to true weights were 2.0, 1.5, 1.2, 1.2
# and 1.6; a little lower here, not to overact. Gaze needs only 1.2 since there is a close look at the eyes.
UNSHRUNK = {"brows": 1.8, "gaze": 1.2, "jaw": 1.1, "mouth": 1.2, "cheeks": 1.4}
CHANNEL_IN_USE = 0.05
HEAD_SPEEDS = head_limits.HeadSpeeds()


@dataclass(frozen=True, slots=True)
class _Motion:
    """The performance at the take's own frames: weights (T, 52), head turn (T, 4) and shift (T, 3) cm against neutral,
    gaze (T, 2, 2), contacts, and on which frames (T,) the head was faster than a head can be."""

    weights: FloatArray
    turn: FloatArray
    shift_cm: FloatArray
    gaze_rad: FloatArray
    contacts: Contacts
    sudden: BoolArray


def retarget(
    tracks: PerformanceTracks,
    rig: Rig,
    settings: RetargetSettings | None = None,
    *,
    probe: Probe | None = None,
    solved: take_weights.SolvedTake | None = None,
) -> RetargetResult:
    """Give the curves that make a rig perform a take.

    Where the rig was measured (rig.basis), the face is solved in its measured controls, else by the names of its
    shapes. probe: see `control_contact.Probe`; with it, contacts are closed on the mesh itself. solved: of this take
    and these settings, where it is known (`take_weights.solve_take`).

    Raises ValueError, in one sentence, when no frame shows a face, the neutral frame is not usable or the rig has
    nothing to drive.
    """
    chosen = RetargetSettings() if settings is None else settings
    if rig.is_empty():
        raise ValueError("The character has no shape key and no bone that is mapped; there is nothing to drive.")
    shown = take_weights.solve_take(tracks, chosen) if solved is None else solved
    neutral, motion = shown.neutral, _edited(tracks, shown, chosen)
    curves, told = _curves(motion, tracks, rig, chosen, probe)
    curves, mended = curve_guard.guarded(curves)
    spans = lost_frames.lost_spans(tracks, _clock(chosen), chosen.bridge_s)
    said = lost_frames.lost_notes(spans) + lost_frames.changed_notes(tracks.broken, motion.sudden)
    report = RetargetReport(
        neutral_frame=neutral.frame,
        neutral_reason=neutral.reason,
        events=motion.contacts.events,
        lost_frames=int((~tracks.valid).sum()),
        explained=shown.explained,
        channel_peaks=dict(zip(ARKIT_CHANNELS, motion.weights.max(0).tolist(), strict=True)),
        lost_spans=spans,
    )
    return RetargetResult(
        curves=curves,
        report=report,
        notes=said + _notes(rig, chosen, motion) + told + mended,
        time_s=tracks.time_s,
        valid=tracks.valid,
        arkit_weights=motion.weights,
        head_rotation_relative=rotation.matrix_from_quaternion(motion.turn),
        gaze_rad=motion.gaze_rad,
    )


def _edited(tracks: PerformanceTracks, shown: take_weights.SolvedTake, settings: RetargetSettings) -> _Motion:
    """Give the actor's motion at the take's frames."""
    weights = shown.weights
    if settings.calibration is not None and not tracks.arkit_is_exact:
        weights = settings.calibration.applied(weights)
    return _motion(tracks, shown.neutral, settings, weights, shown.contacts)


def _motion(
    tracks: PerformanceTracks,
    neutral: calibration.Neutral,
    settings: RetargetSettings,
    weights: FloatArray,
    contacts: Contacts,
) -> _Motion:
    """Give the motion of the valid frames' weights (n, 52): edited, gaps bridged, with the head's and the eyes'."""
    contacts = contact.confirmed(contacts, weights, tracks)
    finished = _bridge(_finish_weights(weights, tracks, contacts, settings), tracks, settings)
    turn, shift_cm, sudden = _head_motion(tracks, neutral.frame, settings)
    return _Motion(finished, turn, shift_cm, gaze.gaze_angles(finished, tracks.basis_cm), contacts, sudden)


def _bridge(values: FloatArray, tracks: PerformanceTracks, settings: RetargetSettings) -> FloatArray:
    """Give values for all frames from those of the valid ones, (n, C) -> (T, C)."""
    before, after, share = _stand_ins(tracks, settings)
    return values[before] + share[:, None] * (values[after] - values[before])


def _stand_ins(tracks: PerformanceTracks, settings: RetargetSettings) -> tuple[IntArray, IntArray, FloatArray]:
    """Give `timing.bridge_positions` as places among the valid frames."""
    before, after, share = timing.bridge_positions(tracks.valid, tracks.time_s, bridge_s=settings.bridge_s)
    place = np.cumsum(tracks.valid) - 1
    return place[before], place[after], share


def _finish_weights(
    solved: FloatArray, tracks: PerformanceTracks, contacts: Contacts, settings: RetargetSettings
) -> FloatArray:
    """Give the valid frames' weights after smoothing, gain, contact and mirror: (n, 52) within 0..1."""
    strength, own_gain, unshrunk = np.zeros(solved.shape[1]), np.ones(solved.shape[1]), np.ones(solved.shape[1])
    for region in REGIONS:
        own, columns = settings.region(region), region_mask(region)
        strength[columns] = own.smoothing * settings.smoothing
        own_gain[columns] = own.gain * settings.gain
        unshrunk[columns] = 1.0 if tracks.arkit_is_exact else UNSHRUNK.get(region, 1.0)
    gain = own_gain * unshrunk
    if settings.calibration is not None:  # the actor's own range has taken the solver's shrinking into account
        gain = np.where(settings.calibration.moved, own_gain, gain)
    lids, lips = contacts.lids[tracks.valid], contacts.lips[tracks.valid]
    result = smoothing.smooth_columns(
        solved,
        tracks.time_s[tracks.valid],
        strength=strength,
        least_noise=LEAST_CHANNEL_NOISE,
        keep=take_weights.lid_channels(lids),
    )
    result = np.clip(result * gain, 0.0, 1.0)
    curves = {region: settings.region(region).curve for region in REGIONS}
    result = channel_edits.apply_edits(result, settings.channels, curves, mirror=settings.mirror)
    if settings.contact:
        result = contact.close_lids(result, lids)
        result = contact.close_lips(result, lips, tracks.basis_cm)
        result = channel_edits.hold_limits(result, settings.channels, mirror=settings.mirror)
    return mirrored(result) if settings.mirror else result


def _head_motion(
    tracks: PerformanceTracks, neutral_frame: int, settings: RetargetSettings
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Give the head's turn (T, 4) and shift (T, 3) cm against its neutral, in the neutral head's frame, no faster than
    a head can; and where it was, (T,)."""
    time_s, strength = tracks.time_s[tracks.valid], settings.head.smoothing * settings.smoothing
    reference = np.eye(3) if settings.head_reference == "camera" else tracks.head_rotation[neutral_frame]
    relative = head.relative_rotation(tracks.head_rotation[tracks.valid], reference)
    turn = rotation.sign_continuous(rotation.quaternion_from_matrix(relative))
    turn = smoothing.smooth_turns(turn, time_s, strength=strength, least_noise_rad=LEAST_TURN_NOISE_RAD)
    turn = head.scaled_turn(turn, settings.head.gain)
    shift = (tracks.head_translation_cm[tracks.valid] - tracks.head_translation_cm[neutral_frame]) @ reference
    columns = np.full(3, strength)
    shift = smoothing.smooth_columns(shift, time_s, strength=columns, least_noise=LEAST_SHIFT_NOISE_CM)
    if settings.mirror:
        turn, shift = head.mirrored_turn(turn), shift * np.array([-1.0, 1.0, 1.0])
    before, after, share = _stand_ins(tracks, settings)
    bridged = rotation.sign_continuous(rotation.slerp(turn[before], turn[after], share))
    bridged, turned = head_limits.limited_turn(bridged, tracks.time_s, HEAD_SPEEDS)
    shift, shifted = head_limits.limited(_bridge(shift, tracks, settings), tracks.time_s, HEAD_SPEEDS.shift_cm)
    return bridged, shift, turned | shifted


def _curves(
    motion: _Motion, tracks: PerformanceTracks, rig: Rig, settings: RetargetSettings, probe: Probe | None
) -> tuple[Curves, tuple[Note, ...]]:
    """Give the rig's curves at the scene's frames, and what is to be said of its controls."""
    clock = _clock(settings)
    frames = clock.frames_within(float(tracks.time_s[0]), float(tracks.time_s[-1]))
    at_s = clock.time_s(frames)
    scene = _resample(motion, tracks.time_s, at_s)
    if settings.contact:
        scene = replace(scene, weights=_keep_contacts(scene.weights, motion, tracks, at_s, mirror=settings.mirror))
    rotations, locations = _bone_curves(scene, rig, settings)
    shut = measured_curves.shut_at(motion.contacts, tracks.time_s, at_s, mirror=settings.mirror)
    shut = shut if settings.contact else {part: 0.0 * values for part, values in shut.items()}
    if rig.basis is None:
        kept = kept_frames.of_named(rig, frames, shut)
        shapes = shape_curves(scene.weights, rig, settings)
        return Curves(frames, shapes, rotations, locations, kept_frames=kept), ()
    values = measured_curves.measured_values(scene.weights, tracks, rig.basis, shut, probe=probe)
    own = measured_curves.placed(values, rig.basis)
    # What no landmark shows (puffed cheeks on some faces, the tongue) was not measured; its name still says what it is.
    named = _unmeasured(shape_curves(scene.weights, rig, settings), rig.basis)
    curves = Curves(
        frames,
        named | own.shape_values,
        own.bone_rotations | rotations,
        own.bone_locations | locations,
        own.bone_scales,
        own.control_values,
        kept_frames.of_measured(rig.basis, frames, shut),
    )
    return curves, measured_curves.control_notes(values, rig.basis)


def _unmeasured(shapes: dict[str, FloatArray], basis: RigBasis) -> dict[str, FloatArray]:
    """Give the shapes that no control of the basis sets."""
    measured = {control.target for control in basis.controls if control.kind == "shape"}
    return {name: values for name, values in shapes.items() if name not in measured}


def _resample(motion: _Motion, time_s: FloatArray, at_s: FloatArray) -> _Motion:
    """Give the motion at other times; rotations on the shortest way."""
    lower, share = timing.bracket(time_s, at_s)
    upper = np.minimum(lower + 1, len(time_s) - 1)
    return _Motion(
        timing.resample_linear(motion.weights, time_s, at_s),
        rotation.sign_continuous(rotation.slerp(motion.turn[lower], motion.turn[upper], share)),
        timing.resample_linear(motion.shift_cm, time_s, at_s),
        timing.resample_linear(motion.gaze_rad, time_s, at_s),
        motion.contacts,
        motion.sudden,
    )


def _keep_contacts(
    weights: FloatArray, motion: _Motion, tracks: PerformanceTracks, at_s: FloatArray, *, mirror: bool
) -> FloatArray:
    """Give resampled weights whose blinks still reach their peaks between the scene's frames."""
    result = weights.copy()
    for part, channel in (("eye_right", "eyeBlinkRight"), ("eye_left", "eyeBlinkLeft")):
        column = ARKIT_INDEX[channel]
        taken_from = column if not mirror else ARKIT_INDEX[_other_side(channel)]
        peaks = [event.peak_frame for event in motion.contacts.events if event.part == part]
        values = motion.weights[peaks, taken_from]
        result[:, taken_from] = contact.keep_peaks(
            result[:, taken_from], at_s, peaks=values, peaks_s=tracks.time_s[peaks]
        )
    return result


def _other_side(channel: str) -> str:
    """Give the blink of the other eye."""
    return "eyeBlinkLeft" if channel == "eyeBlinkRight" else "eyeBlinkRight"


def shape_curves(weights: FloatArray, rig: Rig, settings: RetargetSettings) -> dict[str, FloatArray]:
    """Give the values of a rig's shape controls from ARKit weights, (N, 52) -> {control: (N,)}, within their limits."""
    curves: dict[str, FloatArray] = {}
    for control in rig.shapes:
        value = np.zeros(len(weights))
        for channel, weight in control.channels:
            if _shapes_take(channel, rig, settings):
                value = value + weight * weights[:, ARKIT_INDEX[channel]]
        curves[control.name] = np.clip(value, control.minimum, control.maximum)
    return curves


def _shapes_take(channel: str, rig: Rig, settings: RetargetSettings) -> bool:
    """Tell whether a channel goes to shapes, or to bones alone."""
    if channel.startswith("eyeLook") and settings.gaze_target == "bones":
        return not (rig.with_role("eye_left") or rig.with_role("eye_right"))
    if channel in ("jawOpen", "jawLeft", "jawRight") and settings.jaw_target == "bone":
        return not rig.with_role("jaw")
    return True


def _bones_take(role: str, rig: Rig, settings: RetargetSettings) -> bool:
    """Tell whether a bone within the head is driven.

    Eyes: Apple's look channels are lids that follow a gaze, so bones and shapes go together unless the user says so.
    Jaw: a jaw bone and a jawOpen shape would open the mouth twice, so the bone moves only where there is no such shape.
    """
    if rig.basis is not None and any(
        measured_curves.takes_bone(rig.basis, bone.name, role) for bone in rig.bones if bone.role == role
    ):
        return False
    if role == "jaw":
        has_shape = any(channel == "jawOpen" for shape in rig.shapes for channel, _ in shape.channels)
        return settings.jaw_target in ("bone", "both") or (settings.jaw_target == "auto" and not has_shape)
    return settings.gaze_target != "shapes"


def _bone_curves(
    scene: _Motion, rig: Rig, settings: RetargetSettings
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Give the rotations and locations of a rig's bones in their own spaces."""
    inner: dict[str, FloatArray] = {}
    for bone in rig.bones:
        if bone.role == "jaw" and _bones_take("jaw", rig, settings):
            inner[bone.name] = gaze.jaw_turn(
                scene.weights,
                open_angle_rad=float(np.radians(settings.jaw_open_angle_deg)),
                side_angle_rad=float(np.radians(settings.jaw_side_angle_deg)),
            )
        elif bone.role in ("eye_left", "eye_right") and _bones_take(bone.role, rig, settings):
            inner[bone.name] = gaze.eye_turn(scene.gaze_rad[:, 1 if bone.role == "eye_left" else 0])
    turns = head.bone_turns(rig, turn_head=scene.turn, neck_share=settings.neck_share, inner_turns=inner)
    locations: dict[str, FloatArray] = {}
    if settings.head_location:
        for bone in rig.with_role("head"):
            offset = scene.shift_cm @ rig.armature_from_head.T * settings.location_scale
            carried = head.carrier_turn(rig, bone, turns, count=len(offset))
            locations[bone.name] = head.local_location(bone, offset_armature=offset, carried=carried)
    return head.local_rotations(rig, turns), locations


def _clock(settings: RetargetSettings) -> timing.SceneClock:
    """Give the scene's clock."""
    return timing.SceneClock(settings.start_frame, settings.frame_rate, settings.time_offset_s)


def _notes(rig: Rig, settings: RetargetSettings, motion: _Motion) -> tuple[Note, ...]:
    """Give what the rig lacks of what the actor does."""
    if rig.basis is not None:
        return ()
    mapped = {channel for shape in rig.shapes for channel, _ in shape.channels}
    lost = [
        name
        for name, peak in zip(ARKIT_CHANNELS, motion.weights.max(0), strict=True)
        if peak > CHANNEL_IN_USE and name not in mapped and not _carried_by_bones(name, rig, settings)
    ]
    if not lost:
        return ()
    return (Note("not-driven", f"The character has no control for {', '.join(lost)}, which the actor uses."),)


def _carried_by_bones(channel: str, rig: Rig, settings: RetargetSettings) -> bool:
    """Tell whether a channel that no shape takes moves a bone."""
    if channel in ("jawOpen", "jawLeft", "jawRight"):
        return bool(rig.with_role("jaw")) and _bones_take("jaw", rig, settings)
    if channel.startswith("eyeLook"):
        role = "eye_left" if channel.endswith("Left") else "eye_right"
        return bool(rig.with_role(role)) and _bones_take(role, rig, settings)
    return False
