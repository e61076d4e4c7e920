# SPDX-License-Identifier: GPL-3.0-or-later
"""The channel table: gain, mute, solo, limits and response of each ARKit channel and of each region."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty

from .. import properties
from ..characters import channel_settings, response_curves
from ..properties.retarget import REGION_WORDS
from .layout import Step
from .lists import Found, Rows, is_wide


class UNDERSTUDY_UL_channels(Rows, Found, bpy.types.UIList):
    """The 52 channels with what a user does most: gain, mute, solo."""

    switch, switch_icon = "changed_only", "GREASEPENCIL"
    changed_only: BoolProperty(
        name="Only Changed", description="Show the channels that are not at their defaults", default=False
    )

    def draw_row(self, context: bpy.types.Context, layout: Any, item: Any, data: Any) -> None:
        """Nothing; one row: whether it is baked, the channel, its gain, mute and solo."""
        row = layout.row(align=True)
        if properties.of(context.scene).bake.selected_only:
            row.prop(item, "selected", text="")
        name = row.row(align=True)
        name.active = not item.mute
        name.label(text=item.name, icon="FCURVE" if item.use_curve else "NONE")
        if is_wide(context):
            gain = row.row(align=True)
            gain.ui_units_x = 3
            gain.prop(item, "gain", text="")
        elif item.gain != 1.0:
            row.label(text=f"{item.gain:.3g}")
        row.prop(item, "mute", text="", icon="HIDE_ON" if item.mute else "HIDE_OFF", emboss=False)
        row.prop(item, "solo", text="", icon="SOLO_ON" if item.solo else "SOLO_OFF", emboss=False)

    def keeps(self, item: Any) -> bool:
        """Whether the channel was changed."""
        return channel_settings.is_changed(item)


class UNDERSTUDY_PT_channels(Step, bpy.types.Panel):
    """Gain, limits and response of each channel"""

    bl_label = "Channels"
    bl_parent_id = "UNDERSTUDY_PT_preview"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the table, then the chosen channel's limits and curve."""
        layout, own = self.layout, properties.of(context.scene)
        settings = own.retarget
        layout.template_list("UNDERSTUDY_UL_channels", "", settings, "channels", settings, "channel_index", rows=6)
        row = layout.row(align=True)
        row.operator("understudy.reset_channels", text="Reset", icon="LOOP_BACK")
        if own.bake.selected_only:
            for action, icon in (("ALL", "CHECKBOX_HLT"), ("NONE", "CHECKBOX_DEHLT"), ("INVERT", "UV_SYNC_SELECT")):
                row.operator("understudy.select_channels", text="", icon=icon).action = action
        if 0 <= settings.channel_index < len(settings.channels):
            chosen = settings.channels[settings.channel_index]
            box = layout.box()
            box.label(text=chosen.name, icon="SHAPEKEY_DATA")
            box.prop(chosen, "gain")
            limits = box.row(align=True)
            limits.prop(chosen, "minimum")
            limits.prop(chosen, "maximum")
            draw_response(box, settings, chosen, region=False)


class UNDERSTUDY_UL_regions(Rows, bpy.types.UIList):
    """The regions of the face with gain and smoothing."""

    def draw_row(self, context: bpy.types.Context, layout: Any, item: Any, data: Any) -> None:
        """Nothing; one row: the region, its gain and smoothing."""
        row = layout.split(factor=0.36, align=True)
        row.label(text=REGION_WORDS[item.name], icon="FCURVE" if item.use_curve else "NONE")
        row.prop(item, "gain", text="")
        row.prop(item, "smoothing", text="")


class UNDERSTUDY_PT_regions(Step, bpy.types.Panel):
    """Gain, smoothing and response of each region"""

    bl_label = "Regions"
    bl_parent_id = "UNDERSTUDY_PT_preview"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the table, then the chosen region's curve."""
        layout, settings = self.layout, properties.of(context.scene).retarget
        header = layout.split(factor=0.36)
        header.label(text="Region")
        header.label(text="Gain")
        header.label(text="Smoothing")
        layout.template_list(
            "UNDERSTUDY_UL_regions", "", settings, "regions", settings, "region_index", rows=7, maxrows=7
        )
        if 0 <= settings.region_index < len(settings.regions):
            chosen = settings.regions[settings.region_index]
            if chosen.name != "head":
                draw_response(layout.box(), settings, chosen, region=True)


def draw_response(layout: Any, settings: Any, entry: Any, *, region: bool) -> None:
    """Nothing; the response curve of a channel or a region, or the button that makes one."""
    node = response_curves.node_of(settings, entry.name) if entry.use_curve else None
    if node is None:
        option = layout.operator("understudy.edit_response", text="Bend Response", icon="FCURVE")
        option.region, option.remove = region, False
        return
    row = layout.row(align=True)
    row.label(text="Response", icon="FCURVE")
    option = row.operator("understudy.edit_response", text="", icon="X")
    option.region, option.remove = region, True
    layout.template_curve_mapping(node, "mapping")
