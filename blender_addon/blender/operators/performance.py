# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the performance: choose the video, capture it, stop what runs."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

from ...engine.session import Session
from .. import jobs, paths, performance, preferences, properties, takes
from ..compat import BLEND_RELATIVE
from .base import Command, JobCommand, Result

VIDEO_ENDINGS = "*.mp4;*.mov;*.avi;*.mkv;*.webm;*.m4v;*.mpg;*.mpeg;*.ogv"


class UNDERSTUDY_OT_import_performance(Command, bpy.types.Operator, ImportHelper):
    """Choose the video of the actor's face"""

    bl_idname = "understudy.import_performance"
    bl_label = "Choose Video"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".mp4"
    filter_glob: StringProperty(default=VIDEO_ENDINGS, options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """The video's name, size, rate and length in one sentence."""
        path = Path(bpy.path.abspath(self.filepath))
        facts = performance.choose_performance(context.scene, path)
        rate = facts.frame_rate[0] / facts.frame_rate[1]
        return f"{path.name}: {facts.width} x {facts.height}, {rate:.5g} fps, {facts.frames / rate:.1f} s"


class UNDERSTUDY_OT_capture(JobCommand, bpy.types.Operator):
    """Track the face in the video; you can go on working meanwhile"""

    bl_idname = "understudy.capture"
    bl_label = "Capture"
    bl_options = {"REGISTER"}
    job_title = "Capture"
    changes_file = True

    output: StringProperty(
        name="Take",
        description="Where the take is written; empty for the takes folder",
        subtype="FILE_PATH",
        options=BLEND_RELATIVE,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a video, and no other job running."""
        if not properties.of(context.scene).performance.filepath:
            cls.poll_message_set("Choose a performance video first")
            return False
        return super().poll(context)

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started capture."""
        video = Path(bpy.path.abspath(properties.of(context.scene).performance.filepath))
        self._scene_name, self._video = context.scene.name, str(video)
        if not video.is_file():
            raise UserError("video-missing", f"There is no file {video}.", "Choose the video again.")
        output = Path(bpy.path.abspath(self.output)) if self.output else None
        target = output or paths.free_path(preferences.takes_folder(context), video.stem, ".capture.npz")
        job = Job("capture", {"video": str(video)}, str(target))
        return jobs.start_engine(job, preferences.engine_python(context))

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """The take's length and lost frames, and what the engine wants known."""
        scene = bpy.data.scenes.get(self._scene_name) or context.scene
        take = takes.add_take(scene, Path(session.output), video=self._video, sha256=session.sha256)
        lost = f", {take.lost} without a face" if take.lost else ""
        warned = "".join(f" {message}" for _, message in session.warnings)
        return f"Captured {take.frames} frames{lost}.{warned}"


class UNDERSTUDY_OT_cancel(bpy.types.Operator):
    """Stop the job that is running"""

    bl_idname = "understudy.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True while a job runs."""
        return jobs.DESK.busy

    def execute(self, context: bpy.types.Context) -> Result:
        """FINISHED; the job stops within seconds, whatever it is doing."""
        return {"FINISHED"} if jobs.DESK.cancel() else {"CANCELLED"}
