# SPDX-License-Identifier: GPL-3.0-or-later
"""How a character's bake is written, and the second take that leads some of its regions."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ...core.key_reduction import ReductionSettings
from .retarget import REGION_WORDS

REDUCTION = ReductionSettings()


class UnderstudyBake(bpy.types.PropertyGroup):
    """Where a bake goes, and how many keys it writes."""

    use_nla: BoolProperty(
        name="NLA Strip",
        description="Put the bake on a track of its own in the NLA editor, above what is there",
        default=False,
    )
    one_action: BoolProperty(
        name="One Action",
        description="Face and head play slots of one Action; what has other animation keeps an Action of its own",
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
        items=tuple((name, title, "") for name, title in REGION_WORDS.items()),
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
