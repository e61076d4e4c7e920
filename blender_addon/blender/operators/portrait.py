# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the portrait: choose its picture, let the engine animate it, look at the film, keep it, widen it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

from ...engine.session import Session
from .. import paths, preferences, properties
from ..capturing import performance, take_files
from ..characters import character
from ..compat import BLEND_RELATIVE
from ..engine_jobs import jobs
from ..portrait import film_view, gallery, model_choice, portrait_shot
from ..translation import said, words
from .base import Command, JobCommand

_COMPARISON = ".comparison"  # between the film's name and its ending, as the engine calls it


class UNDERSTUDY_OT_choose_portrait(Command, bpy.types.Operator, ImportHelper):
    """Choose a picture of a face, or a video whose first frame shows one"""

    bl_idname = "understudy.choose_portrait"
    bl_label = "Choose Portrait"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(
        default=";".join(f"*{ending}" for ending in (*gallery.PICTURE_ENDINGS, *performance.ENDINGS)),
        options={"HIDDEN"},
    )

    def act(self, context: bpy.types.Context) -> str:
        """The picture's name."""
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise UserError("portrait-missing", f"There is no file {path}.", "Choose the picture again.")
        properties.of(context.scene).portrait.source = str(path)
        return said("Portrait: {name}", name=path.name)


class UNDERSTUDY_OT_portrait_from_character(Command, bpy.types.Operator):
    """Render the character's face as it stands now, and take that as the portrait"""

    bl_idname = "understudy.portrait_from_character"
    bl_label = "From the Character"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character."""
        if not character.is_chosen(context.scene):
            cls.poll_message_set(words("Detect the character first"))
            return False
        return True

    def act(self, context: bpy.types.Context) -> str:
        """The picture's name."""
        scene = context.scene
        name = bpy.path.clean_name(character.main_object(scene).name)
        path = paths.free_path(take_files.folder_of(scene), f"{name} portrait", ".png")
        portrait_shot.photograph(scene, path)
        properties.of(scene).portrait.source = str(path)
        return said("Portrait: {name}", name=path.name)


class UNDERSTUDY_OT_choose_driving(Command, bpy.types.Operator, ImportHelper):
    """Choose another video whose motion the portrait takes"""

    bl_idname = "understudy.choose_driving"
    bl_label = "Choose Video"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in performance.ENDINGS), options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """The video's name."""
        path = Path(bpy.path.abspath(self.filepath))
        performance.read_video_facts(path)
        own = properties.of(context.scene).portrait
        own.driving_from, own.driving = "FILE", str(path)
        return said("Driving video: {name}", name=path.name)


