# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering: the folder is tried before; frames and films are whole or not there; every refusal is one sentence."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy

from fomm_engine.wire.errors import Cancelled, UserError

from .. import compat
from . import output

Progress = Callable[[int, int], None]
LEAST_FREE_BYTES = 64 * 2**20
_WHY = {errno.ENOSPC: "the disk is full", errno.EROFS: "it is read-only", errno.EACCES: "you may not write there"}


def require_folder(scene: bpy.types.Scene) -> Path:
    """The folder that the scene renders to, made and tried out. Raises UserError("not-writable", "disk-full")."""
    folder = Path(bpy.path.abspath(scene.render.filepath)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made ({_reason(error)})."
        raise UserError("not-writable", message, "Choose another one.") from error
    probe = folder / f".part-{os.getpid()}-probe"
    try:
        probe.write_bytes(b"understudy")
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        hint = "Make room, or choose another folder."
        raise UserError("disk-full", f"Only {free // 2**20} MB are free for {folder}.", hint)
    return folder


def render_stills(scene: bpy.types.Scene, progress: Progress, stop_asked: Callable[[], bool]) -> list[Path]:
    """The PNG files of the scene's frames, each moved into place when it is whole.

    Raises Cancelled where the user stops it (finished frames stay), UserError("not-writable", "disk-full",
    "render-failed").
    """
    folder = require_folder(scene)
    frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    partial = folder / f".part-{os.getpid()}"
    written: list[Path] = []
    with _kept_path(scene), _told(folder):
        try:
            for done, number in enumerate(frames):
                _raise_if(stop_asked)
                target = folder / f"{output.FRAME_STEM}{number:04d}.png"
                scene.frame_set(number)
                written.append(_render_still(scene, partial / target.name, target))
                progress(done + 1, len(frames))
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return written


def render_still(scene: bpy.types.Scene) -> Path:
    """The PNG file of the present frame, whatever the scene renders otherwise. Raises UserError as the others do."""
    folder = require_folder(scene)
    target = still_path(scene)
    partial = folder / f".part-{os.getpid()}"
    with _kept_path(scene), compat.as_image_output(scene), _told(folder):
        try:
            return _render_still(scene, partial / target.name, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def still_path(scene: bpy.types.Scene) -> Path:
    """Where a still of the present frame goes: beside the film or the frames."""
    folder = Path(bpy.path.abspath(scene.render.filepath)).parent
    return folder / f"{output.STILL_STEM}{scene.frame_current:04d}.png"


def render_film(scene: bpy.types.Scene, progress: Progress) -> Path:
    """The film of the scene's frames, moved into place when it is whole. Raises UserError as the others do."""
    target = Path(bpy.path.abspath(scene.render.filepath))
    folder = require_folder(scene)
    partial = folder / f".part-{os.getpid()}-{target.name}"
    total, done = scene.frame_end - scene.frame_start + 1, 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        progress(done, total)

    bpy.app.handlers.render_post.append(count)
    with _kept_path(scene), _told(folder):
        try:
            scene.render.filepath = str(partial)
            bpy.ops.render.render(animation=True)
            partial.replace(target)
        finally:
            bpy.app.handlers.render_post.remove(count)
            partial.unlink(missing_ok=True)
    return target


def _render_still(scene: bpy.types.Scene, partial: Path, target: Path) -> Path:
    scene.render.filepath = str(partial)
    bpy.ops.render.render(write_still=True)
    partial.replace(target)
    return target


@contextlib.contextmanager
def _kept_path(scene: bpy.types.Scene) -> Iterator[None]:
    """A while in which the scene's output may point elsewhere."""
    pattern, ending = scene.render.filepath, scene.render.use_file_extension
    scene.render.use_file_extension = False
    try:
        yield
    finally:
        scene.render.filepath, scene.render.use_file_extension = pattern, ending


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """A while in which what goes wrong on the disk, or in Blender's renderer, becomes one sentence."""
    try:
        yield
    except OSError as error:
        full = shutil.disk_usage(folder).free < LEAST_FREE_BYTES
        raise _unwritable(folder, OSError(errno.ENOSPC, "") if full else error) from error
    except RuntimeError as error:  # Blender's operators raise nothing else
        if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
            raise _unwritable(folder, OSError(errno.ENOSPC, "")) from error
        said = str(error).strip().splitlines()[0].removeprefix("Error: ").rstrip(".")
        raise UserError("render-failed", f"Blender could not render: {said}.", "Look at camera and output.") from error


def _unwritable(folder: Path, error: OSError) -> UserError:
    code = "disk-full" if error.errno == errno.ENOSPC else "not-writable"
    hint = "Make room, or choose another folder." if code == "disk-full" else "Choose another folder."
    return UserError(code, f"{folder} cannot be written: {_reason(error)}.", hint)


def _reason(error: OSError) -> str:
    return _WHY.get(error.errno or 0) or str(error.strerror)


def _raise_if(stop_asked: Callable[[], bool]) -> None:
    if stop_asked():
        raise Cancelled("the render was stopped")
