# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 3: who performs."""

from __future__ import annotations

import bpy

from .. import character, properties
from .layout import Step, large, wrapped

ROLE_WORDS = {
    "neck": "Neck",
    "head": "Head",
    "jaw": "Jaw",
    "eye_left": "Left Eye",
    "eye_right": "Right Eye",
}


class UNDERSTUDY_PT_character(Step, bpy.types.Panel):
    """Step 3: who performs."""

    bl_label = "3  Character"
    bl_order = 3

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the button, and what was recognised."""
        layout, own = self.layout, properties.of(context.scene).character
        large(layout).operator("understudy.choose_character", icon="ARMATURE_DATA")
        if not character.is_chosen(context.scene):
            wrapped(layout, "Select the character, or leave nothing selected to search the scene.")
            return
        column = layout.column(align=True)
        for entry in own.meshes:
            if entry.object is not None:
                column.label(text=entry.object.name, icon="SHAPEKEY_DATA")
        if own.armature is not None:
            column.label(text=own.armature.name, icon="ARMATURE_DATA")
        column.label(text=f"{own.matched} of 52 channels ({own.rig_map})", icon="CHECKMARK")
        for entry in own.bones:
            column.label(text=f"{ROLE_WORDS.get(entry.role, entry.role)}: {entry.name}", icon="BONE_DATA")
        for remark in own.remarks.splitlines():
            wrapped(column, remark, icon="INFO")
