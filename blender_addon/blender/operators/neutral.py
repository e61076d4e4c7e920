# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the neutral frame: look at it, and take another."""

from __future__ import annotations

import bpy

from .. import properties
from ..baking import neutral
from ..translation import words
from .base import Command


class TakeCommand(Command):
    """Base of the commands that need a take."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True while a take is chosen."""
        if properties.chosen_take(context.scene) is None:
            cls.poll_message_set(words("Capture a performance, or import a take, first"))  # type: ignore[attr-defined]
            return False
        return True


class UNDERSTUDY_OT_show_neutral(TakeCommand, bpy.types.Operator):
    """Go to the scene frame on which the actor is at rest"""

    bl_idname = "understudy.show_neutral"
    bl_label = "Show Neutral Frame"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """Which frame it is."""
        own = properties.of(context.scene).retarget
        frame = neutral.scene_frame_of(context.scene, own.neutral_frame)
        context.scene.frame_set(frame)
        return f"Scene frame {frame} shows the take's frame {own.neutral_frame}."


class UNDERSTUDY_OT_use_current_neutral(TakeCommand, bpy.types.Operator):
    """The actor is at rest on the scene's current frame"""

    bl_idname = "understudy.use_current_neutral"
    bl_label = "Use Current Frame"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """Which frame of the take it is."""
        own = properties.of(context.scene).retarget
        own.neutral_frame = neutral.take_frame_at(context.scene, context.scene.frame_current)
        own.auto_neutral, own.neutral_reason = False, "chosen by you"
        return f"The take's frame {own.neutral_frame} is the neutral one; bake again to see it."


CLASSES: tuple[type, ...] = (UNDERSTUDY_OT_show_neutral, UNDERSTUDY_OT_use_current_neutral)
