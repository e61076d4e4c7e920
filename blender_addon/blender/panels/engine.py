# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the first step: the engine, as long as there is none."""

from __future__ import annotations

import bpy

from .. import jobs, preferences
from .layout import Step, large, wrapped


class UNDERSTUDY_PT_engine(Step, bpy.types.Panel):
    """The engine that tracks faces, which is installed once"""

    bl_label = "Engine"
    bl_order = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True where there is no engine yet."""
        return not preferences.has_engine(context)

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; what is missing, and the button that mends it."""
        layout = self.layout
        wrapped(layout, "The engine that tracks faces is not installed yet.", icon="INFO")
        if jobs.DESK.busy:
            return
        large(layout).operator("understudy.install_engine", icon="IMPORT")
        if not bpy.app.online_access:
            wrapped(layout, "Blender may not go online: allow Online Access in the preferences, System.", icon="ERROR")


CLASSES: tuple[type, ...] = (UNDERSTUDY_PT_engine,)
