# SPDX-License-Identifier: GPL-3.0-or-later
"""The running job with its progress, and the last thing that was said."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs, status
from .layout import wrapped


def draw_status(layout: Any, context: bpy.types.Context) -> None:
    """Nothing; the running job with its progress and Cancel, else what was said last."""
    state = status.of(context)
    if jobs.DESK.busy:
        box = layout.box()
        box.progress(factor=state.fraction, text=state.title)
        box.label(text=state.line)
        row = box.row()
        row.enabled = not state.cancelling
        row.operator("understudy.cancel", icon="CANCEL")
    elif state.said:
        box = layout.box()
        box.alert = state.is_error
        wrapped(box, state.said, icon="ERROR" if state.is_error else "INFO")
        if state.hint:
            wrapped(box, state.hint, icon="BLANK1")


def draw_status_bar(self: Any, context: bpy.types.Context) -> None:
    """Nothing; the running job in the status bar, from whatever workspace one looks."""
    if jobs.DESK.busy:
        state = status.of(context)
        row = self.layout.row(align=True)
        row.progress(factor=state.fraction, text=f"{state.title}: {state.line}")
        row.operator("understudy.cancel", text="", icon="X")
