# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the match report: choose a rig map, change rows, keep the result as a preset or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from fomm_engine.wire.errors import UserError

from ...core import rig_map
from .. import properties
from ..characters import channel_settings, character, match_report, presets
from ..translation import words
from .base import Command, Result


class MatchCommand(Command):
    """Base of the commands that need a character."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character."""
        if not character.is_chosen(context.scene):
            cls.poll_message_set(words("Detect the character first"))  # type: ignore[attr-defined]
            return False
        return True


class UNDERSTUDY_OT_choose_rig_map(MatchCommand, bpy.types.Operator):
    """Match the character's controls by this rig map"""

    bl_idname = "understudy.choose_rig_map"
    bl_label = "Choose Rig Map"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Rig Map", description="Name of the rig map; empty for the best match")

    def act(self, context: bpy.types.Context) -> str:
        """What is matched now."""
        own = properties.of(context.scene).character
        own.rig_map_choice = self.name
        character.refresh(context.scene)
        return f"{match_report.title_of(own.rig_map)}: {match_report.sentence(own)}"


class UNDERSTUDY_OT_refresh_match(MatchCommand, bpy.types.Operator):
    """Look at the character again, after its shape keys or bones have changed; your own rows stay"""

    bl_idname = "understudy.refresh_match"
    bl_label = "Refresh Match"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """What is matched now."""
        character.refresh(context.scene)
        return match_report.sentence(properties.of(context.scene).character)


class UNDERSTUDY_OT_reset_match(MatchCommand, bpy.types.Operator):
    """Take back your own changes: of the chosen channel, or of all"""

    bl_idname = "understudy.reset_match"
    bl_label = "Reset Match"
    bl_options = {"REGISTER", "UNDO"}

    all: BoolProperty(name="All Channels", description="Reset every channel, not only the chosen one", default=False)

    def act(self, context: bpy.types.Context) -> str:
        """What was taken back."""
        own = properties.of(context.scene).character
        changed = [match for match in own.matches if match_report.is_override(match)]
        if not self.all:
            changed = [match for match in changed if match == own.matches[own.match_index]]
        for match in changed:
            match_report.reset(match)
        character.refresh(context.scene)
        return f"{len(changed)} channels are as the rig map says."


class UNDERSTUDY_OT_add_target(MatchCommand, bpy.types.Operator):
    """Let the chosen channel drive one more control"""

    bl_idname = "understudy.add_target"
    bl_label = "Add Control"
    bl_options = {"REGISTER", "UNDO"}

    control: StringProperty(name="Control", description="The shape key; empty to choose it in the list")
    replace: BoolProperty(name="Instead", description="Drive this control alone", default=False)

    def act(self, context: bpy.types.Context) -> str:
        """What the channel drives now."""
        match = _chosen_match(context)
        if self.control and self.control not in properties.of(context.scene).character.controls:
            raise UserError("no-control", f"The character has no control {self.control}.", "Choose one of the list.")
        if self.replace:
            match.targets.clear()
        target = match.targets.add()
        target.control = self.control
        return f"{match.name} drives {', '.join(name for name, _ in match.rows()) or 'nothing yet'}."


class UNDERSTUDY_OT_remove_target(MatchCommand, bpy.types.Operator):
    """Let the chosen channel no longer drive this control"""

    bl_idname = "understudy.remove_target"
    bl_label = "Remove Control"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(name="Row", description="Which of the channel's controls, from 0", default=0, min=0)

    def act(self, context: bpy.types.Context) -> str:
        """What the channel drives now."""
        match = _chosen_match(context)
        if self.index >= len(match.targets):
            raise UserError("no-row", f"{match.name} has no control number {self.index + 1}.", "Look at the list.")
        match.targets.remove(self.index)
        if not len(match.targets):
            match_report.set_rows(match, ())
        return f"{match.name} drives {', '.join(name for name, _ in match.rows()) or 'nothing'}."


class UNDERSTUDY_OT_save_rig_map(MatchCommand, bpy.types.Operator):
    """Keep this match, and the channels' settings, as a preset that such characters are recognised by"""

    bl_idname = "understudy.save_rig_map"
    bl_label = "Save Preset"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="What the preset is called")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """RUNNING_MODAL; asks for the name."""
        if not self.name:
            self.name = _character_name(context)
        return context.window_manager.invoke_props_dialog(self)

    def act(self, context: bpy.types.Context) -> str:
        """The preset's name."""
        name = self.name.strip() or _character_name(context)
        own = properties.of(context.scene)
        if own.character.rig_map_choice != name:
            name = presets.free_name(name)
        presets.write_map(presets.path_of(name), _map_of(context, name), channel_settings.plain(own.retarget))
        own.character.rig_map_choice = name
        character.refresh(context.scene)
        return f"The preset {name} is saved; characters with these controls are recognised by it."


