# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for an actor's calibration: take it from a range-of-motion take, keep it, use it elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from fomm_engine.wire.errors import UserError

from ...core.take_weights import calibrate
from .. import properties
from ..capturing import calibrations, takes
from .base import Command
from .neutral import TakeCommand


class UNDERSTUDY_OT_calibrate_actor(TakeCommand, bpy.types.Operator):
    """The chosen take shows every motion of its actor to the full: let that be 1 in all of the actor's takes"""

    bl_idname = "understudy.calibrate_actor"
    bl_label = "Calibrate Actor"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """How many channels the take calibrates."""
        take, own = takes.require_chosen(context.scene), properties.of(context.scene).retarget
        if not take.actor.strip():
            raise UserError("no-actor", f"The take {take.name} has no actor.", "Type the actor's name below the list.")
        neutral = None if own.auto_neutral else own.neutral_frame
        found = calibrate(takes.tracks_of(take), neutral_frame=neutral, actor=take.actor)
        if not any(found.moved):
            message = f"The take {take.name} moves no channel far enough."
            raise UserError("no-range", message, "Choose a take in which the actor makes every face to the full.")
        calibrations.keep(context.scene, found, take.name)
        return f"{take.actor} is calibrated: {sum(found.moved)} of 52 channels by the take {take.name}."


class UNDERSTUDY_OT_remove_calibration(TakeCommand, bpy.types.Operator):
    """Forget the calibration of the chosen take's actor"""

    bl_idname = "understudy.remove_calibration"
    bl_label = "Remove Calibration"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """Whose calibration is gone."""
        actor = takes.require_chosen(context.scene).actor
        if not calibrations.forget(context.scene, actor):
            raise UserError("no-calibration", f"There is no calibration of {actor or 'nobody'}.", "Calibrate first.")
        return f"The calibration of {actor} is gone."


class UNDERSTUDY_OT_export_calibration(TakeCommand, bpy.types.Operator, ExportHelper):
    """Write the calibration of the chosen take's actor to a file"""

    bl_idname = "understudy.export_calibration"
    bl_label = "Export Calibration"
    bl_options = {"REGISTER"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """Where it is."""
        take = takes.require_chosen(context.scene)
        found = calibrations.of_take(context.scene, take)
        if found is None:
            raise UserError("no-calibration", "The take's actor has no calibration.", "Calibrate the actor first.")
        path = Path(bpy.path.abspath(self.filepath))
        calibrations.write(found, path)
        return f"The calibration of {take.actor} is in {path.name}."


class UNDERSTUDY_OT_import_calibration(Command, bpy.types.Operator, ImportHelper):
    """Use an actor's calibration from a file in this scene"""

    bl_idname = "understudy.import_calibration"
    bl_label = "Import Calibration"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """Whose it is."""
        path = Path(bpy.path.abspath(self.filepath))
        found = calibrations.read(path)
        if not found.actor:
            found = replace(found, actor=path.stem)
        calibrations.keep(context.scene, found, path.name)
        return f"{found.actor} is calibrated in this scene."


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_calibrate_actor,
    UNDERSTUDY_OT_remove_calibration,
    UNDERSTUDY_OT_export_calibration,
    UNDERSTUDY_OT_import_calibration,
)
