# SPDX-License-Identifier: GPL-3.0-or-later
"""The splice: a second take that leads some regions of the face."""

from __future__ import annotations

import bpy

from .. import properties
from .layout import Step, as_fields, wrapped


class UNDERSTUDY_PT_splice(Step, bpy.types.Panel):
    """Let a second take lead some regions of the face"""

    bl_label = "Splice Two Takes"
    bl_parent_id = "UNDERSTUDY_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        """Nothing; the switch."""
        self.layout.prop(properties.of(context.scene).splice, "use", text="")

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the other take, its regions, its frames."""
        layout, scene = self.layout, properties.of(context.scene)
        own = scene.splice
        if len(scene.takes) < 2:
            wrapped(layout, "Capture or import a second take first.", icon="INFO")
            return
        layout.active = own.use
        layout.prop_search(own, "take", scene, "takes", text="", icon="REC")
        layout.label(text="It leads:")
        layout.grid_flow(columns=3, even_columns=True, align=True).prop(own, "regions")
        column = layout.column()
        as_fields(column)
        column.prop(own, "offset_s")
        column.prop(own, "use_range")
        if own.use_range:
            frames = column.column(align=True)
            frames.prop(own, "first")
            frames.prop(own, "last")
            frames.prop(own, "blend_s")
