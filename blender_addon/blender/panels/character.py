# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 3: who performs, and how well its controls are known."""

from __future__ import annotations

from typing import Any

import bpy

from .. import character, match_report, properties
from ..bone_roles import ROLE_WORDS
from .layout import Step, large, wrapped

SHOWN_MESHES = 3


class UNDERSTUDY_PT_character(Step, bpy.types.Panel):
    """Step 3: who performs."""

    bl_label = "3  Character"
    bl_order = 3

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the button, what was recognised, and the match in one line."""
        layout, own = self.layout, properties.of(context.scene).character
        large(layout).operator("understudy.choose_character", icon="ARMATURE_DATA")
        if not character.is_chosen(context.scene):
            wrapped(layout, "Select the character, or leave nothing selected to search the scene.")
            return
        column = layout.column(align=True)
        if own.armature is not None:
            column.label(text=own.armature.name, icon="ARMATURE_DATA")
        meshes = [entry.object.name for entry in own.meshes if entry.object is not None]
        for name in meshes[:SHOWN_MESHES]:
            column.label(text=name, icon="SHAPEKEY_DATA")
        if len(meshes) > SHOWN_MESHES:
            column.label(text=f"and {len(meshes) - SHOWN_MESHES} more meshes", icon="BLANK1")
        if own.bones:
            wrapped(column, ", ".join(_bone_words(own)), icon="BONE_DATA")
        draw_match(layout, own)
        for remark in own.remarks.splitlines():
            wrapped(layout, remark, icon="INFO")


def draw_match(layout: Any, own: Any) -> None:
    """Nothing; the match report in one line, and what is missing."""
    found = match_report.counts(own)
    title = match_report.title_of(own.rig_map) if own.matched else "no rig map"
    layout.label(text=f"{found.matched} of 52 channels: {title}", icon="CHECKMARK" if found.matched else "X")
    if found.missing:
        wrapped(layout, f"Missing: {', '.join(found.missing)}.", icon="X")
    if found.ambiguous:
        layout.label(text=f"{found.ambiguous} ambiguous: see the match report", icon="QUESTION")


def _bone_words(own: Any) -> list[str]:
    """What of the bones is driven, each part once."""
    return list(dict.fromkeys(str(ROLE_WORDS.get(entry.role, entry.role)) for entry in own.bones))
