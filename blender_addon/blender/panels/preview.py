# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 4: the take live on the character, and how its motion is taken over."""

from __future__ import annotations

from typing import Any

import bpy

from .. import properties
from ..preview.live import LIVE
from .layout import Step, as_fields, large, wrapped
from .report import UNDERSTUDY_PT_report


class UNDERSTUDY_PT_preview(Step, bpy.types.Panel):
    """See the take on the character before anything is written, and tune how it acts"""

    bl_label = "4  Preview"
    bl_order = 4

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the switch, and the settings that matter."""
        layout, own = self.layout, properties.of(context.scene)
        as_fields(layout)
        _draw_switch(layout, context)
        layout.prop(own.performance, "show_landmarks")
        column = layout.column(align=True)
        column.prop(own.retarget, "gain")
        column.prop(own.retarget, "smoothing")
        column.prop(own.retarget, "neck_share")
        layout.prop(own.retarget, "mirror")


def _draw_switch(layout: Any, context: bpy.types.Context) -> None:
    """Nothing; the preview's switch, and how it stands."""
    session = LIVE.session_of(properties.of(context.scene).performer)
    is_on = session is not None
    large(layout).operator("understudy.preview", icon="HIDE_OFF" if is_on else "HIDE_ON", depress=is_on)
    if session is None:
        return
    if session.failure:
        wrapped(layout, session.failure, icon="ERROR")
    elif session.solver.busy or session.player is None:
        layout.label(text="Working out the motion", icon="TIME")


class UNDERSTUDY_PT_neutral(Step, bpy.types.Panel):
    """The frame on which the actor is at rest"""

    bl_label = "Neutral Frame"
    bl_parent_id = "UNDERSTUDY_PT_preview"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the frame, why it was taken, and the buttons."""
        layout, settings = self.layout, properties.of(context.scene).retarget
        as_fields(layout)
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
    bl_parent_id = "UNDERSTUDY_PT_preview"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the choices."""
        layout, settings = self.layout, properties.of(context.scene).retarget
        as_fields(layout)
        for name in ("time_offset_s", "bridge_s", "head_reference", "gaze_target", "jaw_target", "contact"):
            layout.prop(settings, name)


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_PT_preview,
    UNDERSTUDY_PT_report,
    UNDERSTUDY_PT_neutral,
    UNDERSTUDY_PT_motion,
)
