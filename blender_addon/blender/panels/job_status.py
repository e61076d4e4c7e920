# SPDX-License-Identifier: GPL-3.0-or-later
"""The top of the tab and the status bar: the running job with its progress, else the last thing that was said."""

from __future__ import annotations

from typing import Any

import bpy

from ..engine_jobs import jobs, status
from .layout import Step, wrapped

STATUS_BAR_UNITS = 17  # room for "Capture: Tracking the face 120/159, 12 min left"


class UNDERSTUDY_PT_status(Step, bpy.types.Panel):
    """What is going on"""

    bl_label = "Status"
    bl_order = 0
    bl_options = {"HIDE_HEADER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True where there is something to say."""
        state = status.of(context)
        return jobs.DESK.busy or state.running or bool(state.said)

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the running job, or the last message."""
        draw_status(self.layout, context)


def draw_status(layout: Any, context: bpy.types.Context) -> None:
    """Nothing; the running job with its progress and Cancel, else what was said last."""
    state = status.of(context)
    if jobs.DESK.busy or state.running:
        box = layout.box()
        box.progress(factor=state.fraction, text=state.title, translate=False)
        box.label(text=state.line, translate=False)
        if jobs.DESK.busy:
            row = box.row()
            row.enabled = not state.cancelling
            row.operator("understudy.cancel", icon="CANCEL")
    elif state.said:
        _draw_message(layout.box(), state)


def draw_status_bar(self: Any, context: bpy.types.Context) -> None:
    """Nothing; the running job in the status bar, from whatever workspace one looks."""
    state = status.of(context)
    if jobs.DESK.busy or state.running:
        row = self.layout.row(align=True)
        bar = row.row(align=True)
        bar.ui_units_x = STATUS_BAR_UNITS
        bar.progress(factor=state.fraction, text=f"{state.title}: {state.line}", translate=False)
        if jobs.DESK.busy:
            row.operator("understudy.cancel", text="", icon="X")


def _draw_message(box: Any, state: status.UnderstudyStatus) -> None:
    row = box.row(align=True)
    column = row.column()
    column.alert = state.is_error
    wrapped(column, state.said, icon="ERROR" if state.is_error else "INFO", beside=1)
    if state.hint:
        wrapped(column, state.hint, icon="BLANK1", beside=1)
    row.operator("understudy.dismiss", text="", icon="X", emboss=False)
    if state.detail:
        box.operator("understudy.copy_report", icon="COPYDOWN")


CLASSES: tuple[type, ...] = (UNDERSTUDY_PT_status,)
