# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 3: who performs, and how well its controls are known."""

from __future__ import annotations

from typing import Any

import bpy

from .. import properties
from ..characters import character, match_report, performers
from ..characters.bone_roles import ROLE_WORDS
from ..preview.live import LIVE
from ..translation import words
from .layout import Step, large, wrapped
from .lists import Rows

SHOWN_MESHES = 3


class UNDERSTUDY_UL_performers(Rows, bpy.types.UIList):
    """The characters of this scene, each with the take that it performs."""

    def draw_row(self, context: bpy.types.Context, layout: Any, item: Any, data: Any) -> None:
        """Nothing; one row: the name, which can be changed, the take, and an eye while it is previewed."""
        there = performers.is_alive(context.scene, item)
        row = layout.split(factor=0.6, align=True)
        icon = "ARMATURE_DATA" if there else "GHOST_DISABLED"
        row.prop(item, "name", text="", emboss=False, icon=icon, placeholder=words("New Character"))
        right = row.row(align=True)
        take = performers.take_of(context.scene, item)
        name = right.row(align=True)
        name.active = False
        name.label(text=take.name if take is not None else "No take", translate=take is None)
        if LIVE.session_of(item) is not None:
            right.label(text="", icon="HIDE_OFF")


class UNDERSTUDY_PT_character(Step, bpy.types.Panel):
    """Who performs, and what was recognised of it"""

    bl_label = "3  Character"
    bl_order = 3

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the button, what was recognised, and the match in one line."""
        layout, own = self.layout, properties.of(context.scene).character
        large(layout).operator("understudy.choose_character", icon="ARMATURE_DATA")
        draw_list(layout, properties.of(context.scene), is_chosen=character.is_chosen(context.scene))
        if not character.is_chosen(context.scene):
            wrapped(layout, "Select the character, or leave nothing selected to search the scene.")
            return
        column = layout.column(align=True)
        if own.armature is not None:
            column.label(text=own.armature.name, icon="ARMATURE_DATA", translate=False)
        meshes = [entry.object.name for entry in own.meshes if entry.object is not None]
        for name in meshes[:SHOWN_MESHES]:
            column.label(text=name, icon="SHAPEKEY_DATA", translate=False)
        if len(meshes) > SHOWN_MESHES:
            column.label(text=words("and {count} more meshes", count=len(meshes) - SHOWN_MESHES), icon="BLANK1")
        if own.bones:
            wrapped(column, ", ".join(_bone_words(own)), icon="BONE_DATA")
        draw_match(layout, own)
        for remark in own.remarks.splitlines():
            wrapped(layout, remark, icon="INFO")


def draw_list(layout: Any, own: Any, *, is_chosen: bool) -> None:
    """Nothing; the list of characters, once there is one."""
    if len(own.performers) < 2 and not is_chosen:
        return
    row = layout.row()
    rows = 2 if len(own.performers) < 3 else 4
    row.template_list(
        "UNDERSTUDY_UL_performers", "", own, "performers", own, "performer_index", rows=rows, sort_lock=True
    )
    column = row.column(align=True)
    column.operator("understudy.add_character", text="", icon="ADD")
    column.operator("understudy.remove_character", text="", icon="REMOVE")
    column.operator("understudy.select_character", text="", icon="RESTRICT_SELECT_OFF")


def draw_match(layout: Any, own: Any) -> None:
    """Nothing; the match report in one line, and what is missing."""
    found = match_report.counts(own)
    title = match_report.title_of(own.rig_map) if own.matched else words("no rig map")
    said = words("{count} of 52 channels: {title}", count=found.matched, title=title)
    layout.label(text=said, icon="CHECKMARK" if found.matched else "X", translate=False)
    if found.missing:
        wrapped(layout, f"Missing: {', '.join(found.missing)}.", icon="X")
    if found.ambiguous:
        said = words("{count} ambiguous: see the match report", count=found.ambiguous)
        layout.label(text=said, icon="QUESTION", translate=False)


def _bone_words(own: Any) -> list[str]:
    """What of the bones is driven, each part once."""
    return list(dict.fromkeys(words(ROLE_WORDS.get(entry.role) or str(entry.role)) for entry in own.bones))
