# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the portrait: choose a picture, and let the engine animate it with the performance."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

from ...engine.session import Session
from .. import jobs, paths, preferences, properties
from ..compat import BLEND_RELATIVE
from .base import Command, JobCommand


class UNDERSTUDY_OT_choose_portrait(Command, bpy.types.Operator, ImportHelper):
    """Choose a picture of a face"""

    bl_idname = "understudy.choose_portrait"
    bl_label = "Choose Portrait"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(default="*.png;*.jpg;*.jpeg;*.webp;*.bmp;*.tif;*.tiff", options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """The picture's name."""
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise UserError("portrait-missing", f"There is no file {path}.", "Choose the picture again.")
        properties.of(context.scene).portrait.source = str(path)
        return f"Portrait: {path.name}"


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
    weights: StringProperty(name="Weights", description="A checkpoint's file, or default", default="default")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a performance, and no other job running."""
        if not properties.of(context.scene).performance.filepath:
            cls.poll_message_set("Choose a performance video first")
            return False
        return super().poll(context)

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started animation."""
        own = properties.of(context.scene)
        source = Path(bpy.path.abspath(self.source or own.portrait.source))
        if not source.is_file():
            raise UserError("portrait-missing", "There is no portrait to animate.", "Choose a picture of a face.")
        self._scene_name = context.scene.name
        chosen = Path(bpy.path.abspath(self.output)) if self.output else None
        output = chosen or paths.free_path(preferences.takes_folder(context), f"{source.stem} portrait", ".mp4")
        options = {"relative": own.portrait.relative, "adapt_scale": own.portrait.adapt_scale}
        job = Job("animate", self._inputs(context, source), str(output), options, self.weights)
        return jobs.start_engine(job, preferences.engine_python(context))

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """Where the film is; it is loaded as an image, ready for the Image Editor."""
        scene = bpy.data.scenes.get(self._scene_name) or context.scene
        properties.of(scene).portrait.result = session.output
        show_film(context, Path(session.output))
        warned = "".join(f" {message}" for _, message in session.warnings)
        return f"The portrait is in {Path(session.output).name}.{warned}"

    def _inputs(self, context: bpy.types.Context, source: Path) -> dict[str, str]:
        driving = bpy.path.abspath(properties.of(context.scene).performance.filepath)
        inputs = {"source": str(source), "driving": driving}
        take = properties.chosen_take(context.scene)
        if take is not None and bpy.path.abspath(take.video) == driving:
            inputs["take"] = bpy.path.abspath(take.filepath)
        return inputs


def show_film(context: bpy.types.Context, path: Path) -> bpy.types.Image:
    """The film as Blender's image, shown in every open Image Editor."""
    image = bpy.data.images.load(str(path), check_existing=True)
    image.source = "MOVIE"
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                space = area.spaces.active
                space.image = image
                space.image_user.frame_duration = image.frame_duration
                space.image_user.use_auto_refresh = True
    return image