class UNDERSTUDY_OT_load_rig_map_settings(MatchCommand, bpy.types.Operator):
    """Take over the gains, limits and curves that were saved with the chosen preset"""

    bl_idname = "understudy.load_rig_map_settings"
    bl_label = "Load Channel Settings"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """How many channels were set."""
        own = properties.of(context.scene)
        path = presets.path_of(own.character.rig_map)
        if not path.is_file():
            raise UserError("no-preset", "The chosen rig map is none of your presets.", "Choose a preset first.")
        count = channel_settings.apply(own.retarget, presets.read_map(path)[1])
        return f"{count} channels and regions are set as the preset has them."


class UNDERSTUDY_OT_delete_rig_map(MatchCommand, bpy.types.Operator):
    """Delete the chosen preset from the disk"""

    bl_idname = "understudy.delete_rig_map"
    bl_label = "Delete Preset"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="The preset; empty for the chosen one")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """RUNNING_MODAL; asks before it deletes."""
        return context.window_manager.invoke_confirm(self, event)

    def act(self, context: bpy.types.Context) -> str:
        """The preset that is gone."""
        own = properties.of(context.scene).character
        name = self.name or own.rig_map
        path = presets.path_of(name)
        if not path.is_file():
            raise UserError("no-preset", f"{name} is none of your presets.", "Choose a preset first.")
        path.unlink()
        if own.rig_map_choice == name:
            own.rig_map_choice = ""
        character.refresh(context.scene)
        return f"The preset {name} is gone."


class UNDERSTUDY_OT_export_rig_map(MatchCommand, bpy.types.Operator, ExportHelper):
    """Write this match, and the channels' settings, to a file for other machines and people"""

    bl_idname = "understudy.export_rig_map"
    bl_label = "Export Rig Map"
    bl_options = {"REGISTER"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """Where it is."""
        path = Path(bpy.path.abspath(self.filepath))
        settings = channel_settings.plain(properties.of(context.scene).retarget)
        name = path.name.removesuffix(".json").removesuffix(".rigmap")
        presets.write_map(path, _map_of(context, name), settings)
        return f"The rig map is in {path.name}."


class UNDERSTUDY_OT_import_rig_map(MatchCommand, bpy.types.Operator, ImportHelper):
    """Add a rig map from a file to your presets, and match the character by it"""

    bl_idname = "understudy.import_rig_map"
    bl_label = "Import Rig Map"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """What is matched now."""
        convention, settings = presets.read_map(Path(bpy.path.abspath(self.filepath)))
        name = presets.free_name(convention.name or "Imported")
        presets.write_map(presets.path_of(name), rig_map.renamed(convention, name), settings)
        own = properties.of(context.scene).character
        own.rig_map_choice = name
        character.refresh(context.scene)
        return f"{name}: {match_report.sentence(own)}"


def _chosen_match(context: bpy.types.Context) -> Any:
    own = properties.of(context.scene).character
    if not 0 <= own.match_index < len(own.matches):
        raise UserError("no-channel", "No channel is chosen.", "Choose one in the match report.")
    return own.matches[own.match_index]


def _character_name(context: bpy.types.Context) -> str:
    return character.main_object(context.scene).name


def _map_of(context: bpy.types.Context, name: str) -> rig_map.Convention:
    """The user's rig map as the report stands."""
    found = character.scan_of(context.scene)
    if found.match is None:
        raise UserError("nothing-matched", "No control is matched yet.", "Choose a control for a channel first.")
    bones = {bone.name: bone.role for bone in found.rig.bones}
    return rig_map.own_map(
        name, found.match, found.convention, bones=bones, source=f"made for {_character_name(context)}"
    )


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_choose_rig_map,
    UNDERSTUDY_OT_refresh_match,
    UNDERSTUDY_OT_reset_match,
    UNDERSTUDY_OT_add_target,
    UNDERSTUDY_OT_remove_target,
    UNDERSTUDY_OT_save_rig_map,
    UNDERSTUDY_OT_load_rig_map_settings,
    UNDERSTUDY_OT_delete_rig_map,
    UNDERSTUDY_OT_export_rig_map,
    UNDERSTUDY_OT_import_rig_map,
)
