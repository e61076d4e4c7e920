# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the shot: set it up, take it away, render it."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty

from fomm_engine.wire.errors import Cancelled

from ...engine.session import Phase, Session
from .. import properties
from ..characters import character
from ..engine_jobs import jobs
from ..preview.live import LIVE
from ..shot import render_setup, render_watch, rendering, stage
from ..translation import said, words
from .base import Command, Result


class UNDERSTUDY_OT_render_setup(Command, bpy.types.Operator):
    """Frame the head, light it, and set range, size and output; what you have set yourself is kept"""

    bl_idname = "understudy.render_setup"
    bl_label = "Set Up Shot"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """What was set up, and what was kept."""
        return render_setup.set_up_render(context.scene)


class UNDERSTUDY_OT_remove_shot(Command, bpy.types.Operator):
    """Take the shot's camera and lights away, and give the scene its own camera and settings back"""

    bl_idname = "understudy.remove_shot"
    bl_label = "Remove Shot"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a shot."""
        own = properties.of(context.scene).render
        return bool(own.before) or stage.collection_of(context.scene) is not None

    def act(self, context: bpy.types.Context) -> str:
        """What is gone."""
        return render_setup.remove_shot(context.scene)


class UNDERSTUDY_OT_render(Command, bpy.types.Operator):
    """Render the shot; sets it up first where that was not done yet"""

    bl_idname = "understudy.render"
    bl_label = "Render"
    bl_options = {"REGISTER"}

    still: BoolProperty(name="Only This Frame", description="Render the current frame as one PNG", default=False)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a camera, or a character for which one can be placed, while nothing is rendered."""
        if bpy.app.is_job_running("RENDER"):
            cls.poll_message_set(words("A render is running: Esc in its window, or the X in the status bar, stops it"))
            return False
        if context.scene.camera is None and not character.is_chosen(context.scene):
            cls.poll_message_set(words("The scene has neither a camera nor a character"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Result:
        """FINISHED when it is rendered (no windows), or RUNNING_MODAL in Blender's own render window."""
        try:
            if bpy.app.background:
                return super().execute(context)
            return self.behind_door(context, lambda: self._in_window(context))
        except Cancelled:
            return {"CANCELLED"}

    def act(self, context: bpy.types.Context) -> str:
        """Where the frames or the film are."""
        scene = context.scene
        self._prepare(scene)
        if self.still:
            return said("Rendered {path}.", path=rendering.render_still(scene))
        if properties.of(scene).render.format == "MP4":
            return said("Rendered {path}.", path=rendering.render_film(scene, tell))
        written = rendering.render_stills(scene, tell, jobs.DESK.stop_asked)
        return said("Rendered {count} frames to {folder}.", count=len(written), folder=written[0].parent)

    def _prepare(self, scene: bpy.types.Scene) -> None:
        if scene.camera is None:
            render_setup.set_up_render(scene)
        LIVE.end_all()

    def _in_window(self, context: bpy.types.Context) -> Result:
        """Blender's own render, which shows its progress and is stopped with Esc; `render_watch` tells how it ended."""
        properties.ensure(context.scene)
        self._prepare(context.scene)
        rendering.require_folder(context.scene)
        render_watch.watch(context.scene, still=self.still)
        result = bpy.ops.render.render("INVOKE_DEFAULT", animation=not self.still)
        if "CANCELLED" in result:
            render_watch.forget()
        return {"FINISHED"}


def tell(done: int, total: int) -> None:
    """Nothing; passes the progress on to a listening pipeline."""
    if jobs.DESK.listener is not None:
        session = Session(0.0, phase=Phase.RUNNING, stage="render", current=done, total=total)
        jobs.DESK.listener("Render", session)


CLASSES: tuple[type, ...] = (UNDERSTUDY_OT_render_setup, UNDERSTUDY_OT_remove_shot, UNDERSTUDY_OT_render)
