# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the performance: choose the video, choose its part, capture it, stop what runs."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

from ...engine.session import Session
from .. import paths, preferences, properties
from ..baking import retarget_settings
from ..capturing import performance, take_files, takes
from ..capturing.placing import places, step
from ..compat import BLEND_RELATIVE
from ..engine_jobs import jobs, unfinished
from ..translation import said, words
from .base import Command, JobCommand, Result
from .dropping import Droppable, Dropped


class VideoCommand(Command):
    """Base of the commands that need a performance video."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True where a video is chosen."""
        if not properties.of(context.scene).performance.filepath:
            cls.poll_message_set(words("Choose a performance video first"))  # type: ignore[attr-defined]
            return False
        return True


class UNDERSTUDY_OT_import_performance(Command, bpy.types.Operator, Droppable):
    """Choose the video of the actor's face; it can also be dropped on this panel or into the 3D view"""

    bl_idname = "understudy.import_performance"
    bl_label = "Choose Performance Video"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".mp4"
    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in performance.ENDINGS), options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """The video's name, size, rate and length in one sentence."""
        scene, path = context.scene, Path(bpy.path.abspath(self.filepath))
        facts = performance.choose_performance(scene, path)
        if places.placed(scene):
            places.follow(scene)
        return said(
            "{name}: {width} x {height}, {rate} fps, {seconds:.1f} s",
            name=path.name,
            width=facts.width,
            height=facts.height,
            rate=f"{facts.average_fps:.5g}",
            seconds=facts.duration_s,
        )


class UNDERSTUDY_FH_performance(Dropped, bpy.types.FileHandler):
    """A video that is dropped into Blender"""

    bl_idname = "UNDERSTUDY_FH_performance"
    bl_label = "Understudy Performance"
    bl_import_operator = "understudy.import_performance"
    bl_file_extensions = ";".join(performance.ENDINGS)


class UNDERSTUDY_OT_trim_at_playhead(VideoCommand, bpy.types.Operator):
    """Begin or end the part that is captured at the picture that the scene shows now"""

    bl_idname = "understudy.trim_at_playhead"
    bl_label = "Trim at Playhead"
    bl_options = {"REGISTER", "UNDO"}

    side: EnumProperty(
        name="Side",
        description="Which end is set",
        items=(("IN", "In", "The part begins here"), ("OUT", "Out", "The part ends here")),
    )

    def act(self, context: bpy.types.Context) -> str:
        """Which part is captured now."""
        scene, own = context.scene, properties.of(context.scene).performance
        shown = step.shown(scene)
        picture = shown.picture_at(scene.frame_current, step.fps_of(scene)) + 1
        if self.side == "IN":
            own.trim_in = picture
        else:
            own.trim_out = picture
        if self.side == "IN" and step.take_of(scene, shown.path) is None:
            scene.frame_set(properties.of(scene).retarget.start_frame)  # where that picture stands from now on
        return said("Frames {first} to {last} are captured.", first=own.trim_in, last=own.trim_out)


class UNDERSTUDY_OT_reset_trim(VideoCommand, bpy.types.Operator):
    """Capture the whole video"""

    bl_idname = "understudy.reset_trim"
    bl_label = "Whole Video"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """How many frames are captured."""
        own = properties.of(context.scene).performance
        own.trim_out, own.trim_in = own.frames, 1
        return said("All {count} frames are captured.", count=own.frames)


class UNDERSTUDY_OT_match_frame_rate(VideoCommand, bpy.types.Operator):
    """Let the scene run at the video's own frame rate"""

    bl_idname = "understudy.match_frame_rate"
    bl_label = "Use the Video's Frame Rate"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """The scene's frame rate."""
        own = properties.of(context.scene).performance
        retarget_settings.set_scene_rate(context.scene, (own.rate_num, own.rate_den))
        return said("The scene runs at {rate} fps.", rate=f"{own.rate_num / own.rate_den:.5g}")


class CaptureCommand(JobCommand):
    """Base of the commands that capture: how one begins, and what it says when it has ended."""

    job_title = "Capture"
    changes_file = True

    def begin(self, context: bpy.types.Context, job: Job) -> jobs.Run:
        """The started capture."""
        self._scene_name, self._job = context.scene.name, job
        unfinished.OFFERS.forget()
        return jobs.start_engine(job, preferences.engine_python(context))

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """The take's length and lost frames, and what the engine wants known."""
        unfinished.OFFERS.forget()
        scene = bpy.data.scenes.get(self._scene_name) or context.scene
        take = takes.add_take(scene, Path(session.output), video=self._job.input["video"], sha256=session.sha256)
        lost = (
            said("Captured {count} frames, {lost} without a face.", count=take.frames, lost=take.lost)
            if take.lost
            else said("Captured {count} frames.", count=take.frames)
        )
        return " ".join([lost, *(message for _, message in session.warnings)])

    def stopped(self, context: bpy.types.Context) -> str:
        """Whether anything of the stopped capture is kept."""
        unfinished.OFFERS.forget()
        if any(left.job.output == self._job.output for left in unfinished.OFFERS.of(context.scene)):
            return "Capture was stopped; what was tracked is kept, and Continue Capture goes on from there."
        return super().stopped(context)


class UNDERSTUDY_OT_capture(CaptureCommand, bpy.types.Operator):
    """Track the face in the video; you can go on working meanwhile"""

    bl_idname = "understudy.capture"
    bl_label = "Capture"
    bl_options = {"REGISTER"}

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
            cls.poll_message_set(words("Choose a performance video first"))
            return False
        return super().poll(context)

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started capture of the part that is chosen."""
        own = properties.of(context.scene).performance
        video = Path(bpy.path.abspath(own.filepath))
        if not video.is_file():
            raise UserError("video-missing", f"There is no file {video}.", "Choose the video again.")
        output = Path(bpy.path.abspath(self.output)) if self.output else None
        target = output or paths.free_path(take_files.folder_of(context.scene), video.stem, ".capture.npz")
        return self.begin(context, Job("capture", {"video": str(video)}, str(target), performance.trim_options(own)))


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


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_import_performance,
    UNDERSTUDY_FH_performance,
    UNDERSTUDY_OT_trim_at_playhead,
    UNDERSTUDY_OT_reset_trim,
    UNDERSTUDY_OT_match_frame_rate,
    UNDERSTUDY_OT_capture,
    UNDERSTUDY_OT_cancel,
)
