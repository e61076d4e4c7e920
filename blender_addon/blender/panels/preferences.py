# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences' page: the engine with everything that can be chosen about it, and the user's folders."""

from __future__ import annotations

from typing import Any

import bpy

from .. import preferences
from ..engine_jobs import engine_state, jobs, status
from .engine import draw_build, draw_findings, draw_install, draw_state
from .layout import as_fields, wrapped


def draw_preferences(layout: Any, context: bpy.types.Context) -> None:
    """Nothing; the page of the add-on's preferences."""
    own = preferences.get(context)
    if own is None:
        return
    as_fields(layout)
    _draw_engine(own, layout.box(), context)
    _draw_folders(own, layout.box())


def _draw_engine(own: Any, box: Any, context: bpy.types.Context) -> None:
    draw_state(box, context)
    if jobs.DESK.busy:
        state = status.of(context)
        box.progress(factor=state.fraction, text=f"{state.title}: {state.line}", translate=False)
        box.operator("understudy.cancel", icon="CANCEL")
        return
    if not own.engine_python:
        draw_build(box, context)
        box.prop(own, "engine_folder")
        box.prop(own, "wheels_folder")
        draw_install(box, context)
    row = box.row()
    row.prop(own, "engine_python", text="Or Use")
    row.operator("understudy.use_engine", text="", icon="FILEBROWSER")
    row = box.row()
    row.operator("understudy.check_engine", icon="VIEWZOOM")
    if engine_state.state(context) is not engine_state.EngineState.MISSING:
        row.operator("understudy.remove_engine", icon="TRASH")
    _draw_said(box, context)
    draw_findings(box, context)


def _draw_said(box: Any, context: bpy.types.Context) -> None:
    state = status.of(context)
    if state.said and state.is_error:
        column = box.column()
        column.alert = True
        wrapped(column, state.said, icon="ERROR")
        wrapped(column, state.hint, icon="BLANK1")


def _draw_folders(own: Any, box: Any) -> None:
    box.prop(own, "takes_folder")
    box.prop(own, "models_folder")
    box.label(text="Folders in the galleries of portraits and driving videos", icon="IMAGE_REFERENCE")
    for number, folder in enumerate(own.gallery_folders):
        row = box.row(align=True)
        row.prop(folder, "path", text="")
        row.operator("understudy.remove_gallery_folder", text="", icon="X").index = number
    box.operator("understudy.add_gallery_folder", icon="ADD")
