# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 6: the shot."""

from __future__ import annotations

import bpy

from .. import properties
from .layout import Step, as_fields, large


class UNDERSTUDY_PT_render(Step, bpy.types.Panel):
    """Step 6: the shot."""

    bl_label = "6  Render"
    bl_order = 6

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; how the shot is rendered, and the buttons."""
        layout, own = self.layout, properties.of(context.scene).render
        as_fields(layout)
        layout.prop(own, "engine")
        column = layout.column(align=True)
        column.prop(own, "width")
        column.prop(own, "height")
        row = layout.row()
        row.active = own.engine != "WORKBENCH"
        row.prop(own, "samples")
        layout.prop(own, "format")
        layout.prop(own, "output")
        row = layout.row(align=True)
        row.operator("understudy.render_setup", icon="OUTLINER_OB_CAMERA")
        row.operator("understudy.remove_shot", text="", icon="X")
        row = large(layout).row(align=True)
        row.operator("understudy.render", text="Still", icon="RENDER_STILL").still = True
        row.operator("understudy.render", text="Render", icon="RENDER_ANIMATION").still = False


class UNDERSTUDY_PT_shot(Step, bpy.types.Panel):
    """What setting up the shot may change."""

    bl_label = "What Is Set Up"
    bl_parent_id = "UNDERSTUDY_PT_render"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the choices."""
        layout, own = self.layout, properties.of(context.scene).render
        as_fields(layout)
        for name in ("use_camera", "use_light", "use_output"):
            layout.prop(own, name)
