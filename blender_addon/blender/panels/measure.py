# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring: landmark points, controls, and how things stand. What is shown is read, never computed."""

from __future__ import annotations

import bpy

from ..characters import character
from ..rig_measure import attach
from ..rig_measure.overlay import OVERLAY
from .layout import Step, wrapped


class UNDERSTUDY_PT_measure(Step, bpy.types.Panel):
    """Measure the character instead of trusting names"""

    bl_label = "Measure"
    bl_parent_id = "UNDERSTUDY_PT_character"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character."""
        return character.is_chosen(context.scene)

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the two steps, and what came of them."""
        layout = self.layout
        has_points, has_basis = attach.has_points(context.scene), attach.has_measure(context.scene)
        column = layout.column(align=True)
        column.operator("understudy.find_landmarks", icon="CHECKMARK" if has_points else "SHADERFX")
        row = column.row(align=True)
        row.enabled = has_points
        row.operator(
            "understudy.show_landmarks", icon="HIDE_OFF" if OVERLAY.shown else "HIDE_ON", depress=OVERLAY.shown
        )
        row.operator("understudy.edit_landmarks", text="Correct", icon="GREASEPENCIL")
        column = layout.column(align=True)
        column.operator("understudy.measure_rig", icon="CHECKMARK" if has_basis else "DRIVER_DISTANCE")
        if has_basis:
            column.operator("understudy.look_at_controls", icon="RENDER_STILL")
            column.operator("understudy.forget_measure", icon="X")
        else:
            wrapped(
                layout, "Measure a character whose controls Understudy does not know by name, or to act more exactly."
            )
