# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the shot: set it up, render it."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty

from fomm_engine.wire.errors import Cancelled

from ...engine.session import Phase, Session
from .. import jobs, properties, render_setup, rendering
from .base import Command, Result


class UNDERSTUDY_OT_render_setup(Command, bpy.types.Operator):
    """Set range, engine, size and output; add a camera and a light where there are none"""

    bl_idname = "understudy.render_setup"
    bl_label = "Set Up Shot"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """What was set up."""
        return render_setup.set_up_render(context.scene)


class UNDERSTUDY_OT_render(Command, bpy.types.Operator):
    """Render the shot"""

    bl_idname = "understudy.render"
    bl_label = "Render"
    bl_options = {"REGISTER"}

    still: BoolProperty(name="Only This Frame", description="Render the current frame to look at", default=False)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a camera."""
        if context.scene.camera is None:
            cls.poll_message_set("Set up the shot first: the scene has no camera")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Result:
        """FINISHED when it is rendered (no windows), or handed to Blender's own render window."""
        if not bpy.app.background:
            return bpy.ops.render.render("INVOKE_DEFAULT", animation=not self.still)
        try:
            return super().execute(context)
        except Cancelled:
            return {"CANCELLED"}

    def act(self, context: bpy.types.Context) -> str:
        """Where the frames or the film are."""
        scene = context.scene
        if properties.of(scene).render.format == "MP4":
            return f"Rendered {rendering.render_film(scene, tell)}."
        written = rendering.render_stills(scene, tell, jobs.DESK.stop_asked)
        return f"Rendered {len(written)} frames to {written[0].parent}."


def tell(done: int, total: int) -> None:
    """Nothing; passes the progress on to a listening pipeline."""
    if jobs.DESK.listener is not None:
        session = Session(0.0, phase=Phase.RUNNING, stage="render", current=done, total=total)
        jobs.DESK.listener("Render", session)
