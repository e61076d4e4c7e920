# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 4: the take becomes keys."""

from __future__ import annotations

import bpy

from .. import properties
from .layout import Step, large, wrapped


class UNDERSTUDY_PT_bake(Step, bpy.types.Panel):
    """Step 4: the take becomes keys."""

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
        layout.prop(settings, "auto_neutral", text="Find Neutral")
        row = layout.row()
        row.enabled = not settings.auto_neutral
        row.prop(settings, "neutral_frame")
        large(layout).operator("understudy.bake", icon="KEY_HLT")
        if own.baked:
            wrapped(layout, f"Baked frames {own.baked_first} to {own.baked_last}.", icon="CHECKMARK")
        for note in own.notes.splitlines():
            wrapped(layout, note, icon="INFO")


class UNDERSTUDY_PT_regions(Step, bpy.types.Panel):
    """The finer settings of the bake."""

    bl_label = "Fine Tuning"
    bl_parent_id = "UNDERSTUDY_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; choices, then gain and smoothing for every region."""
        layout, settings = self.layout, properties.of(context.scene).retarget
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for name in ("head_reference", "gaze_target", "jaw_target", "mirror", "contact"):
            column.prop(settings, name)
        grid = layout.column(align=True)
        header = grid.row()
        header.label(text="Region")
        header.label(text="Gain")
        header.label(text="Smoothing")
        for region in settings.regions:
            row = grid.row(align=True)
            row.label(text=region.name.capitalize())
            row.prop(region, "gain", text="")
            row.prop(region, "smoothing", text="")
