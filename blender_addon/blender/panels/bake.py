# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 4: the take becomes keys."""

from __future__ import annotations

import bpy

from .. import properties
from .layout import Step, large, wrapped
from .report import draw_preview


class UNDERSTUDY_PT_bake(Step, bpy.types.Panel):
    """The take becomes keys"""

    bl_label = "4  Bake"
    bl_order = 4

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the settings that matter, the button, and what came of it."""
        layout, own = self.layout, properties.of(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = own.retarget
        column = layout.column(align=True)
        column.prop(settings, "start_frame")
        column.prop(settings, "gain")
        column.prop(settings, "smoothing")
        column.prop(settings, "neck_share")
        layout.prop(settings, "mirror")
        draw_preview(layout, context)
        row = large(layout).row(align=True)
        row.operator("understudy.bake", icon="KEY_HLT").all = False
        if len(properties.of(context.scene).performers) > 1:
            row.operator("understudy.bake", text="Bake All", icon="COMMUNITY").all = True
        if own.baked:
            wrapped(layout, f"Baked frames {own.baked_first} to {own.baked_last}.", icon="CHECKMARK")
        for note in own.notes.splitlines():
            wrapped(layout, note, icon="INFO")


class UNDERSTUDY_PT_neutral(Step, bpy.types.Panel):
    """The frame on which the actor is at rest"""

    bl_label = "Neutral Frame"
    bl_parent_id = "UNDERSTUDY_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the frame, why it was taken, and the buttons."""
        layout, settings = self.layout, properties.of(context.scene).retarget
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "auto_neutral", text="Find It")
        row = layout.row(align=True)
        field = row.row()
        field.enabled = not settings.auto_neutral
        field.prop(settings, "neutral_frame", text="Frame of Take")
        row.operator("understudy.show_neutral", text="", icon="VIEWZOOM")
        layout.operator("understudy.use_current_neutral", icon="TIME")
        if settings.neutral_reason:
            reason = settings.neutral_reason.split(":")[0]
            wrapped(layout, reason.capitalize() + ".", icon="INFO")


class UNDERSTUDY_PT_motion(Step, bpy.types.Panel):
    """How the motion is taken over, beside gain and smoothing"""

    bl_label = "Motion"
    bl_parent_id = "UNDERSTUDY_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the choices."""
        layout, settings = self.layout, properties.of(context.scene).retarget
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in ("time_offset_s", "head_reference", "gaze_target", "jaw_target", "contact"):
            layout.prop(settings, name)


class UNDERSTUDY_PT_bake_options(Step, bpy.types.Panel):
    """Where the bake goes, and how many keys it writes"""

    bl_label = "Output"
    bl_parent_id = "UNDERSTUDY_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the choices."""
        layout, own = self.layout, properties.of(context.scene).bake
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(own, "use_nla")
        row = layout.row()
        row.enabled = not own.selected_only
        row.prop(own, "replace")
        layout.prop(own, "selected_only")
        if own.selected_only:
            layout.prop(own, "head")
            wrapped(layout, "Tick what is written in the channel table.", icon="INFO")
        layout.prop(own, "reduce")
        if own.reduce:
            column = layout.column(align=True)
            column.prop(own, "tolerance")
            column.prop(own, "limit_keys")
            if own.limit_keys:
                column.prop(own, "key_share")
            column.prop(own, "bezier")
            if properties.of(context.scene).reduced:
                wrapped(layout, properties.of(context.scene).reduced + ".", icon="INFO")
