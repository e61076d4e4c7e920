# SPDX-License-Identifier: GPL-3.0-or-later
"""The match report: which of the character's controls each channel drives, to be looked at before the bake."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty

from .. import properties
from ..characters import bone_roles, character, match_report
from ..translation import words
from .layout import Step, as_fields, wrapped
from .lists import Found, Rows, is_wide

UNSURE = ("derived", "unverified")


class UNDERSTUDY_UL_matches(Rows, Found, bpy.types.UIList):
    """The 52 channels, each with what it drives."""

    switch, switch_icon = "open_only", "QUESTION"
    open_only: BoolProperty(
        name="Only Open", description="Show the channels that are missing, ambiguous or found in part", default=False
    )

    def draw_row(self, context: bpy.types.Context, layout: Any, item: Any, data: Any) -> None:
        """Nothing; one row: how sure the match is, the channel, and in a wide sidebar the control."""
        icon_name = match_report.STATE_ICONS[match_report.state_of(item)]
        if not is_wide(context):
            layout.label(text=item.name, icon=icon_name)
            return
        row = layout.split(factor=0.5, align=True)
        row.label(text=item.name, icon=icon_name)
        if len(item.targets) == 1:
            row.prop_search(item.targets[0], "control", data, "controls", text="", icon="SHAPEKEY_DATA")
        else:
            row.label(text=words("{count} controls", count=len(item.targets)), icon="SHAPEKEY_DATA")

    def keeps(self, item: Any) -> bool:
        """Whether the channel still needs a look."""
        return match_report.state_of(item) in match_report.NEEDS_A_LOOK


class UNDERSTUDY_MT_rig_maps(bpy.types.Menu):
    """The rig maps that fit, the best first"""

    bl_label = "Rig Map"

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; one entry for each map."""
        layout, own = self.layout, properties.of(context.scene).character
        layout.operator("understudy.choose_rig_map", text="Best Match", icon="AUTO").name = ""
        layout.separator()
        for entry in own.maps:
            icon = "USER" if entry.own else ("QUESTION" if entry.status in UNSURE else "CHECKMARK")
            unsure = f", {entry.status}" if entry.status in UNSURE else ""
            text = f"{entry.title} ({entry.matched}{unsure})"
            layout.operator("understudy.choose_rig_map", text=text, icon=icon).name = entry.name


class UNDERSTUDY_MT_match(bpy.types.Menu):
    """What can be done with the whole report"""

    bl_label = "Match Report"

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the commands."""
        layout = self.layout
        layout.operator("understudy.refresh_match", icon="FILE_REFRESH")
        layout.operator("understudy.reset_match", text="Reset All Channels", icon="LOOP_BACK").all = True
        layout.separator()
        layout.operator("understudy.save_rig_map", icon="PRESET_NEW")
        layout.operator("understudy.load_rig_map_settings", icon="PRESET")
        layout.operator("understudy.delete_rig_map", text="Delete Preset", icon="TRASH")
        layout.separator()
        layout.operator("understudy.import_rig_map", icon="IMPORT")
        layout.operator("understudy.export_rig_map", icon="EXPORT")


class UNDERSTUDY_PT_match(Step, bpy.types.Panel):
    """Which of the character's controls each channel drives"""

    bl_label = "Match Report"
    bl_parent_id = "UNDERSTUDY_PT_character"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character."""
        return character.is_chosen(context.scene)

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the map, the list, then the chosen row."""
        layout, own = self.layout, properties.of(context.scene).character
        row = layout.row(align=True)
        row.menu("UNDERSTUDY_MT_rig_maps", text=match_report.title_of(own.rig_map), icon="PRESET")
        row.menu("UNDERSTUDY_MT_match", text="", icon="DOWNARROW_HLT")
        if own.rig_map_status in UNSURE:
            wrapped(layout, f"This map is {own.rig_map_status}: nobody has tried it. Look at the result.", icon="ERROR")
        layout.template_list("UNDERSTUDY_UL_matches", "", own, "matches", own, "match_index", rows=6)
        if 0 <= own.match_index < len(own.matches):
            _draw_match(layout.box(), own, own.matches[own.match_index])


class UNDERSTUDY_PT_bones(Step, bpy.types.Panel):
    """Which bones turn with the actor"""

    bl_label = "Bones"
    bl_parent_id = "UNDERSTUDY_PT_character"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character that has an armature."""
        return character.is_chosen(context.scene) and properties.of(context.scene).character.armature is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; a field for each part, with the recognised bone beside it."""
        layout, own = self.layout, properties.of(context.scene).character
        as_fields(layout)
        found = {entry.role: entry.name for entry in own.bones}
        for entry in own.bone_choices:
            column = layout.column(align=True)
            title = bone_roles.ROLE_WORDS[entry.name]
            column.prop_search(entry, "bone", own.armature.data, "bones", text=title, icon="BONE_DATA")
            if not entry.bone:
                line = column.row()
                line.active = False
                line.alignment = "RIGHT"
                line.label(text=found.get(entry.name) or words("none"), translate=False)
        layout.operator("understudy.refresh_match", text="Apply", icon="CHECKMARK")


def _draw_match(layout: Any, own: Any, match: Any) -> None:
    """Nothing; the chosen channel: what it drives and how far, and what else it could."""
    state = match_report.state_of(match)
    row = layout.row()
    row.label(text=match.name, icon=match_report.STATE_ICONS[state])
    if state == "override":
        row.operator("understudy.reset_match", text="", icon="LOOP_BACK").all = False
    wrapped(layout, words(match_report.STATE_WORDS[state]).capitalize() + ".")
    column = layout.column(align=True)
    for index, target in enumerate(match.targets):
        row = column.row(align=True)
        row.prop_search(target, "control", own, "controls", text="", icon="SHAPEKEY_DATA")
        weight = row.row(align=True)
        weight.ui_units_x = 3
        weight.prop(target, "weight", text="")
        row.operator("understudy.remove_target", text="", icon="REMOVE").index = index
    column.operator("understudy.add_target", icon="ADD").control = ""
    if match.candidates and state == "ambiguous":
        layout.label(text="Fits as well:")
        column = layout.column(align=True)
        driven = {name for name, _ in match.rows()}
        for name in match.candidates.splitlines():
            if name not in driven:
                option = column.operator("understudy.add_target", text=name, icon="FORWARD")
                option.control, option.replace = name, True
