# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the list of takes: import, export, duplicate, find again, take off the list."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.errors import UserError

from .. import paths, preferences, properties, takes
from .base import Command
from .neutral import TakeCommand


class UNDERSTUDY_OT_import_take(Command, bpy.types.Operator, ImportHelper):
    """Add a take that was captured before"""

    bl_idname = "understudy.import_take"
    bl_label = "Import Take"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """The take's name and length."""
        take = takes.add_take(context.scene, Path(bpy.path.abspath(self.filepath)))
        return f"Take {take.name}: {take.frames} frames, {take.duration_s:.1f} s"


class UNDERSTUDY_OT_remove_take(TakeCommand, bpy.types.Operator):
    """Take it off the list; the capture file stays on the disk"""

    bl_idname = "understudy.remove_take"
    bl_label = "Remove Take"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """The name of the take that is gone from the list."""
        own = properties.of(context.scene)
        name = own.takes[own.take_index].name
        own.takes.remove(own.take_index)
        own.take_index = max(0, min(own.take_index, len(own.takes) - 1))
        return f"{name} is off the list; its file is kept."


class UNDERSTUDY_OT_duplicate_take(TakeCommand, bpy.types.Operator):
    """Make a copy of the take with a file of its own"""

    bl_idname = "understudy.duplicate_take"
    bl_label = "Duplicate Take"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """The copy's name."""
        take = takes.require_chosen(context.scene)
        source = _require_file(take)
        stem = source.name.removesuffix(".npz").removesuffix(".capture")
        target = paths.free_path(preferences.takes_folder(context), stem, ".capture.npz")
        video, actor, name = take.video, take.actor, take.name
        _copy(source, target)
        copied = takes.add_take(context.scene, target, video=video)
        copied.actor, copied.name = actor, takes.free_name(context.scene, name)
        return f"{copied.name} is a copy with a file of its own."


class UNDERSTUDY_OT_export_take(TakeCommand, bpy.types.Operator, ExportHelper):
    """Copy the take to another place, with its video or without"""

    bl_idname = "understudy.export_take"
    bl_label = "Export Take"
    bl_options = {"REGISTER"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})
    with_video: BoolProperty(name="With Video", description="Copy the performance's video beside it", default=False)

    def act(self, context: bpy.types.Context) -> str:
        """What was copied."""
        take = takes.require_chosen(context.scene)
        source, target = _require_file(take), Path(bpy.path.abspath(self.filepath))
        if source.resolve() == target.resolve():
            raise UserError("same-file", "This is the take's own file.", "Choose another place.")
        video = Path(bpy.path.abspath(take.video)) if take.video and self.with_video else None
        if video is not None and not video.is_file():
            raise UserError("video-missing", f"The take's video {video} is not there.", "Export without the video.")
        _copy(source, target)
        if video is None:
            return f"{take.name} is in {target.name}."
        _copy(video, target.with_name(video.name))
        return f"{take.name} is in {target.name}, its video in {video.name}."


class UNDERSTUDY_OT_relink_take(TakeCommand, bpy.types.Operator, ImportHelper):
    """Find the take's file again, after it was moved or renamed"""

    bl_idname = "understudy.relink_take"
    bl_label = "Relink Take"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})
    force: BoolProperty(name="Another Take", description="Accept a file with another content", default=False)

    def act(self, context: bpy.types.Context) -> str:
        """Where the take is now."""
        take, path = takes.require_chosen(context.scene), Path(bpy.path.abspath(self.filepath))
        if not takes.relink(take, path, force=self.force):
            message = f"{path.name} is another take than {take.name}."
            raise UserError("another-take", message, "Choose the right file, or allow another take.")
        return f"{take.name} is {path.name} now."


def _require_file(take: properties.UnderstudyTake) -> Path:
    """The take's file, which can be read."""
    path = Path(bpy.path.abspath(take.filepath))
    read_capture(path)
    return path


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(f".part-{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"{source.name} cannot be copied to {target} ({error.strerror})."
        raise UserError("not-writable", message, "Choose another folder, or free some space.") from error


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_import_take,
    UNDERSTUDY_OT_remove_take,
    UNDERSTUDY_OT_duplicate_take,
    UNDERSTUDY_OT_export_take,
    UNDERSTUDY_OT_relink_take,
)
