# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for exchange with other tools: Live Link Face recordings in and out."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ...core import live_link
from ...core.retarget import retarget
from ...core.rig import Rig, ShapeControl
from .. import paths, properties
from ..baking import retarget_settings
from ..capturing import live_link_takes, take_files, takes
from ..translation import said
from .base import Command
from .neutral import TakeCommand

RATES = ("24000/1001", "24/1", "25/1", "30000/1001", "30/1", "48/1", "50/1", "60000/1001", "60/1")
# A rig that takes every channel: what is exported is the performance, not a character.
_ANY_RIG = Rig((ShapeControl("jawOpen", (("jawOpen", 1.0),)),))


class UNDERSTUDY_OT_import_live_link(Command, bpy.types.Operator, ImportHelper):
    """Add a recording of the Live Link Face app (its .csv file) as a take"""

    bl_idname = "understudy.import_live_link"
    bl_label = "Import Live Link Face"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".csv"
    filter_glob: StringProperty(default="*.csv", options={"HIDDEN"})
    rate: EnumProperty(
        name="Frame Rate",
        description="The recording's frame rate",
        items=(
            ("AUTO", "From Timecode", "As the timecodes show it"),
            *((rate, f"{int(rate.split('/')[0]) / int(rate.split('/')[1]):.5g} fps", "") for rate in RATES),
        ),
        default="AUTO",
    )
    swap_sides: BoolProperty(
        name="Swap Jaw and Mouth Sides",
        description="Exchange left and right of jaw and mouth, where a version of the app wrote them wrongly",
        default=False,
    )
    flip_head: BoolProperty(
        name="Phone in Landscape",
        description="Turn the head's yaw and pitch over, as a phone that was held sideways needs it",
        default=False,
    )
    output: StringProperty(
        name="Take", description="Where the take is written; empty for the takes folder", subtype="FILE_PATH"
    )

    def act(self, context: bpy.types.Context) -> str:
        """The take's name and length, and what was odd about the file."""
        source = Path(bpy.path.abspath(self.filepath))
        num, _, den = self.rate.partition("/")
        recording = live_link_takes.read_recording(source, None if self.rate == "AUTO" else (int(num), int(den)))
        if self.swap_sides:
            recording = live_link.with_sides_swapped(recording)
        if self.flip_head:
            recording = live_link.with_head_flipped(recording)
        chosen = Path(bpy.path.abspath(self.output)) if self.output else None
        target = chosen or paths.free_path(take_files.folder_of(context.scene), source.stem, ".capture.npz")
        live_link_takes.write_take(recording, source, target)
        take = takes.add_take(context.scene, target)
        odd = "".join(f" {note.message}" for note in recording.notes)
        facts = said(
            "Take {name}: {count} frames, {seconds:.1f} s", name=take.name, count=take.frames, seconds=take.duration_s
        )
        return f"{facts}.{odd}"


class UNDERSTUDY_OT_export_live_link(TakeCommand, bpy.types.Operator, ExportHelper):
    """Write the chosen take as a Live Link Face recording (.csv) for other tools"""

    bl_idname = "understudy.export_live_link"
    bl_label = "Export Live Link Face"
    bl_options = {"REGISTER"}

    filename_ext = ".csv"
    filter_glob: StringProperty(default="*.csv", options={"HIDDEN"})
    edited: BoolProperty(
        name="As Edited",
        description="With gain, smoothing, curves and neutral frame of the bake; otherwise as it was captured",
        default=True,
    )

    def act(self, context: bpy.types.Context) -> str:
        """Where it is."""
        take = takes.require_chosen(context.scene)
        capture = takes.capture_of(take)
        rate = (take.rate_num, take.rate_den)
        if self.edited:
            settings = retarget_settings.settings_of(properties.of(context.scene).retarget, context.scene)
            result = retarget(takes.tracks_from_capture(capture), _ANY_RIG, settings)
            recording = live_link_takes.recording_of(result, capture, rate)
        else:
            recording = live_link_takes.raw_recording(capture, rate)
        target = Path(bpy.path.abspath(self.filepath))
        live_link_takes.write_recording(recording, target)
        return f"{take.name} is in {target.name}: {len(recording.time_s)} frames at {rate[0] / rate[1]:.5g} fps."


CLASSES: tuple[type, ...] = (UNDERSTUDY_OT_import_live_link, UNDERSTUDY_OT_export_live_link)
