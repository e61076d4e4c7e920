# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering without windows: frame by frame, told about, stoppable, and whole or not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import bpy

from fomm_engine.wire.errors import Cancelled, UserError

from . import render_setup

Progress = Callable[[int, int], None]


def render_stills(scene: bpy.types.Scene, progress: Progress, stop_asked: Callable[[], bool]) -> list[Path]:
    """The PNG files of the scene's frames, each moved into place when it is whole.

    Raises Cancelled where the user stops it (finished frames stay), UserError("not-writable") for the folder.
    """
    folder = _writable_folder(Path(bpy.path.abspath(scene.render.filepath)).parent)
    frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    pattern, partial = scene.render.filepath, folder / f".part-{os.getpid()}"
    written: list[Path] = []
    try:
        for done, number in enumerate(frames):
            _raise_if(stop_asked)
            target = folder / f"{render_setup.FRAME_STEM}{number:04d}.png"
            written.append(_render_still(scene, number, partial / target.name, target))
            progress(done + 1, len(frames))
    finally:
        scene.render.filepath = pattern
        shutil.rmtree(partial, ignore_errors=True)
    return written


def render_film(scene: bpy.types.Scene, progress: Progress) -> Path:
    """The film of the scene's frames, moved into place when it is whole. Raises UserError("not-writable")."""
    target = Path(bpy.path.abspath(scene.render.filepath))
    folder = _writable_folder(target.parent)
    pattern, partial = scene.render.filepath, folder / f".part-{os.getpid()}-{target.name}"
    total, done = scene.frame_end - scene.frame_start + 1, 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        progress(done, total)

    bpy.app.handlers.render_post.append(count)
    try:
        scene.render.filepath = str(partial)
        bpy.ops.render.render(animation=True)
        partial.replace(target)
    finally:
        bpy.app.handlers.render_post.remove(count)
        scene.render.filepath = pattern
        partial.unlink(missing_ok=True)
    return target


def _render_still(scene: bpy.types.Scene, number: int, partial: Path, target: Path) -> Path:
    scene.frame_set(number)
    scene.render.filepath = str(partial)
    bpy.ops.render.render(write_still=True)
    partial.replace(target)
    return target


def _writable_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made ({error.strerror})."
        raise UserError("not-writable", message, "Choose another one.") from error
    if not os.access(folder, os.W_OK):
        raise UserError("not-writable", f"{folder} cannot be written.", "Choose another folder.")
    return folder


def _raise_if(stop_asked: Callable[[], bool]) -> None:
    if stop_asked():
        raise Cancelled("the render was stopped")
