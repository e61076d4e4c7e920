# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything of a scene: performance, takes, character, settings, bake, splice, render, portrait."""

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

from ...core.key_reduction import ReductionSettings
from ..compat import BLEND_RELATIVE
from .character import UnderstudyCharacter
from .retarget import REGIONS, UnderstudyRetarget
from .takes import UnderstudyCalibration, UnderstudyTake

REDUCTION = ReductionSettings()


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


class UnderstudyBake(bpy.types.PropertyGroup):
    """Where a bake goes, and how many keys it writes."""

    use_nla: BoolProperty(
        name="NLA Strip",
        description="Put the bake on a track of its own in the NLA editor, above what is there",
        default=False,
    )
    replace: BoolProperty(
        name="Replace Last Bake",
        description="Delete the Action of the bake before, where nothing else uses it; undo brings it back",
        default=False,
    )
    selected_only: BoolProperty(
        name="Only Selected",
        description="Write only the channels that are ticked in the channel table, and keep the rest as it is",
        default=False,
    )
    head: BoolProperty(
        name="Head", description="A bake of only the selected channels writes head and neck too", default=True
    )
    reduce: BoolProperty(
        name="Reduce Keys",
        description="Leave out keys that the others stand for; contacts stay exact",
        default=False,
    )
    tolerance: FloatProperty(
        name="Error",
        description="The largest distance from the full curve, as a share of the curve's own range",
        default=REDUCTION.error,
        min=0.0001,
        max=0.2,
        precision=4,
        step=0.1,
    )
    limit_keys: BoolProperty(
        name="Limit Keys", description="Keep at most a share of the keys, whatever the error", default=False
    )
    key_share: FloatProperty(
        name="Share", description="The share of the frames that get a key at most", default=0.33, min=0.01, max=1.0
    )
    bezier: BoolProperty(
        name="Smooth Curves", description="Bezier keys; straight lines between keys otherwise", default=True
    )


class UnderstudySplice(bpy.types.PropertyGroup):
    """A second take that takes over some regions of the face."""

    use: BoolProperty(name="Splice", description="Let another take lead some regions of the face", default=False)
    take: StringProperty(name="Take", description="The take that leads the chosen regions")
    regions: EnumProperty(
        name="Regions",
        description="The regions that the other take leads",
        items=tuple((name, name.capitalize(), f"The other take leads: {name}") for name in REGIONS),
        options={"ENUM_FLAG"},
        default={"mouth", "jaw"},
    )
    offset_s: FloatProperty(
        name="Shift",
        description="Seconds by which the other take comes later (earlier where negative)",
        default=0.0,
        soft_min=-10.0,
        soft_max=10.0,
        step=1,
        precision=3,
    )
    use_range: BoolProperty(
        name="Only In Between", description="Splice between two frames only, and blend at both ends", default=False
    )
    first: IntProperty(name="From", description="First frame of the splice", default=1)
    last: IntProperty(name="To", description="Last frame of the splice", default=100)
    blend_s: FloatProperty(
        name="Blend", description="Seconds over which one take goes over into the other", default=0.2, min=0.0, max=5.0
    )


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
    calibrations: CollectionProperty(type=UnderstudyCalibration)
    take_index: IntProperty(name="Take", description="The take that is baked", default=0)
    character: PointerProperty(type=UnderstudyCharacter)
    retarget: PointerProperty(type=UnderstudyRetarget)
    bake: PointerProperty(type=UnderstudyBake)
    splice: PointerProperty(type=UnderstudySplice)
    render: PointerProperty(type=UnderstudyRender)
    portrait: PointerProperty(type=UnderstudyPortrait)
    baked: StringProperty(name="Baked", description="The Actions that the last bake wrote")
    baked_first: IntProperty(name="First Baked Frame")
    baked_last: IntProperty(name="Last Baked Frame")
    reduced: StringProperty(name="Reduced", description="How many keys the last bake left, and how far it is off")
    notes: StringProperty(name="Notes", description="What the last bake wants known, one line each")


def of(scene: bpy.types.Scene) -> UnderstudyScene:
    """The scene's own settings and takes."""
    return scene.understudy


def chosen_take(scene: bpy.types.Scene) -> UnderstudyTake | None:
    """The take that is chosen in the list, None where there is none."""
    own = of(scene)
    return own.takes[own.take_index] if 0 <= own.take_index < len(own.takes) else None
