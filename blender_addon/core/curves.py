# SPDX-License-Identifier: GPL-3.0-or-later
"""What a retarget gives back: curves for the bake, and a report of how they came about."""

from dataclasses import dataclass, field

from .array_types import BoolArray, FloatArray, IntArray
from .notes import Note


@dataclass(frozen=True, slots=True)
class Curves:
    """Keys for a bake.

    frames (N,) whole scene frames, growing by one. shape_values {control: (N,)} within the control's limits.
    bone_rotations {bone: (N, 4)} unit quaternions (w, x, y, z) in the bone's own pose space, sign-continuous.
    bone_locations {bone: (N, 3)} in the bone's own pose space, armature units; bone_scales {bone: (N, 3)}.
    control_values {name of a measured control of the kind "property": (N,)} in the property's own unit.
    kept_frames {shape key, bone or property control: scene frames on which its value holds a contact}: keys may be
    thinned out, but not there (`key_reduction`).
    """

    frames: IntArray
    shape_values: dict[str, FloatArray]
    bone_rotations: dict[str, FloatArray]
    bone_locations: dict[str, FloatArray]
    bone_scales: dict[str, FloatArray] = field(default_factory=dict[str, FloatArray])
    control_values: dict[str, FloatArray] = field(default_factory=dict[str, FloatArray])
    kept_frames: dict[str, IntArray] = field(default_factory=dict[str, IntArray])


@dataclass(frozen=True, slots=True)
class ContactEvent:
    """Lids or lips that meet: what ("eye_left", "eye_right", "lips"), first and last closed frame of the take, the peak
    frame, and its time in seconds."""

    part: str
    first_frame: int
    last_frame: int
    peak_frame: int
    peak_s: float


@dataclass(frozen=True, slots=True)
class LostSpan:
    """Frames without a face: the first and the last in the take (0-based) and in the scene, the seconds from the frame
    before to the frame after, and whether the motion crosses them (bridged) or holds its last pose."""

    first_frame: int
    last_frame: int
    scene_first: int
    scene_last: int
    duration_s: float
    bridged: bool


@dataclass(frozen=True, slots=True)
class RetargetReport:
    """How a retarget came about.

    neutral_frame and neutral_reason; events: the blinks and lip contacts found; lost_frames: frames without a face, and
    lost_spans, where they are and what is done there;
    explained: share of the landmarks' own motion that the solved weights explain (0..1, after head pose and neutral);
    channel_peaks: the largest value of every ARKit channel.
    """

    neutral_frame: int
    neutral_reason: str
    events: tuple[ContactEvent, ...]
    lost_frames: int
    explained: float
    channel_peaks: dict[str, float]
    lost_spans: tuple[LostSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class RetargetResult:
    """Curves, report and notes, and beside them what was solved at the take's own frames.

    arkit_weights (T, 52) in 0..1 in the order of names.ARKIT_CHANNELS, after gain, smoothing and contact, gaps bridged.
    head_rotation_relative (T, 3, 3): R_neutral^T R_t, the head's turn in the frame of the neutral head, smoothed.
    """

    curves: Curves
    report: RetargetReport
    notes: tuple[Note, ...]
    time_s: FloatArray
    valid: BoolArray
    arkit_weights: FloatArray
    head_rotation_relative: FloatArray
    gaze_rad: FloatArray
    """(T, 2, 2): subject's right and left eye; yaw (towards the subject's left) and pitch (up), relative to neutral."""
