# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the galleries: the user's own folders, and reading them again."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from fomm_engine.wire.errors import UserError

from .. import preferences
from ..compat import BLEND_RELATIVE
from ..portrait import gallery
from ..translation import said
from .base import Command, Result


class UNDERSTUDY_OT_add_gallery_folder(Command, bpy.types.Operator):
    """Show the pictures and videos of a folder, and of the folders in it, in the galleries"""

    bl_idname = "understudy.add_gallery_folder"
    bl_label = "Add a Folder"
    bl_options = {"REGISTER"}

    directory: StringProperty(
        name="Folder", description="Of pictures or videos", subtype="DIR_PATH", options=BLEND_RELATIVE
    )
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """RUNNING_MODAL; the file browser asks for the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> str:
        """How many pictures and videos were found there."""
        folder, own = Path(bpy.path.abspath(self.directory)), preferences.get(context)
        if own is None or not folder.is_dir():
            raise UserError("folder-missing", f"There is no folder {folder}.", "Choose another one.")
        counts = [
            sum(len(category.files) for category in gallery.categories_of(folder, shelf.endings))
            for shelf in (gallery.PORTRAITS, gallery.VIDEOS)
        ]
        if not any(counts):
            raise UserError("folder-empty", f"There are no pictures or videos in {folder}.", "Choose another one.")
        if str(folder) not in [known.path for known in own.gallery_folders]:
            own.gallery_folders.add().path = str(folder)
        gallery.refresh()
        return said(
            "{name}: {pictures} pictures, {videos} videos", name=folder.name, pictures=counts[0], videos=counts[1]
        )


class UNDERSTUDY_OT_remove_gallery_folder(Command, bpy.types.Operator):
    """Show this folder in the galleries no longer; its files stay"""

    bl_idname = "understudy.remove_gallery_folder"
    bl_label = "Remove the Folder"
    bl_options = {"REGISTER"}

    index: IntProperty(name="Number", description="Which folder of the list, from 0", options={"SKIP_SAVE"})

    def act(self, context: bpy.types.Context) -> str:
        """What was removed."""
        own = preferences.get(context)
        if own is None or not 0 <= self.index < len(own.gallery_folders):
            raise UserError("folder-missing", "There is no such folder in the list.", "Choose one of the list.")
        own.gallery_folders.remove(self.index)
        gallery.refresh()
        return said("The folder is shown no longer.")


class UNDERSTUDY_OT_refresh_gallery(Command, bpy.types.Operator):
    """Read the folders of the galleries again"""

    bl_idname = "understudy.refresh_gallery"
    bl_label = "Refresh"
    bl_options = {"REGISTER"}

    def act(self, context: bpy.types.Context) -> str:
        """How many pictures and videos there are."""
        gallery.refresh()
        counts = [sum(len(c.files) for c in shelf.read()) for shelf in (gallery.PORTRAITS, gallery.VIDEOS)]
        return said("The galleries hold {pictures} pictures and {videos} videos.", pictures=counts[0], videos=counts[1])


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_add_gallery_folder,
    UNDERSTUDY_OT_remove_gallery_folder,
    UNDERSTUDY_OT_refresh_gallery,
)
