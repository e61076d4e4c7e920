# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab "Understudy": five short steps from the video to the rendered shot. Drawing reads, never computes."""

from __future__ import annotations

from typing import Any

import bpy

from . import character, jobs, preferences, properties, status

WRAP_CHARACTERS = 34  # fits the sidebar at its default width
ROLE_WORDS = {
    "neck": "Neck",
    "head": "Head",
    "jaw": "Jaw",
    "eye_left": "Left Eye",
    "eye_right": "Right Eye",
}


class Step:
    """Base of the panels: where they stand."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Understudy"


class UNDERSTUDY_UL_takes(bpy.types.UIList):
    """The takes of this scene."""

    def draw_item(  # noqa: PLR0913 - Blender counts the arguments
        self,
        context: bpy.types.Context,
        layout: Any,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """Nothing; one row: the name, which can be changed, the length, and a sign where frames were lost."""
        row = layout.row(align=True)
        row.prop(item, "name", text="", emboss=False, icon="REC")
        if item.lost:
            row.label(text="", icon="ERROR")
        length = row.row()
        length.alignment = "RIGHT"
        length.label(text=f"{item.duration_s:.1f} s")


class UNDERSTUDY_PT_performance(Step, bpy.types.Panel):
    """Step 1: the video, and above it what is going on."""

    bl_label = "1  Performance"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the status, then the video and its facts."""
        layout = self.layout
        draw_status(layout, context)
        own = properties.of(context.scene).performance
        if not own.filepath:
            layout.operator("understudy.import_performance", icon="FILE_MOVIE")
            return
        row = layout.row(align=True)
        row.label(text=file_name(own.filepath), icon="FILE_MOVIE")
        row.operator("understudy.import_performance", text="", icon="FILEBROWSER")
        rate = own.rate_num / own.rate_den
        layout.label(text=f"{own.width} x {own.height}, {rate:.5g} fps, {own.frames / rate:.1f} s")


