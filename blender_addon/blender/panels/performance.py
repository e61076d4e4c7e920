# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 1: the performance video."""

from __future__ import annotations

import bpy

from .. import properties
from .layout import Step, file_name


class UNDERSTUDY_PT_performance(Step, bpy.types.Panel):
    """The video of the actor's face"""

    bl_label = "1  Performance"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the video and its facts."""
        layout = self.layout
        own = properties.of(context.scene).performance
        if not own.filepath:
            layout.operator("understudy.import_performance", icon="FILE_MOVIE")
            return
        row = layout.row(align=True)
        row.label(text=file_name(own.filepath), icon="FILE_MOVIE")
        row.operator("understudy.import_performance", text="", icon="FILEBROWSER")
        rate = own.rate_num / own.rate_den
        layout.label(text=f"{own.width} x {own.height}, {rate:.5g} fps, {own.frames / rate:.1f} s")
