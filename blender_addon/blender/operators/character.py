# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the character: recognise it, and bake the take onto it."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, StringProperty

from fomm_engine.wire.errors import UserError

from .. import properties
from ..baking import bake
from ..characters import character, performers
from ..preview.live import LIVE
from ..translation import words
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


class UNDERSTUDY_OT_add_character(Command, bpy.types.Operator):
    """Put another character on the list: the selected one, or one that is detected next"""

    bl_idname = "understudy.add_character"
    bl_label = "Add Character"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """What was recognised, or what to do next."""
        own = properties.of(context.scene)
        if context.selected_objects:
            return character.choose_character(context)
        if performers.is_alive(context.scene, own.performer):
            performers.add(own)
        return "Select the new character, then detect it."


class UNDERSTUDY_OT_remove_character(Command, bpy.types.Operator):
    """Take the character off the list with its settings; its objects and its Actions stay"""

    bl_idname = "understudy.remove_character"
    bl_label = "Remove Character"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """Which one is gone from the list."""
        LIVE.stop(context.scene, properties.of(context.scene).performer)
        return f"{performers.remove(context.scene)} is off the list."


class UNDERSTUDY_OT_select_character(Command, bpy.types.Operator):
    """Select the character's objects in the scene"""

    bl_idname = "understudy.select_character"
    bl_label = "Select Character"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character, in Object Mode."""
        return context.mode == "OBJECT" and character.is_chosen(context.scene)

    def act(self, context: bpy.types.Context) -> str:
        """How many objects were selected."""
        found = performers.objects_of(context.scene, properties.of(context.scene).performer)
        seen = [thing for thing in found if thing.name in context.view_layer.objects and thing.visible_get()]
        if not seen:
            raise UserError("hidden", "The character is hidden.", "Show it in the Outliner.")
        for thing in context.selected_objects:
            thing.select_set(False)
        for thing in seen:
            thing.select_set(True)
        context.view_layer.objects.active = seen[0]
        return f"Selected {len(seen)} objects."


class UNDERSTUDY_OT_bake(Command, bpy.types.Operator):
    """Write the chosen take as keys on the character's shape keys and bones"""

    bl_idname = "understudy.bake"
    bl_label = "Bake"
    bl_options = {"REGISTER", "UNDO"}

    all: BoolProperty(
        name="All Characters", description="Every character of the list performs its own take", default=False
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a take and a character."""
        scene = context.scene
        if not properties.of(scene).takes:
            cls.poll_message_set(words("Capture a performance, or import a take, first"))
            return False
        if not any(performers.is_alive(scene, performer) for performer in properties.of(scene).performers):
            cls.poll_message_set(words("Detect the character first"))
            return False
        return True

    def act(self, context: bpy.types.Context) -> str:
        """How many keys were written, and what the retargeting wants known."""
        return bake.bake_all(context.scene) if self.all else bake.bake_chosen(context.scene)


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_choose_character,
    UNDERSTUDY_OT_add_character,
    UNDERSTUDY_OT_remove_character,
    UNDERSTUDY_OT_select_character,
    UNDERSTUDY_OT_bake,
)