class UNDERSTUDY_PT_capture(Step, bpy.types.Panel):
    """Step 2: the engine tracks the face; takes."""

    bl_label = "2  Capture"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the button, or what is missing, and the list of takes."""
        layout, own = self.layout, properties.of(context.scene)
        if preferences.engine_python(context).name:
            large(layout).operator("understudy.capture", icon="REC")
        else:
            layout.label(text="The engine is not installed yet", icon="INFO")
            layout.operator("understudy.install_engine", icon="IMPORT")
            if not bpy.app.online_access:
                wrapped(layout, "Allow Online Access in the preferences (System) to install it.")
        row = layout.row()
        row.template_list("UNDERSTUDY_UL_takes", "", own, "takes", own, "take_index", rows=3)
        column = row.column(align=True)
        column.operator("understudy.import_take", text="", icon="ADD")
        column.operator("understudy.remove_take", text="", icon="REMOVE")
        take = properties.chosen_take(context.scene)
        if take is not None:
            lost = f"{take.lost} without a face" if take.lost else "a face on every frame"
            layout.label(text=f"{take.frames} frames, {lost}")


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


class UNDERSTUDY_PT_bake(Step, bpy.types.Panel):
    """Step 4: the take becomes keys."""

    bl_label = "4  Bake"
    bl_order = 4

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the settings that matter, the button, and what came of it."""
        layout, own = self.layout, properties.of(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = own.retarget
        column = layout.column(align=True)
        column.prop(settings, "start_frame")
        column.prop(settings, "gain")
        column.prop(settings, "smoothing")
        column.prop(settings, "neck_share")
        layout.prop(settings, "auto_neutral", text="Find Neutral")
        row = layout.row()
        row.enabled = not settings.auto_neutral
        row.prop(settings, "neutral_frame")
        large(layout).operator("understudy.bake", icon="KEY_HLT")
        if own.baked:
            wrapped(layout, f"Baked frames {own.baked_first} to {own.baked_last}.", icon="CHECKMARK")
        for note in own.notes.splitlines():
            wrapped(layout, note, icon="INFO")


class UNDERSTUDY_PT_regions(Step, bpy.types.Panel):
    """The finer settings of the bake."""

    bl_label = "Fine Tuning"
    bl_parent_id = "UNDERSTUDY_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; choices, then gain and smoothing for every region."""
        layout, settings = self.layout, properties.of(context.scene).retarget
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for name in ("head_reference", "gaze_target", "jaw_target", "mirror", "contact"):
            column.prop(settings, name)
        grid = layout.column(align=True)
        header = grid.row()
        header.label(text="Region")
        header.label(text="Gain")
        header.label(text="Smoothing")
        for region in settings.regions:
            row = grid.row(align=True)
            row.label(text=region.name.capitalize())
            row.prop(region, "gain", text="")
            row.prop(region, "smoothing", text="")


class UNDERSTUDY_PT_render(Step, bpy.types.Panel):
    """Step 5: the shot."""

    bl_label = "5  Render"
    bl_order = 5

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; how the shot is rendered, and the buttons."""
        layout, own = self.layout, properties.of(context.scene).render
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(own, "engine")
        column = layout.column(align=True)
        column.prop(own, "width")
        column.prop(own, "height")
        row = layout.row()
        row.active = own.engine != "WORKBENCH"
        row.prop(own, "samples")
        layout.prop(own, "format")
        layout.prop(own, "output")
        layout.operator("understudy.render_setup", icon="OUTLINER_OB_CAMERA")
        row = large(layout).row(align=True)
        row.operator("understudy.render", text="Still", icon="RENDER_STILL").still = True
        row.operator("understudy.render", text="Render", icon="RENDER_ANIMATION").still = False


class UNDERSTUDY_PT_portrait(Step, bpy.types.Panel):
    """The engine's animated portrait, beside the five steps."""

    bl_label = "Portrait"
    bl_order = 6
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the picture, how its motion is taken over, and the button."""
        layout, own = self.layout, properties.of(context.scene).portrait
        row = layout.row(align=True)
        row.label(text=file_name(own.source) or "No portrait chosen", icon="IMAGE_DATA")
        row.operator("understudy.choose_portrait", text="", icon="FILEBROWSER")
        layout.prop(own, "relative")
        layout.prop(own, "adapt_scale")
        large(layout).operator("understudy.animate_portrait", icon="PLAY")
        if own.result:
            layout.label(text=file_name(own.result), icon="CHECKMARK")


def draw_status(layout: Any, context: bpy.types.Context) -> None:
    """Nothing; the running job with its progress and Cancel, else what was said last."""
    state = status.of(context)
    if jobs.DESK.busy:
        box = layout.box()
        box.progress(factor=state.fraction, text=state.title)
        box.label(text=state.line)
        row = box.row()
        row.enabled = not state.cancelling
        row.operator("understudy.cancel", icon="CANCEL")
    elif state.said:
        box = layout.box()
        box.alert = state.is_error
        wrapped(box, state.said, icon="ERROR" if state.is_error else "INFO")
        if state.hint:
            wrapped(box, state.hint, icon="BLANK1")


def draw_status_bar(self: Any, context: bpy.types.Context) -> None:
    """Nothing; the running job in the status bar, from whatever workspace one looks."""
    if jobs.DESK.busy:
        state = status.of(context)
        row = self.layout.row(align=True)
        row.progress(factor=state.fraction, text=f"{state.title}: {state.line}")
        row.operator("understudy.cancel", text="", icon="X")


def large(layout: Any) -> Any:
    """A column whose buttons are the step's main ones."""
    column = layout.column()
    column.scale_y = 1.4
    return column


def wrapped(layout: Any, text: str, icon: str = "NONE") -> None:
    """Nothing; the text over as many lines as it needs, since labels do not wrap by themselves."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(lines_of(text)):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"))


def lines_of(text: str) -> list[str]:
    """The text in lines of at most WRAP_CHARACTERS, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= WRAP_CHARACTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def file_name(path: str) -> str:
    """The last part of a path, for showing."""
    return bpy.path.basename(path)
