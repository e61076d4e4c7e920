# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands to look before baking: the take live on the character, and how good it is."""

from __future__ import annotations

import bpy

from .. import properties
from ..characters import character
from ..preview.live import LIVE
from ..translation import said, words
from .base import Command


class UNDERSTUDY_OT_preview(Command, bpy.types.Operator):
    """Perform the take on the character while you scrub, without writing keys; press again to end it"""

    bl_idname = "understudy.preview"
    bl_label = "Preview"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a take and a character, or while a preview is on."""
        if LIVE.session_of(properties.of(context.scene).performer) is not None:
            return True
        if properties.chosen_take(context.scene) is None:
            cls.poll_message_set(words("Capture a performance, or import a take, first"))
            return False
        if not character.is_chosen(context.scene):
            cls.poll_message_set(words("Detect the character first"))
            return False
        return True

    def act(self, context: bpy.types.Context) -> str:
        """Whether it is on now."""
        if LIVE.stop(context.scene, properties.of(context.scene).performer):
            return said("The preview is off; everything stands as before.")
        LIVE.start(context.scene)
        return said("The preview is on: scrub the timeline. Nothing is written.")


CLASSES: tuple[type, ...] = (UNDERSTUDY_OT_preview,)
