# SPDX-License-Identifier: GPL-3.0-or-later
"""What importers share whose files may be dropped into Blender's window."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from .base import Result

EDITORS = ("VIEW_3D", "SEQUENCE_EDITOR", "CLIP_EDITOR", "IMAGE_EDITOR")  # where one would look for a performance


class Droppable(ImportHelper):
    """An importer that takes a dropped file at once, and shows the file browser where it is pressed."""

    # Not remembered from the last time: that it is set says that a file was dropped.
    filepath: StringProperty(name="File", description="The file", subtype="FILE_PATH", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """What the import gives, or the file browser."""
        if self.properties.is_property_set("filepath"):
            return self.execute(context)
        return ImportHelper.invoke(self, context, event)


class Dropped:
    """Base of the file handlers: where a file may be dropped."""

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """True over the editors in which one would look for a performance."""
        return context.area is not None and context.area.type in EDITORS
