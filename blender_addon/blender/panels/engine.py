# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the first step: the engine, as long as something about it is to be done or read."""

from __future__ import annotations

from typing import Any

import bpy

from ...engine.builds import BUILDS, runnable, size_words, this_machine
from .. import paths, preferences
from ..engine_jobs import engine_check, engine_state, jobs
from ..engine_jobs.engine_state import EngineState
from ..translation import words
from .layout import Step, as_fields, large, wrapped

_SUITED = runnable(this_machine())
_STATE_WORDS = {
    EngineState.MISSING: "The engine that tracks faces is not installed yet.",
    EngineState.BEGUN: "The engine is installed in part; what is downloaded is kept.",
    EngineState.OLD: "The extension brings a newer engine.",
    EngineState.BROKEN: "The engine's Python is gone.",
    EngineState.READY: "The engine is installed.",
    EngineState.CHOSEN: "An engine of your own is used.",
}
_INSTALL_WORDS = {EngineState.BEGUN: "Go On Installing", EngineState.OLD: "Update Engine"}


class UNDERSTUDY_PT_engine(Step, bpy.types.Panel):
    """The engine that tracks faces, which is installed once"""

    bl_label = "Engine"
    bl_order = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True where there is no engine that is up to date, and where a check has something to say."""
        well = engine_state.state(context) in (EngineState.READY, EngineState.CHOSEN)
        return not well or bool(engine_check.of(context).findings)

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; what is missing and the button that mends it, or what the check found."""
        layout = self.layout
        draw_state(layout, context)
        state = engine_state.state(context)
        if not jobs.DESK.busy and state not in (EngineState.READY, EngineState.CHOSEN):
            if state is not EngineState.OLD:
                draw_build(layout, context)
            draw_install(layout, context)
            layout.operator("preferences.addon_show", text="More Choices", icon="PREFERENCES").module = paths.PACKAGE
        draw_findings(layout, context)


def draw_state(layout: Any, context: bpy.types.Context) -> None:
    """Nothing; one sentence about the engine."""
    state = engine_state.state(context)
    wrapped(layout, _STATE_WORDS[state], icon="CHECKMARK" if state.works else "INFO")


def draw_build(layout: Any, context: bpy.types.Context) -> None:
    """Nothing; which build, how large it is, and whether it suits this machine."""
    own = preferences.get(context)
    if own is None:
        return
    row = layout.row()
    as_fields(row)
    row.prop(own, "device")
    build = BUILDS[own.device]
    wrapped(layout, words("About {size} to download", size=size_words(build.download_bytes)), icon="BLANK1")
    wrapped(layout, words("About {size} on the disk", size=size_words(build.disk_bytes)), icon="BLANK1")
    if own.device not in _SUITED and own.device != "CPU":
        wrapped(layout, "This machine has no such graphics processor.", icon="ERROR")


def draw_install(layout: Any, context: bpy.types.Context) -> None:
    """Nothing; the button, and what stands in its way."""
    may = preferences.may_install(context)
    column = large(layout)
    column.enabled = may
    text = _INSTALL_WORDS.get(engine_state.state(context), "Install Engine")
    column.operator("understudy.install_engine", text=words(text), translate=False, icon="IMPORT")
    if not may:
        draw_offline(layout)


def draw_offline(layout: Any) -> None:
    """Nothing; that Blender may not go online, and the way to the preference that allows it."""
    if bpy.app.online_access_override:
        wrapped(layout, "Blender was started in offline mode, so nothing can be downloaded.", icon="ERROR")
        return
    wrapped(layout, "Blender may not go online: allow Online Access in the preferences, System.", icon="ERROR")
    layout.operator("extensions.userpref_show_online", text="Show the Preference", icon="PREFERENCES")


def draw_findings(layout: Any, context: bpy.types.Context) -> None:
    """Nothing; what the last check found out."""
    found = engine_check.of(context).findings
    if not found:
        return
    box = layout.box()
    row = box.row(align=True)
    row.label(text="The Last Check")
    row.operator("understudy.dismiss_check", text="", icon="X", emboss=False)
    for finding in found:
        column = box.column()
        column.alert = finding.kind == engine_check.WRONG
        wrapped(column, finding.text, icon=engine_check.ICONS[finding.kind])


CLASSES: tuple[type, ...] = (UNDERSTUDY_PT_engine,)
