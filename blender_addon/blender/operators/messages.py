# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for what the tab says: put a message away, copy the report of an error."""

from __future__ import annotations

import bpy

from ..engine_jobs import status


class UNDERSTUDY_OT_dismiss(bpy.types.Operator):
    """Put this message away"""

    bl_idname = "understudy.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """FINISHED."""
        status.say(status.of(context), "")
        status.redraw(context)
        return {"FINISHED"}


class UNDERSTUDY_OT_copy_report(bpy.types.Operator):
    """Copy what is known of this error, to be pasted into a bug report"""

    bl_idname = "understudy.copy_report"
    bl_label = "Copy Report"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """FINISHED; the clipboard holds message and trace."""
        state = status.of(context)
        context.window_manager.clipboard = f"{state.said}\n{state.hint}\n\n{state.detail}"
        return {"FINISHED"}


CLASSES: tuple[type, ...] = (UNDERSTUDY_OT_dismiss, UNDERSTUDY_OT_copy_report)
