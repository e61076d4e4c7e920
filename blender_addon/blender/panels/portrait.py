# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's animated portrait, beside the steps: picture, driving video, model, and the film."""

from __future__ import annotations

from typing import Any

import bpy

from ...engine.builds import size_words
from .. import properties
from ..characters import character
from ..portrait import gallery, model_choice
from ..translation import words
from .engine import draw_offline
from .layout import Step, as_fields, file_name, large, wrapped

_THUMBNAIL, _POPUP = 6.0, 5.0  # sizes of the pictures, in units of the interface


class UNDERSTUDY_PT_portrait(Step, bpy.types.Panel):
    """The engine's animated portrait"""

    bl_label = "Portrait"
    bl_order = 7
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the picture, what drives it, what paints it, the button, and what came of it."""
        layout, own = self.layout, properties.of(context.scene).portrait
        _draw_picture(layout, own, context)
        _draw_driving(layout, own)
        _draw_model(layout, own, context)
        column = large(layout)
        column.enabled = model_choice.is_here(context, own.model)
        column.operator("understudy.animate_portrait", icon="PLAY")
        _draw_result(layout, own)


class UNDERSTUDY_PT_portrait_motion(Step, bpy.types.Panel):
    """How the motion is taken over, and what the film shows"""

    bl_label = "Motion and Film"
    bl_parent_id = "UNDERSTUDY_PT_portrait"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the settings."""
        layout, own = self.layout, properties.of(context.scene).portrait
        as_fields(layout)
        column = layout.column(heading="Motion")
        column.prop(own, "relative", text="Relative")
        row = column.row()
        row.active = own.relative
        row.prop(own, "adapt_scale")
        layout.prop(own, "match", text="Match")
        if own.match == "NUMBER":
            layout.prop(own, "best_frame")
        layout.prop(own, "layout")
        if own.layout == "square":
            layout.prop(own, "size")
        layout.prop(own, "comparison")


class UNDERSTUDY_MT_model(bpy.types.Menu):
    """What can be done with the model's file"""

    bl_label = "Model"

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the commands."""
        layout, own = self.layout, properties.of(context.scene).portrait
        layout.operator("understudy.choose_model_file", icon="FILEBROWSER")
        if own.model in model_choice.table() and model_choice.is_here(context, own.model):
            layout.operator("understudy.remove_model", icon="TRASH").name = own.model


def _draw_picture(layout: Any, own: Any, context: bpy.types.Context) -> None:
    row = layout.row(align=True)
    row.prop(own, "category", text="")
    row.operator("understudy.add_gallery_folder", text="", icon="NEWFOLDER")
    row.operator("understudy.refresh_gallery", text="", icon="FILE_REFRESH")
    layout.template_icon_view(own, "pick", show_labels=True, scale=_THUMBNAIL, scale_popup=_POPUP)
    layout.label(text=file_name(gallery.source_of(own)), icon="IMAGE_DATA", translate=False)
    row = layout.row(align=True)
    row.operator("understudy.choose_portrait", text="File", icon="FILEBROWSER")
    part = row.row(align=True)
    part.enabled = character.is_chosen(context.scene)
    part.operator("understudy.portrait_from_character", text="Character", icon="RENDER_STILL")


def _draw_driving(layout: Any, own: Any) -> None:
    column = layout.column()
    as_fields(column)
    column.prop(own, "driving_from")
    if own.driving_from == "GALLERY":
        if not gallery.VIDEOS.read():
            wrapped(layout, "None of your folders holds a video yet.", icon="INFO")
            layout.operator("understudy.add_gallery_folder", icon="NEWFOLDER")
            return
        layout.prop(own, "driving_category", text="")
        layout.template_icon_view(own, "driving_pick", show_labels=True, scale=_THUMBNAIL, scale_popup=_POPUP)
    if own.driving_from != "PERFORMANCE":
        row = layout.row(align=True)
        if own.driving:
            row.label(text=file_name(own.driving), icon="FILE_MOVIE", translate=False)
            row.operator("understudy.choose_driving", text="", icon="FILEBROWSER")
        else:
            row.operator("understudy.choose_driving", icon="FILE_MOVIE")


def _draw_model(layout: Any, own: Any, context: bpy.types.Context) -> None:
    row = layout.row(align=True)
    split = row.column()
    as_fields(split)
    split.prop(own, "model")
    row.menu("UNDERSTUDY_MT_model", text="", icon="DOWNARROW_HLT")
    if own.model == model_choice.DEFAULT:
        wrapped(layout, "A preview: the portrait is warped, not painted.", icon="INFO")
    elif own.model == model_choice.FILE:
        _draw_own_file(layout, own)
    if not model_choice.fits_faces(own.model):
        subject = words(model_choice.table()[own.model].subject)
        column = layout.column()
        column.alert = True
        wrapped(column, words("Made for {subject}: it does not fit a face.", subject=subject), icon="ERROR")
    if not model_choice.is_here(context, own.model):
        _draw_offer(layout.box(), own)


def _draw_own_file(layout: Any, own: Any) -> None:
    row = layout.row(align=True)
    name = file_name(own.model_file) if own.model_file else words("No file chosen")
    row.label(text=name, icon="FILE", translate=False)
    row.operator("understudy.choose_model_file", text="", icon="FILEBROWSER")


def _draw_offer(box: Any, own: Any) -> None:
    """Nothing; what is to be known of a model that is not here, and how it can be had."""
    rows = model_choice.files_for(own.model)
    wrapped(box, words("{name} is not on this machine yet.", name=own.model), icon="INFO")
    wrapped(box, words("From {origin}.", origin=rows[0].sources[0].origin), icon="BLANK1")
    wrapped(box, rows[0].licence, icon="BLANK1")
    if not bpy.app.online_access:
        draw_offline(box)
    for row in rows:
        column = box.column()
        column.enabled = bpy.app.online_access
        text = f"{row.name} ({size_words(row.size_about)})"
        column.operator("understudy.download_model", text=text, translate=False, icon="IMPORT").name = row.name
    box.operator("understudy.import_model", icon="FILEBROWSER").name = own.model


def _draw_result(layout: Any, own: Any) -> None:
    if not own.result:
        return
    box = layout.box()
    box.label(text=file_name(own.result), icon="CHECKMARK", translate=False)
    row = box.row(align=True)
    row.operator("understudy.show_film", text="Show", icon="IMAGE").which = "PORTRAIT"
    row.operator("understudy.show_film", text="Side by Side", icon="IMAGE_REFERENCE").which = "COMPARISON"
    row = box.row(align=True)
    row.operator("understudy.save_film", icon="EXPORT")
    row.operator("understudy.widen_film", text="1920 x 1080", icon="FULLSCREEN_ENTER")


CLASSES: tuple[type, ...] = (UNDERSTUDY_PT_portrait, UNDERSTUDY_PT_portrait_motion, UNDERSTUDY_MT_model)
