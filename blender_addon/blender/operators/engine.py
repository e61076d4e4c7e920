# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the engine itself: check it, install it."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import bpy

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

from ...engine import install
from ...engine.session import Session
from .. import jobs, paths, preferences
from .base import JobCommand


class UNDERSTUDY_OT_check_engine(JobCommand, bpy.types.Operator):
    """Find out what the engine can do on this machine, and what is missing"""

    bl_idname = "understudy.check_engine"
    bl_label = "Check Engine"
    bl_options = {"REGISTER"}
    job_title = "Check"

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started doctor."""
        self._folder = tempfile.TemporaryDirectory(prefix="understudy-check-")
        job = Job("doctor", {}, str(Path(self._folder.name) / "doctor.json"))
        return jobs.start_engine(job, preferences.engine_python(context))

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """Version, device and speed, or the problems."""
        report = json.loads(Path(session.output).read_text(encoding="ascii"))
        self._folder.cleanup()
        if report["problems"]:
            message = f"The engine is incomplete: {report['problems'][0]}."
            raise UserError("engine-incomplete", message, "Install it again.")
        return engine_words(report)


class UNDERSTUDY_OT_install_engine(JobCommand, bpy.types.Operator):
    """Make the engine's own environment (needs the network once; nothing is put into Blender's Python)"""

    bl_idname = "understudy.install_engine"
    bl_label = "Install Engine"
    bl_options = {"REGISTER"}
    job_title = "Installation"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True where Blender may go online and no other job runs."""
        if not bpy.app.online_access:
            cls.poll_message_set("Allow Online Access in the preferences (System, Network)")
            return False
        return super().poll(context)

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started installation."""
        own = preferences.get(context)
        device = own.device if own is not None else "CPU"
        folder = preferences.engine_folder(context)
        install.require_room(folder, device)
        candidates = install.candidate_pythons(install.own_python())
        base = install.usable_python(candidates, install.probe_python)
        plan = install.make_plan(base, folder, paths.engine_package(), device=device)
        return install.InstallRun(plan, time.monotonic(), times=jobs.DESK.times)

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """Where the engine is now."""
        return f"The engine is installed in {Path(session.output).parents[1]}."


def engine_words(report: dict[str, Any]) -> str:
    """The doctor's report in one sentence."""
    speed = report["speed"]["landmark_frames_per_s"]
    torch, device = report["packages"]["torch"], report["device"]["best"]
    return f"The engine {report['engine']} works: torch {torch} on {device}, {speed:.3g} faces a second."