class UNDERSTUDY_OT_animate_portrait(JobCommand, bpy.types.Operator):
    """Let the portrait make the actor's faces, as a film"""

    bl_idname = "understudy.animate_portrait"
    bl_label = "Animate Portrait"
    bl_options = {"REGISTER"}
    job_title = "Portrait"
    changes_file = True

    source: StringProperty(
        name="Portrait", description="Empty for the one in the panel", subtype="FILE_PATH", options=BLEND_RELATIVE
    )
    output: StringProperty(
        name="Film", description="Empty for the takes folder", subtype="FILE_PATH", options=BLEND_RELATIVE
    )
    weights: StringProperty(
        name="Weights", description="A checkpoint's file, or default; empty for the model in the panel", default=""
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a driving video, and no other job running."""
        own = properties.of(context.scene)
        if own.portrait.driving_from == "PERFORMANCE" and not own.performance.filepath:
            cls.poll_message_set(words("Choose a performance video first"))
            return False
        if own.portrait.driving_from != "PERFORMANCE" and not own.portrait.driving:
            cls.poll_message_set(words("Choose a driving video first"))
            return False
        return super().poll(context)

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started animation."""
        own = properties.of(context.scene).portrait
        source = Path(bpy.path.abspath(self.source) if self.source else gallery.source_of(own))
        if not source.is_file():
            raise UserError("portrait-missing", "There is no portrait to animate.", "Choose a picture of a face.")
        self._scene_name = context.scene.name
        chosen = Path(bpy.path.abspath(self.output)) if self.output else None
        output = chosen or paths.free_path(take_files.folder_of(context.scene), f"{source.stem} portrait", ".mp4")
        weights = self.weights or model_choice.weights_of(context, own)
        job = Job("animate", inputs_of(context.scene, source), str(output), options_of(context.scene), weights)
        return jobs.start_engine(job, preferences.engine_python(context))

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """Where the film is; it is shown in the Image Editor, beside the driving video where that was asked for."""
        scene = bpy.data.scenes.get(self._scene_name) or context.scene
        own = properties.of(scene)
        own.portrait.result = session.output
        film = Path(session.output)
        beside = comparison_of(film)
        shown = beside if own.portrait.comparison and beside.is_file() else film
        film_view.show_film(context, shown, start_frame=own.retarget.start_frame)
        warned = "".join(f" {message}" for _, message in session.warnings)
        return said("The portrait is in {name}.", name=film.name) + warned


class UNDERSTUDY_OT_show_film(Command, bpy.types.Operator):
    """Show the film in the Image Editor, in step with the playhead"""

    bl_idname = "understudy.show_film"
    bl_label = "Show"
    bl_options = {"REGISTER"}

    which: EnumProperty(
        name="Film",
        description="What is shown",
        items=(
            ("PORTRAIT", "Portrait", "The portrait alone"),
            ("COMPARISON", "Side by Side", "The driving video at the left, the portrait at the right"),
        ),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a film."""
        return bool(properties.of(context.scene).portrait.result)

    def act(self, context: bpy.types.Context) -> str:
        """The film's name."""
        film = result_of(context.scene)
        shown = comparison_of(film) if self.which == "COMPARISON" else film
        if not shown.is_file():
            raise UserError("no-comparison", f"There is no film {shown.name}.", "Tick Side by Side and animate again.")
        film_view.show_film(context, shown, start_frame=properties.of(context.scene).retarget.start_frame)
        return said("Shown: {name}", name=shown.name)


class UNDERSTUDY_OT_save_film(Command, bpy.types.Operator, ExportHelper):
    """Save a copy of the portrait's film where you like"""

    bl_idname = "understudy.save_film"
    bl_label = "Save As"
    bl_options = {"REGISTER"}

    filename_ext = ".mp4"
    filter_glob: StringProperty(default="*.mp4;*.mov;*.mkv", options={"HIDDEN"})
    check_extension = False  # the copy keeps the film's own ending

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a film."""
        return bool(properties.of(context.scene).portrait.result)

    def act(self, context: bpy.types.Context) -> str:
        """Where the copy is."""
        film = result_of(context.scene)
        target = Path(bpy.path.abspath(self.filepath)).with_suffix(film.suffix)
        if target.resolve() != film.resolve():
            try:
                shutil.copyfile(film, target)
            except OSError as error:
                message = f"{target} cannot be written ({error.strerror})."
                raise UserError("not-writable", message, "Choose another place.") from error
        return said("Saved as {path}.", path=target)


class UNDERSTUDY_OT_widen_film(JobCommand, bpy.types.Operator):
    """Make a copy of the portrait's film in 1920 x 1080, as H.264, with bars at the sides and its sound"""

    bl_idname = "understudy.widen_film"
    bl_label = "To 1920 x 1080"
    bl_options = {"REGISTER"}
    job_title = "Conversion"

    output: StringProperty(
        name="Film", description="Empty for beside the film", subtype="FILE_PATH", options=BLEND_RELATIVE
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a film, and no other job running."""
        return bool(properties.of(context.scene).portrait.result) and super().poll(context)

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started conversion."""
        film = result_of(context.scene)
        chosen = Path(bpy.path.abspath(self.output)) if self.output else None
        output = chosen or paths.free_path(film.parent, f"{film.stem} 1920x1080", ".mp4")
        return jobs.start_engine(Job("widen", {"film": str(film)}, str(output)), preferences.engine_python(context))

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """Where the wide film is."""
        return said("The film in 1920 x 1080 is {path}.", path=session.output)


def result_of(scene: bpy.types.Scene) -> Path:
    """The film that was made last. Raises UserError("film-missing")."""
    film = Path(bpy.path.abspath(properties.of(scene).portrait.result))
    if not film.is_file():
        raise UserError("film-missing", f"There is no film {film}.", "Animate the portrait again.")
    return film


def comparison_of(film: Path) -> Path:
    """Where the film beside the driving video stands, whether it was made or not."""
    return film.with_name(f"{film.stem}{_COMPARISON}{film.suffix}")


def inputs_of(scene: bpy.types.Scene, source: Path) -> dict[str, str]:
    """The animate job's inputs: the portrait, what drives it, and its take where there is one already."""
    own = properties.of(scene)
    chosen = own.performance.filepath if own.portrait.driving_from == "PERFORMANCE" else own.portrait.driving
    driving = Path(bpy.path.abspath(chosen))
    if not driving.is_file():
        raise UserError("video-missing", f"There is no file {driving}.", "Choose the video again.")
    inputs = {"source": str(source), "driving": str(driving)}
    take = properties.chosen_take(scene)
    if take is not None and take_files.video_of(take) == driving and take_files.path_of(take).is_file():
        inputs["take"] = str(take_files.path_of(take))
    return inputs


def options_of(scene: bpy.types.Scene) -> dict[str, Any]:
    """The animate job's options, as the panel has them; of the performance, the part that is captured is animated."""
    own = properties.of(scene).portrait
    options: dict[str, Any] = {name: getattr(own, name) for name in ("relative", "adapt_scale", "layout", "comparison")}
    options["size"] = own.size - own.size % 2  # films have even sides
    if own.driving_from == "PERFORMANCE":
        options |= performance.trim_options(properties.of(scene).performance)
    if own.match == "BEST":
        options["find_best_frame"] = True
    elif own.match == "NUMBER":
        options["best_frame"] = own.best_frame
    return options


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_choose_portrait,
    UNDERSTUDY_OT_portrait_from_character,
    UNDERSTUDY_OT_choose_driving,
    UNDERSTUDY_OT_animate_portrait,
    UNDERSTUDY_OT_show_film,
    UNDERSTUDY_OT_save_film,
    UNDERSTUDY_OT_widen_film,
)
