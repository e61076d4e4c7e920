# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's animated portrait, beside the five steps."""

from __future__ import annotations

import bpy

from .. import properties
from .layout import Step, file_name, large


class UNDERSTUDY_PT_portrait(Step, bpy.types.Panel):
    """The engine's animated portrait, beside the five steps."""

    bl_label = "Portrait"
    bl_order = 6
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the picture, how its motion is taken over, and the button."""
        layout, own = self.layout, properties.of(context.scene).portrait
        row = layout.row(align=True)
        row.label(text=file_name(own.source) or "No portrait chosen", icon="IMAGE_DATA")
        row.operator("understudy.choose_portrait", text="", icon="FILEBROWSER")
        layout.prop(own, "relative")
        layout.prop(own, "adapt_scale")
        large(layout).operator("understudy.animate_portrait", icon="PLAY")
        if own.result:
            layout.label(text=file_name(own.result), icon="CHECKMARK")
