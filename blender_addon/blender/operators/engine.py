# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the engine itself: install it, check it, use another one, remove it."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

from ...engine import install, pythons
from ...engine.session import Session
from .. import paths, preferences
from ..compat import BLEND_RELATIVE
from ..engine_jobs import engine_check, engine_state, jobs, status
from ..translation import said
from .base import Command, JobCommand, Result


class _Doctor(JobCommand):
    """What checking any engine has in common."""

    job_title = "Check"

    def examine(self, python: Path) -> jobs.Run:
        """The started doctor."""
        self._folder = tempfile.TemporaryDirectory(prefix="understudy-check-")
        job = Job("doctor", {}, str(Path(self._folder.name) / "doctor.json"))
        return jobs.start_engine(job, python)

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """Version, device and speed. Raises UserError("engine-incomplete") with the first thing that is wrong."""
        report = json.loads(Path(session.output).read_text(encoding="ascii"))
        self._folder.cleanup()
        engine_check.keep(context, engine_check.findings_of(report, brought_version()))
        if report["problems"]:
            message = f"The engine is incomplete: {report['problems'][0]}."
            raise UserError("engine-incomplete", message, "Install it again.")
        return engine_words(report)


class UNDERSTUDY_OT_check_engine(_Doctor, bpy.types.Operator):
    """Find out what the engine can do on this machine, and what is missing"""

    bl_idname = "understudy.check_engine"
    bl_label = "Check Engine"
    bl_options = {"REGISTER"}

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started doctor."""
        engine_state.forget()
        return self.examine(preferences.engine_python(context))


class UNDERSTUDY_OT_use_engine(_Doctor, bpy.types.Operator):
    """Use an environment of your own that has the engine; it is checked first"""

    bl_idname = "understudy.use_engine"
    bl_label = "Use an Environment"
    bl_options = {"REGISTER"}

    directory: StringProperty(
        name="Environment", description="The environment's folder", subtype="DIR_PATH", options=BLEND_RELATIVE
    )
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """RUNNING_MODAL; the file browser asks for the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started doctor of the chosen environment."""
        self._chosen = Path(bpy.path.abspath(self.directory))
        return self.examine(install.environment_python(self._chosen))

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """Version, device and speed of the engine that is used from now on; one that is incomplete is not."""
        answer = super().accept(context, session)
        own = preferences.get(context)
        if own is not None:
            own.engine_python = str(self._chosen)
            engine_check.stop()  # it was checked just now
        engine_state.forget()
        return answer


class UNDERSTUDY_OT_install_engine(JobCommand, bpy.types.Operator):
    """Make the engine's own environment (needs the network once; nothing is put into Blender's Python)"""

    bl_idname = "understudy.install_engine"
    bl_label = "Install Engine"
    bl_options = {"REGISTER"}
    job_title = "Installation"

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started installation."""
        if not preferences.may_install(context):
            hint = "Allow Online Access in the preferences (System, Network), or choose a folder of wheels."
            raise UserError("no-online-access", "Blender may not go online.", hint)
        engine_state.forget()
        own = preferences.get(context)
        device = own.device if own is not None else "CPU"
        base = pythons.usable(pythons.candidates(pythons.this_shelf()), pythons.probe)
        wheels = preferences.wheels_folder(context)
        folder = preferences.engine_folder(context)
        job = install.install_job(paths.engine_package(), folder, device=device, wheels=wheels)
        return jobs.start_installation(job, Path(base))

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """Where the engine is now; it is checked next."""
        engine_state.forget()
        engine_check.soon()
        return said("The engine is installed in {folder}.", folder=Path(session.output).parent)


class UNDERSTUDY_OT_remove_engine(Command, bpy.types.Operator):
    """Delete the engine's environment and what was downloaded for it; takes and models stay"""

    bl_idname = "understudy.remove_engine"
    bl_label = "Remove Engine"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True where something of it is there, and no job runs."""
        there = engine_state.state(context) is not engine_state.EngineState.MISSING
        return there and JobCommand.poll.__func__(cls, context)  # type: ignore[attr-defined]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """What the user answers."""
        return context.window_manager.invoke_confirm(self, event)

    def act(self, context: bpy.types.Context) -> str:
        """What was removed."""
        removed = install.remove_engine(preferences.engine_folder(context))
        engine_state.forget()
        engine_check.keep(context, [])
        if not removed:
            raise UserError("no-engine", "The extension has installed no engine.", "One of your own stays as it is.")
        return said("The engine is removed.")


class UNDERSTUDY_OT_dismiss_check(bpy.types.Operator):
    """Put what the check found out away"""

    bl_idname = "understudy.dismiss_check"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> Result:
        """FINISHED."""
        engine_check.keep(context, [])
        status.redraw(context)
        return {"FINISHED"}


def brought_version() -> str:
    """The version of the engine's package in the extension; "" where the product runs from its sources."""
    match = re.match(r"fomm_engine-([^-]+)-", paths.engine_package().name)
    return match.group(1) if match else ""


def engine_words(report: dict[str, Any]) -> str:
    """The doctor's report in one sentence."""
    text = "The engine {engine} works: torch {torch} on {device}, {speed:.3g} faces a second."
    return said(
        text,
        engine=report["engine"],
        torch=report["packages"]["torch"],
        device=report["device"]["best"],
        speed=report["speed"]["landmark_frames_per_s"],
    )


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_install_engine,
    UNDERSTUDY_OT_check_engine,
    UNDERSTUDY_OT_use_engine,
    UNDERSTUDY_OT_remove_engine,
    UNDERSTUDY_OT_dismiss_check,
)
