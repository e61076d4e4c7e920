# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the channel table: reset it, mark what is baked, bend a response."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty

from fomm_engine.wire.errors import UserError

from .. import properties
from ..characters import channel_settings, response_curves
from .base import Command


class UNDERSTUDY_OT_reset_channels(Command, bpy.types.Operator):
    """Set gain, limits, mute, solo and curve of all channels back to their defaults"""

    bl_idname = "understudy.reset_channels"
    bl_label = "Reset Channels"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """How many were changed."""
        count = channel_settings.reset(properties.of(context.scene).retarget)
        return f"{count} channels are back at their defaults."


class UNDERSTUDY_OT_select_channels(Command, bpy.types.Operator):
    """Choose which channels a bake of only the selected ones writes"""

    bl_idname = "understudy.select_channels"
    bl_label = "Select Channels"
    bl_options = {"REGISTER", "UNDO"}

    action: EnumProperty(
        name="Action",
        description="What is selected",
        items=(
            ("ALL", "All", "Every channel"),
            ("NONE", "None", "No channel"),
            ("INVERT", "Invert", "What was not selected"),
        ),
        default="ALL",
    )

    def act(self, context: bpy.types.Context) -> str:
        """How many are selected."""
        channels = properties.of(context.scene).retarget.channels
        for channel in channels:
            channel.selected = not channel.selected if self.action == "INVERT" else self.action == "ALL"
        return f"{sum(channel.selected for channel in channels)} channels are selected."


class UNDERSTUDY_OT_edit_response(Command, bpy.types.Operator):
    """Bend how the chosen channel or region answers to the actor, or make it straight again"""

    bl_idname = "understudy.edit_response"
    bl_label = "Response Curve"
    bl_options = {"REGISTER", "UNDO"}

    region: BoolProperty(name="Region", description="The chosen region's curve, not the channel's", default=False)
    remove: BoolProperty(name="Remove", description="Make the answer straight again", default=False)

    def act(self, context: bpy.types.Context) -> str:
        """What was done."""
        settings = properties.of(context.scene).retarget
        entries = settings.regions if self.region else settings.channels
        index = settings.region_index if self.region else settings.channel_index
        if not 0 <= index < len(entries):
            raise UserError("no-channel", "Nothing is chosen in the table.", "Choose a row.")
        entry = entries[index]
        if self.region and entry.name == "head":
            raise UserError("no-curve", "The head's turn has no response curve.", "Use its gain.")
        entry.use_curve = not self.remove
        if self.remove:
            response_curves.remove_node(settings, entry.name)
            return f"{entry.name} answers straight again."
        response_curves.ensure_node(settings, entry.name)
        return f"{entry.name} answers by a curve."


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_reset_channels,
    UNDERSTUDY_OT_select_channels,
    UNDERSTUDY_OT_edit_response,
)
