# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the models: download one after its licence was read, bring one from disk, remove one."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

from ...engine.builds import size_words
from ...engine.session import Session
from .. import preferences, properties
from ..engine_jobs import jobs
from ..panels.layout import wrapped
from ..portrait import model_choice
from ..translation import said, words
from .base import Command, JobCommand, Result

_DIALOG_WIDTH, _DIALOG_CHARACTERS = 460, 62


class _ModelJob(JobCommand):
    """What the commands have in common: one models job, whose notes are what the user reads."""

    changes_file = False

    def begin(self, context: bpy.types.Context, action: str, inputs: dict[str, str], **options: Any) -> jobs.Run:
        """The started job."""
        self._folder = tempfile.TemporaryDirectory(prefix="understudy-models-")
        folder = str(preferences.models_folder(context))
        job = Job(
            "models",
            inputs,
            str(Path(self._folder.name) / "models.json"),
            {"action": action, "folder": folder, **options},
        )
        return jobs.start_engine(job, preferences.engine_python(context))

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """What the engine has to say about the file."""
        answer = json.loads(Path(session.output).read_text(encoding="ascii"))
        self._folder.cleanup()
        model_choice.forget()
        return " ".join(answer["notes"])


class UNDERSTUDY_OT_download_model(_ModelJob, bpy.types.Operator):
    """Download this model's weights; its licence and where it comes from are shown first"""

    bl_idname = "understudy.download_model"
    bl_label = "Download Model"
    bl_options = {"REGISTER"}
    job_title = "Download"

    name: StringProperty(name="Model", description="Which weights of the table", options={"SKIP_SAVE"})
    accept_licence: BoolProperty(
        name="I Accept the Licence",
        description="Nothing is downloaded without",
        default=False,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """RUNNING_MODAL; a dialogue shows size, licence and sources."""
        self._row()
        return context.window_manager.invoke_props_dialog(self, width=_DIALOG_WIDTH)

    def draw(self, _context: bpy.types.Context) -> None:
        """Nothing; what is to be known before, and the box to tick."""
        layout, row = self.layout, self._row()
        layout.label(
            text=words("{name}, about {size}", name=row.name, size=size_words(row.size_about)), translate=False
        )
        wrapped(layout, row.licence, room=_DIALOG_CHARACTERS)
        layout.label(text="Sources, tried in turn:")
        for source in row.sources:
            wrapped(layout, f"{source.origin}: {source.url}", icon="URL", room=_DIALOG_CHARACTERS)
        layout.prop(self, "accept_licence")

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started download."""
        row = self._row()
        if not bpy.app.online_access:
            hint = "Allow Online Access in the preferences (System, Network), or bring the file from disk."
            raise UserError("no-online-access", "Blender may not go online.", hint)
        if not self.accept_licence:
            raise UserError("licence-not-accepted", "The licence was not accepted.", "Tick the box to download.")
        return self.begin(context, "download", {}, name=row.name, accept_licence=True)

    def _row(self) -> Any:
        if self.name not in model_choice.table():
            known = ", ".join(model_choice.table())
            raise UserError("weights-unknown", f"No weights are called '{self.name}'.", f"There are: {known}.")
        return model_choice.table()[self.name]


class UNDERSTUDY_OT_import_model(_ModelJob, bpy.types.Operator, ImportHelper):
    """Bring this model's weights from a file on disk; its tensors are checked"""

    bl_idname = "understudy.import_model"
    bl_label = "From Disk"
    bl_options = {"REGISTER"}
    job_title = "Import"

    name: StringProperty(name="Model", description="Which weights of the table; empty to tell by the file")
    filter_glob: StringProperty(default="*.tar;*.pth;*.pt;*.safetensors", options={"HIDDEN"})

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started import."""
        file = Path(bpy.path.abspath(self.filepath))
        if not file.is_file():
            raise UserError("weights-missing", f"There is no file {file}.", "Choose the file again.")
        return self.begin(context, "import", {"file": str(file)}, name=self.name)


class UNDERSTUDY_OT_remove_model(_ModelJob, bpy.types.Operator):
    """Delete this model's weights from the disk"""

    bl_idname = "understudy.remove_model"
    bl_label = "Remove Model"
    bl_options = {"REGISTER"}
    job_title = "Removal"

    name: StringProperty(name="Model", description="Which weights of the table")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """What the user answers."""
        return context.window_manager.invoke_confirm(self, event)

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started removal, of the file that is used."""
        here = [row for row in model_choice.files_for(self.name) if model_choice.place_of(context, row).is_file()]
        if not here:
            raise UserError("weights-not-here", f"The model {self.name} is not on this machine.", "Nothing to remove.")
        return self.begin(context, "remove", {}, name=here[0].name)


class UNDERSTUDY_OT_choose_model_file(Command, bpy.types.Operator, ImportHelper):
    """Use weights of your own, such as a model that you have trained; the file stays where it is"""

    bl_idname = "understudy.choose_model_file"
    bl_label = "Choose Weights"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(default="*.tar;*.pth;*.pt;*.safetensors", options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """The file's name."""
        file = Path(bpy.path.abspath(self.filepath))
        if not file.is_file():
            raise UserError("weights-missing", f"There is no file {file}.", "Choose the file again.")
        own = properties.of(context.scene).portrait
        own.model, own.model_file = model_choice.FILE, str(file)
        return said("Weights: {name}", name=file.name)


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_download_model,
    UNDERSTUDY_OT_import_model,
    UNDERSTUDY_OT_remove_model,
    UNDERSTUDY_OT_choose_model_file,
)
