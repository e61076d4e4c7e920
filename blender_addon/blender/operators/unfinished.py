# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for a capture that did not come to its end: go on with it, or let it go."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from fomm_engine.wire.unfinished import discard

from ..engine_jobs import jobs, unfinished
from ..translation import said
from .base import Command
from .performance import CaptureCommand


class UNDERSTUDY_OT_continue_capture(CaptureCommand, bpy.types.Operator):
    """Go on with the capture where it stopped; nothing that was tracked is tracked again"""

    bl_idname = "understudy.continue_capture"
    bl_label = "Continue Capture"
    bl_options = {"REGISTER"}

    folder: StringProperty(
        name="Folder", description="Where its parts lie; empty for the newest", subtype="DIR_PATH", options={"HIDDEN"}
    )

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The capture, started again."""
        return self.begin(context, unfinished.require(context.scene, self.folder).job)


class UNDERSTUDY_OT_discard_capture(Command, bpy.types.Operator):
    """Remove what is kept of a capture that did not come to its end"""

    bl_idname = "understudy.discard_capture"
    bl_label = "Discard Unfinished Capture"
    bl_options = {"REGISTER"}

    folder: StringProperty(
        name="Folder", description="Where its parts lie; empty for the newest", subtype="DIR_PATH", options={"HIDDEN"}
    )

    def act(self, context: bpy.types.Context) -> str:
        """What was removed."""
        left = unfinished.require(context.scene, self.folder)
        discard(left.folder)
        unfinished.OFFERS.forget()
        return said("What was tracked of {name} is removed.", name=unfinished.video_name(left))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """As execute, once the user has confirmed: minutes of tracking may be lost."""
        return context.window_manager.invoke_confirm(self, event)


CLASSES: tuple[type, ...] = (UNDERSTUDY_OT_continue_capture, UNDERSTUDY_OT_discard_capture)
