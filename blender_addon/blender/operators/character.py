# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the character: recognise it, and bake the take onto it."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from .. import bake, character, properties
from .base import Command


class UNDERSTUDY_OT_choose_character(Command, bpy.types.Operator):
    """Recognise the character: from the selection, or from the whole scene where nothing is selected"""

    bl_idname = "understudy.choose_character"
    bl_label = "Detect Character"
    bl_options = {"REGISTER", "UNDO"}

    object: StringProperty(name="Object", description="Name of the mesh or armature; empty for the selection")

    def act(self, context: bpy.types.Context) -> str:
        """What was recognised, in one sentence."""
        return character.choose_character(context, self.object)


class UNDERSTUDY_OT_bake(Command, bpy.types.Operator):
    """Write the chosen take as keys on the character's shape keys and bones"""

    bl_idname = "understudy.bake"
    bl_label = "Bake"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a take and a character."""
        if properties.chosen_take(context.scene) is None:
            cls.poll_message_set("Capture a performance, or import a take, first")
            return False
        if not character.is_chosen(context.scene):
            cls.poll_message_set("Detect the character first")
            return False
        return True

    def act(self, context: bpy.types.Context) -> str:
        """How many keys were written, and what the retargeting wants known."""
        return bake.bake_chosen(context.scene)
