# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 2: the capture, and the list of takes."""

from __future__ import annotations

from typing import Any

import bpy

from .. import preferences, properties
from ..capturing import take_files
from ..pictures import PICTURES
from ..translation import words
from .layout import Step, file_name, large, wrapped
from .lists import Rows, is_wide
from .performance import THUMBNAIL

STRIP_SCALE = 0.8  # of a label, so that the icons of a strip touch


class UNDERSTUDY_UL_takes(Rows, bpy.types.UIList):
    """The takes of this scene"""

    def draw_row(self, context: bpy.types.Context, layout: Any, item: Any, data: Any) -> None:
        """Nothing; one row: a picture, the name, which can be changed, how sure it is over time, the length."""
        row = layout.row(align=True)
        picture = picture_of(item)
        row.label(text="", icon_value=picture) if picture else row.label(text="", icon="FILE_TEXT")
        row.prop(item, "name", text="", emboss=False)
        if is_wide(context):
            row.prop(item, "actor", text="", emboss=False, icon="USER")
        if not take_files.is_there(item):
            row.label(text="", icon="LIBRARY_DATA_BROKEN")
            return
        row.separator(factor=0.5)
        strip = row.row(align=True)
        strip.scale_x = STRIP_SCALE
        for part in PICTURES.of_strip(item.strip):
            strip.label(text="", icon_value=part)
        row.separator(factor=0.5)
        length = row.row()
        length.alignment = "RIGHT"
        length.label(text=words("{seconds:.1f} s", seconds=item.duration_s), translate=False)


def picture_of(take: properties.UnderstudyTake) -> int:
    """The icon of the take's video, of its face where the video is not there, 0 where it has neither."""
    video = take_files.seen_video(take)
    if video:
        return PICTURES.of_video(video)
    return PICTURES.of_outline(take.outline) if take.landmarks else 0


class UNDERSTUDY_MT_takes(bpy.types.Menu):
    """What can be done with a take"""

    bl_label = "Takes"

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the commands."""
        layout = self.layout
        layout.operator("understudy.duplicate_take", icon="DUPLICATE")
        layout.operator("understudy.use_take_video", icon="FILE_MOVIE")
        layout.separator()
        layout.operator("understudy.relink_take", icon="LINKED")
        layout.operator("understudy.find_takes", icon="VIEWZOOM")
        layout.operator("understudy.adopt_takes", icon="ACTION")
        layout.separator()
        layout.operator("understudy.import_take", icon="IMPORT")
        layout.operator("understudy.export_take", icon="EXPORT")
        layout.separator()
        layout.operator("understudy.import_live_link", text="Import Live Link Face (.csv)", icon="IMPORT")
        layout.operator("understudy.export_live_link", text="Export Live Link Face (.csv)", icon="EXPORT")


class UNDERSTUDY_MT_calibration(bpy.types.Menu):
    """The range of the take's actor"""

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
    """What was captured: one take for each performance"""

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
        if take is not None and not take_files.is_there(take):
            row = layout.row()
            row.alert = True
            row.operator("understudy.relink_take", text="File Is Missing: Find It", icon="LIBRARY_DATA_BROKEN")
        elif take is not None:
            _draw_take(layout, own, take)


def _draw_take(layout: Any, own: properties.UnderstudyScene, take: properties.UnderstudyTake) -> None:
    row, picture = layout.row(), picture_of(take)
    if picture:
        row.template_icon(icon_value=picture, scale=THUMBNAIL)
    column = row.column(align=True)
    column.label(text=words("{count} frames", count=take.frames), translate=False)
    lost = words("{lost} without a face", lost=take.lost) if take.lost else words("A face on every frame")
    column.label(text=lost, translate=False)
    head = column.row(align=True)
    head.prop(take, "actor", text="", icon="USER", placeholder="Actor")
    head.menu("UNDERSTUDY_MT_calibration", text="", icon="DOWNARROW_HLT")
    calibration = own.calibrations.get(take.actor) if take.actor else None
    if calibration is not None:
        calibrated = words("Calibrated by {take}", take=calibration.take)
        layout.prop(own.retarget, "use_calibration", text=calibrated, translate=False)


class UNDERSTUDY_PT_take_files(Step, bpy.types.Panel):
    """Where the files of the takes are"""

    bl_label = "Take Files"
    bl_parent_id = "UNDERSTUDY_PT_capture"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the scene's folder, and what keeps the files together."""
        layout, own = self.layout, properties.of(context.scene)
        layout.prop(own, "takes_folder", text="", icon="FILE_FOLDER")
        take = properties.chosen_take(context.scene)
        if take is not None:
            wrapped(layout, file_name(take.filepath), icon="FILE")
        layout.operator("understudy.gather_takes", text="Gather Takes", icon="PACKAGE")
        layout.operator("understudy.find_takes", icon="VIEWZOOM")


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_UL_takes,
    UNDERSTUDY_MT_takes,
    UNDERSTUDY_MT_calibration,
    UNDERSTUDY_PT_capture,
    UNDERSTUDY_PT_take_files,
)
