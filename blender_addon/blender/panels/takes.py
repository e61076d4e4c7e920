# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 2: the capture, and the list of takes."""

from __future__ import annotations

from typing import Any

import bpy

from .. import preferences, properties, takes
from .layout import Step, large
from .lists import Rows


class UNDERSTUDY_UL_takes(Rows, bpy.types.UIList):
    """The takes of this scene."""

    def draw_row(self, context: bpy.types.Context, layout: Any, item: Any, data: Any) -> None:
        """Nothing; one row: the name, which can be changed, the length, and a sign where frames were lost."""
        row = layout.row(align=True)
        row.prop(item, "name", text="", emboss=False, icon="REC" if item.landmarks else "FILE_TEXT")
        if item.lost:
            row.label(text="", icon="ERROR")
        length = row.row()
        length.alignment = "RIGHT"
        length.label(text=f"{item.duration_s:.1f} s")


class UNDERSTUDY_MT_takes(bpy.types.Menu):
    """What can be done with a take."""

    bl_label = "Takes"

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the commands."""
        layout = self.layout
        layout.operator("understudy.duplicate_take", icon="DUPLICATE")
        layout.operator("understudy.relink_take", icon="LINKED")
        layout.separator()
        layout.operator("understudy.import_take", icon="IMPORT")
        layout.operator("understudy.export_take", icon="EXPORT")
        layout.separator()
        layout.operator("understudy.import_live_link", text="Import Live Link Face (.csv)", icon="IMPORT")
        layout.operator("understudy.export_live_link", text="Export Live Link Face (.csv)", icon="EXPORT")


class UNDERSTUDY_MT_calibration(bpy.types.Menu):
    """The range of the take's actor."""

    bl_label = "Actor"

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the commands."""
        layout = self.layout
        layout.operator("understudy.calibrate_actor", icon="FULLSCREEN_ENTER")
        layout.operator("understudy.remove_calibration", icon="X")
        layout.separator()
        layout.operator("understudy.import_calibration", icon="IMPORT")
        layout.operator("understudy.export_calibration", icon="EXPORT")


class UNDERSTUDY_PT_capture(Step, bpy.types.Panel):
    """Step 2: the engine tracks the face; takes."""

    bl_label = "2  Takes"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the button and the list of takes."""
        layout, own = self.layout, properties.of(context.scene)
        if preferences.has_engine(context):
            large(layout).operator("understudy.capture", icon="REC")
        row = layout.row()
        row.template_list("UNDERSTUDY_UL_takes", "", own, "takes", own, "take_index", rows=3)
        column = row.column(align=True)
        column.operator("understudy.import_take", text="", icon="ADD")
        column.operator("understudy.remove_take", text="", icon="REMOVE")
        column.menu("UNDERSTUDY_MT_takes", text="", icon="DOWNARROW_HLT")
        take = properties.chosen_take(context.scene)
        if take is not None and not takes.is_there(take):
            row = layout.row()
            row.alert = True
            row.operator("understudy.relink_take", text="File Is Missing: Find It", icon="LIBRARY_DATA_BROKEN")
        elif take is not None:
            lost = f"{take.lost} without a face" if take.lost else "a face on every frame"
            layout.label(text=f"{take.frames} frames, {lost}")
            row = layout.row(align=True)
            row.prop(take, "actor", icon="USER")
            row.menu("UNDERSTUDY_MT_calibration", text="", icon="DOWNARROW_HLT")
            calibration = own.calibrations.get(take.actor) if take.actor else None
            if calibration is not None:
                row = layout.row()
                row.prop(own.retarget, "use_calibration", text=f"Calibrated by {calibration.take}")
