# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 1: the performance video, which part of it is captured, and where the scene shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import properties
from ..baking import retarget_settings
from ..capturing import performance, take_files
from ..capturing.placing import places
from ..operators.placing import PLACES
from ..pictures import PICTURES
from ..translation import words
from .layout import Step, file_name, wrapped

THUMBNAIL = 4.0  # units of the interface
SOUND_WORDS = {
    "YES": "{seconds:.1f} s, with sound",
    "NO": "{seconds:.1f} s, no sound",
    "UNKNOWN": "{seconds:.1f} s",
}


class UNDERSTUDY_PT_performance(Step, bpy.types.Panel):
    """The video of the actor's face"""

    bl_label = "1  Performance"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the video, its facts and its trim."""
        layout = self.layout
        own = properties.of(context.scene).performance
        if not own.filepath:
            layout.operator("understudy.import_performance", icon="FILE_MOVIE")
            return
        path = bpy.path.abspath(own.filepath)
        if take_files.LOOKUPS.ask(f"video|{path}", lambda: Path(path).is_file()):
            _draw_facts(layout, own, path)
        else:
            row = layout.row()
            row.alert = True
            row.operator("understudy.import_performance", text="File Is Missing: Find It", icon="LIBRARY_DATA_BROKEN")
            layout.label(text=file_name(own.filepath), icon="FILE_MOVIE", translate=False)
        if own.is_variable:
            wrapped(layout, "The frame rate varies; every frame keeps its own time.", icon="INFO")
        _draw_trim(layout, own)
        _draw_rate(layout, own, context.scene)


def _draw_facts(layout: Any, own: properties.UnderstudyPerformance, path: str) -> None:
    row = layout.row()
    row.template_icon(icon_value=PICTURES.of_video(path), scale=THUMBNAIL)
    column = row.column(align=True)
    head = column.row(align=True)
    head.label(text=file_name(own.filepath), translate=False)
    head.operator("understudy.import_performance", text="", icon="FILEBROWSER")
    column.label(text=words("{width} x {height}", width=own.width, height=own.height), translate=False)
    rate = f"{own.average_fps or own.rate_num / own.rate_den:.5g}"
    column.label(text=words("about {rate} fps" if own.is_variable else "{rate} fps", rate=rate), translate=False)
    seconds = own.frames * own.rate_den / own.rate_num
    column.label(text=words(SOUND_WORDS[own.sound], seconds=seconds), translate=False)


def _draw_trim(layout: Any, own: properties.UnderstudyPerformance) -> None:
    column = layout.column(align=True)
    for frames, seconds, side in (("trim_in", "trim_in_s", "IN"), ("trim_out", "trim_out_s", "OUT")):
        row = column.row(align=True)
        row.prop(own, frames)
        row.prop(own, seconds, text="s")
        row.operator("understudy.trim_at_playhead", text="", icon="TIME").side = side
    if performance.is_trimmed(own):
        step = own.rate_den / own.rate_num
        row = layout.row(align=True)
        captured, whole = (own.trim_out - own.trim_in + 1) * step, own.frames * step
        row.label(text=words("{part:.1f} of {whole:.1f} s are captured", part=captured, whole=whole), translate=False)
        row.operator("understudy.reset_trim", text="", icon="LOOP_BACK")


def _draw_rate(layout: Any, own: properties.UnderstudyPerformance, scene: bpy.types.Scene) -> None:
    num, den = retarget_settings.scene_rate(scene)
    if num * own.rate_den != den * own.rate_num:
        rate = f"{own.rate_num / own.rate_den:.5g}"
        layout.operator(
            "understudy.match_frame_rate", text=words("Run the Scene at {rate} fps", rate=rate), icon="TIME"
        )


class UNDERSTUDY_PT_video(Step, bpy.types.Panel):
    """Where the scene shows the video, always in step with the take"""

    bl_label = "Video in Scene"
    bl_parent_id = "UNDERSTUDY_PT_performance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True where a video is chosen."""
        return bool(properties.of(context.scene).performance.filepath)

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the places, pressed where the video stands, and the landmarks over it."""
        layout, placed = self.layout, places.placed(context.scene)
        column = layout.column(align=True)
        for place, name, _, icon, _ in PLACES:
            row = column.row(align=True)
            row.operator("understudy.place_video", text=name, icon=icon, depress=place in placed).place = place
            if place in placed:
                row.operator("understudy.remove_video", text="", icon="X").place = place
        layout.prop(properties.of(context.scene).performance, "show_landmarks")


CLASSES: tuple[type, ...] = (UNDERSTUDY_PT_performance, UNDERSTUDY_PT_video)
