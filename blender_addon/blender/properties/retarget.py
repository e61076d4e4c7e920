# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the retargeting, each of which can be changed after the capture: whole face, regions, channels."""

from __future__ import annotations

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from fomm_engine.wire.names import ARKIT_CHANNELS

from ...core.settings import RetargetSettings

DEFAULTS = RetargetSettings()
REGION_WORDS = {
    "brows": "Brows",
    "eyes": "Eyes",
    "gaze": "Gaze",
    "jaw": "Jaw",
    "mouth": "Mouth",
    "cheeks": "Cheeks",
    "head": "Head",
}
REGIONS = tuple(REGION_WORDS)


class UnderstudyRegion(bpy.types.PropertyGroup):
    """How one region of the face follows the actor; `name` is the region's."""

    gain: FloatProperty(
        name="Gain", description="How much of the actor's motion this region shows", default=1.0, min=0.0, max=4.0
    )
    smoothing: FloatProperty(
        name="Smoothing", description="0 is raw, 1 is usual, more is calmer", default=1.0, min=0.0, max=4.0
    )
    use_curve: BoolProperty(
        name="Response Curve", description="Bend how this region answers to the actor", default=False
    )


class UnderstudyChannel(bpy.types.PropertyGroup):
    """How one ARKit channel follows the actor; `name` is the channel's."""

    gain: FloatProperty(
        name="Gain", description="How much of the actor's motion this channel shows", default=1.0, min=0.0, max=4.0
    )
    minimum: FloatProperty(
        name="Lowest", description="The channel does not go below this", default=0.0, min=0.0, max=1.0, subtype="FACTOR"
    )
    maximum: FloatProperty(
        name="Highest",
        description="The channel does not go above this",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    mute: BoolProperty(name="Mute", description="Keep this channel at rest", default=False)
    solo: BoolProperty(name="Solo", description="Keep all channels at rest but those with Solo", default=False)
    selected: BoolProperty(name="Bake", description="Written by a bake of only the selected channels", default=True)
    use_curve: BoolProperty(
        name="Response Curve", description="Bend how this channel answers to the actor", default=False
    )


class UnderstudyRetarget(bpy.types.PropertyGroup):
    """The settings of a bake; their defaults are the retargeting's own."""

    auto_neutral: BoolProperty(
        name="Find the Neutral Frame",
        description="Search the frame on which the actor's face is at rest",
        default=DEFAULTS.neutral_frame is None,
    )
    neutral_frame: IntProperty(
        name="Neutral Frame", description="The take's frame (from 0) on which the actor is at rest", default=0, min=0
    )
    use_calibration: BoolProperty(
        name="Actor's Calibration",
        description="Measure every channel by the range of the take's actor, where one was taken",
        default=True,
    )
    neutral_reason: StringProperty(name="Reason", description="Why this frame is taken as the neutral one")
    gain: FloatProperty(
        name="Gain", description="How strongly the character acts", default=DEFAULTS.gain, min=0.0, max=4.0
    )
    smoothing: FloatProperty(
        name="Smoothing",
        description="0 keeps every tremor, 1 is usual; blinks stay sharp",
        default=DEFAULTS.smoothing,
        min=0.0,
        max=4.0,
    )
    neck_share: FloatProperty(
        name="Neck Share",
        description="How much of the head's turn the neck takes",
        default=DEFAULTS.neck_share,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    head_reference: EnumProperty(
        name="Head",
        description="What the character's rest pose stands for",
        items=(
            ("neutral", "From Neutral", "The actor's neutral pose is the character's rest pose"),
            ("camera", "From Camera", "Looking into the lens is the character's rest pose"),
        ),
        default=DEFAULTS.head_reference,
    )
    gaze_target: EnumProperty(
        name="Gaze",
        description="Which controls the eyes use, where the character has both",
        items=(
            ("auto", "Automatic", "Eye bones where there are any, look shapes otherwise"),
            ("bones", "Bones", "Only the eye bones"),
            ("shapes", "Shapes", "Only the look shapes"),
            ("both", "Both", "Bones and shapes"),
        ),
        default=DEFAULTS.gaze_target,
    )
    jaw_target: EnumProperty(
        name="Jaw",
        description="Which controls the jaw uses, where the character has both",
        items=(
            ("auto", "Automatic", "Jaw shapes where there are any, the jaw bone otherwise"),
            ("bone", "Bone", "Only the jaw bone"),
            ("shapes", "Shapes", "Only the jaw shapes"),
            ("both", "Both", "Bone and shapes"),
        ),
        default=DEFAULTS.jaw_target,
    )
    mirror: BoolProperty(name="Mirror", description="Exchange left and right, as in a mirror", default=DEFAULTS.mirror)
    contact: BoolProperty(
        name="Keep Contacts",
        description="Lids and lips that close in the video close fully on the character",
        default=DEFAULTS.contact,
    )
    start_frame: IntProperty(
        name="Start Frame", description="The scene frame on which the performance starts", default=DEFAULTS.start_frame
    )
    time_offset_s: FloatProperty(
        name="Time Offset",
        description="Seconds by which the motion comes later (earlier where negative)",
        default=DEFAULTS.time_offset_s,
        soft_min=-10.0,
        soft_max=10.0,
        step=1,
        precision=3,
    )
    bridge_s: FloatProperty(
        name="Bridge Gaps",
        description="Where the face is lost for so long at most, the motion goes on; a longer gap holds the last pose",
        default=DEFAULTS.bridge_s,
        min=0.0,
        max=60.0,
        soft_max=5.0,
        step=10,
        subtype="TIME",
        unit="TIME_ABSOLUTE",
    )
    regions: CollectionProperty(type=UnderstudyRegion)
    region_index: IntProperty(name="Region", description="The region whose curve is shown", default=0)
    channels: CollectionProperty(type=UnderstudyChannel)
    channel_index: IntProperty(name="Channel", description="The channel whose limits and curve are shown", default=0)
    curves: PointerProperty(
        type=bpy.types.NodeTree,
        name="Response Curves",
        description="Where the response curves are kept; goes with the scene",
    )


def ensure_entries(retarget: UnderstudyRetarget) -> None:
    """Nothing; the settings hold one entry for every region and channel, with the retargeting's defaults."""
    for name in REGIONS:
        if name not in retarget.regions:
            entry, default = retarget.regions.add(), getattr(DEFAULTS, name)
            entry.name, entry.gain, entry.smoothing = name, default.gain, default.smoothing
    for name in ARKIT_CHANNELS:
        if name not in retarget.channels:
            retarget.channels.add().name = name
