# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for the list of takes: import, export, duplicate, find again, keep together, take off the list."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.errors import UserError

from .. import paths, properties
from ..capturing import performance, take_files, takes
from ..capturing.placing import places
from ..compat import BLEND_RELATIVE
from ..translation import said, words
from .base import Command
from .dropping import Droppable, Dropped
from .neutral import TakeCommand


class UNDERSTUDY_OT_import_take(Command, bpy.types.Operator, Droppable):
    """Add a take that was captured before; its file can also be dropped into the 3D view"""

    bl_idname = "understudy.import_take"
    bl_label = "Import Take"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        """The take's name and length."""
        take = takes.add_take(context.scene, Path(bpy.path.abspath(self.filepath)))
        return said(
            "Take {name}: {count} frames, {seconds:.1f} s", name=take.name, count=take.frames, seconds=take.duration_s
        )


class UNDERSTUDY_FH_take(Dropped, bpy.types.FileHandler):
    """A take that is dropped into Blender"""

    bl_idname = "UNDERSTUDY_FH_take"
    bl_label = "Understudy Take"
    bl_import_operator = "understudy.import_take"
    bl_file_extensions = ".npz"


class UNDERSTUDY_OT_remove_take(TakeCommand, bpy.types.Operator):
    """Delete the take from the list; its capture file stays on the disk, and undo brings it back"""

    bl_idname = "understudy.remove_take"
    bl_label = "Delete Take"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """The name of the take that is gone from the list."""
        own = properties.of(context.scene)
        index = own.take_index
        name = own.takes[index].name
        own.takes.remove(index)
        own.take_index = max(0, min(index, len(own.takes) - 1))
        return said("{name} is off the list; its file is kept.", name=name)


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
        target = paths.free_path(take_files.folder_of(context.scene), stem, ".capture.npz")
        video, actor, name = str(take_files.video_of(take) or ""), take.actor, take.name
        take_files.copy_whole(source, target)
        copied = takes.add_take(context.scene, target, video=video)
        copied.actor, copied.name = actor, takes.free_name(context.scene, name)
        return said("{name} is a copy with a file of its own.", name=copied.name)


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
        video = _require_video(take) if self.with_video else None
        take_files.copy_whole(source, target)
        if video is None:
            return said("{name} is in {file}.", name=take.name, file=target.name)
        if video.parent.resolve() != target.parent.resolve():
            take_files.copy_whole(video, target.with_name(video.name))
        return said("{name} is in {file}, its video in {video}.", name=take.name, file=target.name, video=video.name)


class UNDERSTUDY_OT_relink_take(TakeCommand, bpy.types.Operator, ImportHelper):
    """Find the take's file again, after it was moved or renamed"""

    bl_idname = "understudy.relink_take"
    bl_label = "Relink Take"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})
    force: BoolProperty(name="Another Take", description="Accept a file with another content", default=False)

    def act(self, context: bpy.types.Context) -> str:
        """Where the take is now, and how many others were found beside it."""
        take, path = takes.require_chosen(context.scene), Path(bpy.path.abspath(self.filepath))
        if not takes.relink(take, path, force=self.force):
            message = f"{path.name} is another take than {take.name}."
            raise UserError("another-take", message, "Choose the right file, or allow another take.")
        others = take_files.search(path.parent, properties.of(context.scene).takes, below=False)
        if others:
            return said("{name} is {file} now; {count} more were found.", name=take.name, file=path.name, count=others)
        return said("{name} is {file} now.", name=take.name, file=path.name)


class UNDERSTUDY_OT_find_takes(Command, bpy.types.Operator):
    """Look for all missing takes in a folder and below it, by their content, whatever the files are called now"""

    bl_idname = "understudy.find_takes"
    bl_label = "Find Missing Takes"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(name="Folder", description="Where to look", subtype="DIR_PATH", options=BLEND_RELATIVE)
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True where a take is missing."""
        if all(take_files.is_there(take) for take in properties.of(context.scene).takes):
            cls.poll_message_set(words("No take is missing"))  # type: ignore[attr-defined]
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """The choice of a folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> str:
        """How many were found."""
        folder = Path(bpy.path.abspath(self.directory))
        if not folder.is_dir():
            raise UserError("no-folder", f"There is no folder {folder}.", "Choose another one.")
        found = take_files.search(folder, properties.of(context.scene).takes)
        if not found:
            raise UserError("not-found", f"None of the missing takes is in {folder}.", "Choose another folder.")
        return said("{count} takes were found.", count=found) if found != 1 else said("1 take was found.")


class UNDERSTUDY_OT_gather_takes(TakeCommand, bpy.types.Operator):
    """Copy all takes of the scene into its takes folder, so that the folder can be moved or sent as a whole"""

    bl_idname = "understudy.gather_takes"
    bl_label = "Gather Takes Beside the .blend"
    bl_options = {"REGISTER", "UNDO"}

    with_video: BoolProperty(name="With Videos", description="Copy the performances' videos too", default=True)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """The choice whether the videos come along."""
        return context.window_manager.invoke_props_dialog(self)

    def act(self, context: bpy.types.Context) -> str:
        """How many files were copied."""
        folder = take_files.folder_of(context.scene)
        every = properties.of(context.scene).takes
        copied = sum(take_files.gather(take, folder, with_video=self.with_video) for take in every)
        return said("{count} files were copied into {folder}.", count=copied, folder=folder.name)


class UNDERSTUDY_OT_adopt_takes(Command, bpy.types.Operator):
    """Add the takes that the baked Actions came from, for a character that was appended from another file"""

    bl_idname = "understudy.adopt_takes"
    bl_label = "Add Takes of Baked Actions"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """Which takes are in the list now."""
        added = takes.adopt(context.scene)
        if not added:
            message = "No baked Action of this file has a take that is not listed and can be found."
            raise UserError("no-takes", message, "Import the take, or put its file beside the .blend.")
        return said("Added {names}.", names=", ".join(added))


class UNDERSTUDY_OT_use_take_video(TakeCommand, bpy.types.Operator):
    """Make the take's video the performance: to see it in the scene, or to capture it again"""

    bl_idname = "understudy.use_take_video"
    bl_label = "Use the Take's Video"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> str:
        """Which video it is."""
        scene = context.scene
        take = takes.require_chosen(scene)
        video = _require_video(take)
        performance.choose_performance(scene, video)
        performance.set_trim(properties.of(scene).performance, take.start_s, take.duration_s)
        if places.placed(scene):
            places.follow(scene)
        return said("{name} is the performance now.", name=video.name)


def _require_file(take: properties.UnderstudyTake) -> Path:
    """The take's file, which can be read."""
    path = take_files.path_of(take)
    read_capture(path)
    return path


def _require_video(take: properties.UnderstudyTake) -> Path:
    """The take's video, which is there."""
    video = take_files.video_of(take)
    if video is None:
        raise UserError("video-missing", f"{take.name} has no video.", "Go on without it.")
    if not video.is_file():
        raise UserError("video-missing", f"The take's video {video} is not there.", "Go on without it, or put it back.")
    return video


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_import_take,
    UNDERSTUDY_FH_take,
    UNDERSTUDY_OT_remove_take,
    UNDERSTUDY_OT_duplicate_take,
    UNDERSTUDY_OT_export_take,
    UNDERSTUDY_OT_relink_take,
    UNDERSTUDY_OT_find_takes,
    UNDERSTUDY_OT_gather_takes,
    UNDERSTUDY_OT_adopt_takes,
    UNDERSTUDY_OT_use_take_video,
)
