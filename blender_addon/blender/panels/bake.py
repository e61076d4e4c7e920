# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 5: the take becomes keys."""

from __future__ import annotations

import bpy

from .. import compat, properties
from ..translation import words
from .layout import Step, as_fields, large, wrapped


class UNDERSTUDY_PT_bake(Step, bpy.types.Panel):
    """The take becomes keys"""

    bl_label = "5  Bake"
    bl_order = 5

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the settings that matter, the button, and what came of it."""
        layout, own = self.layout, properties.of(context.scene)
        as_fields(layout)
        layout.prop(own.retarget, "start_frame")
        row = large(layout).row(align=True)
        row.operator("understudy.bake", icon="KEY_HLT").all = False
        if len(properties.of(context.scene).performers) > 1:
            row.operator("understudy.bake", text="Bake All", icon="COMMUNITY").all = True
        if own.baked:
            text = words("Baked frames {first} to {last}.", first=own.baked_first, last=own.baked_last)
            wrapped(layout, text, icon="CHECKMARK")
        for note in own.notes.splitlines():
            wrapped(layout, note, icon="INFO")


class UNDERSTUDY_PT_bake_options(Step, bpy.types.Panel):
    """Where the bake goes, and how many keys it writes"""

    bl_label = "Output"
    bl_parent_id = "UNDERSTUDY_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the choices."""
        layout, own = self.layout, properties.of(context.scene).bake
        as_fields(layout)
        layout.prop(own, "use_nla")
        if compat.LAYERED_ACTIONS:
            layout.prop(own, "one_action")
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


CLASSES: tuple[type, ...] = (UNDERSTUDY_PT_bake, UNDERSTUDY_PT_bake_options)
