# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept in the .blend: the performance, the takes, the character, and the settings of retarget and render."""

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

from ..core.settings import RetargetSettings
from .compat import BLEND_RELATIVE

DEFAULTS = RetargetSettings()
REGIONS = ("brows", "eyes", "gaze", "jaw", "mouth", "cheeks", "head")


class UnderstudyRegion(bpy.types.PropertyGroup):
    """How one region of the face follows the actor; `name` is the region's."""

    gain: FloatProperty(
        name="Gain", description="How much of the actor's motion this region shows", default=1.0, min=0.0, max=4.0
    )
    smoothing: FloatProperty(
        name="Smoothing", description="0 is raw, 1 is usual, more is calmer", default=1.0, min=0.0, max=4.0
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
    regions: CollectionProperty(type=UnderstudyRegion)


class UnderstudyTake(bpy.types.PropertyGroup):
    """One captured performance; the capture file holds the data, this is what the list shows."""

    filepath: StringProperty(name="Take", description="The capture file", subtype="FILE_PATH", options=BLEND_RELATIVE)
    video: StringProperty(
        name="Video", description="The performance it was captured from", subtype="FILE_PATH", options=BLEND_RELATIVE
    )
    sha256: StringProperty(name="Checksum")
    frames: IntProperty(name="Frames")
    lost: IntProperty(name="Lost Frames", description="Frames on which no face was found")
    rate_num: IntProperty(default=24)
    rate_den: IntProperty(default=1)
    duration_s: FloatProperty(name="Length", subtype="TIME", unit="TIME_ABSOLUTE")


class UnderstudyMesh(bpy.types.PropertyGroup):
    """A mesh of the character whose shape keys are driven."""

    object: PointerProperty(type=bpy.types.Object)


class UnderstudyBone(bpy.types.PropertyGroup):
    """A bone of the character that is driven; `name` is the bone's."""

    role: StringProperty(name="Role")


class UnderstudyCharacter(bpy.types.PropertyGroup):
    """The character that performs: its meshes, its armature and what was recognised of them."""

    armature: PointerProperty(type=bpy.types.Object)
    meshes: CollectionProperty(type=UnderstudyMesh)
    bones: CollectionProperty(type=UnderstudyBone)
    rig_map: StringProperty(name="Rig Map", description="The naming convention that was recognised")
    matched: IntProperty(name="Channels", description="ARKit channels that a control answers to")
    summary: StringProperty(name="Found")
    remarks: StringProperty(name="Remarks")


class UnderstudyPerformance(bpy.types.PropertyGroup):
    """The performance video that is captured next."""

    filepath: StringProperty(
        name="Video", description="The video of the actor's face", subtype="FILE_PATH", options=BLEND_RELATIVE
    )
    width: IntProperty()
    height: IntProperty()
    frames: IntProperty()
    rate_num: IntProperty(default=24)
    rate_den: IntProperty(default=1)


class UnderstudyRender(bpy.types.PropertyGroup):
    """How the shot is rendered."""

    engine: EnumProperty(
        name="Engine",
        items=(
            ("CYCLES", "Cycles", "Path traced, the finished look"),
            ("EEVEE", "EEVEE", "Fast where there is a graphics card"),
            ("WORKBENCH", "Workbench", "Quick look"),
        ),
        default="CYCLES",
        description="What renders the frames",
    )
    width: IntProperty(name="Width", description="Pixels across", default=1280, min=16, max=16384)
    height: IntProperty(name="Height", description="Pixels down", default=720, min=16, max=16384)
    samples: IntProperty(name="Samples", description="Samples for each pixel", default=4, min=1, max=4096)
    format: EnumProperty(
        name="Output",
        items=(("PNG", "Image Sequence", "One PNG for each frame"), ("MP4", "Film", "One MP4 with H.264")),
        default="PNG",
        description="Stills or one film",
    )
    output: StringProperty(
        name="Folder",
        description="Where the frames or the film go",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
        default="//render/",
    )


class UnderstudyPortrait(bpy.types.PropertyGroup):
    """The portrait that the engine animates with the performance."""

    source: StringProperty(
        name="Portrait", description="A picture of a face", subtype="FILE_PATH", options=BLEND_RELATIVE
    )
    relative: BoolProperty(
        name="Relative Motion", description="Transfer motion, not the actor's own proportions", default=True
    )
    adapt_scale: BoolProperty(
        name="Adapt Scale", description="Fit the motion to the size of the portrait's face", default=True
    )
    result: StringProperty(name="Result", subtype="FILE_PATH", options=BLEND_RELATIVE)


class UnderstudyScene(bpy.types.PropertyGroup):
    """Everything of this scene."""

    performance: PointerProperty(type=UnderstudyPerformance)
    takes: CollectionProperty(type=UnderstudyTake)
    take_index: IntProperty(name="Take", description="The take that is baked", default=0)
    character: PointerProperty(type=UnderstudyCharacter)
    retarget: PointerProperty(type=UnderstudyRetarget)
    render: PointerProperty(type=UnderstudyRender)
    portrait: PointerProperty(type=UnderstudyPortrait)
    baked: StringProperty(name="Baked", description="The Actions that the last bake wrote")
    baked_first: IntProperty(name="First Baked Frame")
    baked_last: IntProperty(name="Last Baked Frame")
    notes: StringProperty(name="Notes", description="What the last bake wants known, one line each")


def of(scene: bpy.types.Scene) -> UnderstudyScene:
    """The scene's own settings and takes."""
    return scene.understudy


def chosen_take(scene: bpy.types.Scene) -> UnderstudyTake | None:
    """The take that is chosen in the list, None where there is none."""
    own = of(scene)
    return own.takes[own.take_index] if 0 <= own.take_index < len(own.takes) else None


def ensure_regions(retarget: UnderstudyRetarget) -> None:
    """Nothing; the settings hold one entry for every region, with the retargeting's defaults."""
    for name in REGIONS:
        if name not in retarget.regions:
            entry, default = retarget.regions.add(), getattr(DEFAULTS, name)
            entry.name, entry.gain, entry.smoothing = name, default.gain, default.smoothing
