# SPDX-License-Identifier: GPL-3.0-or-later
"""What saving and loading a .blend does to the paths of takes and performances: kept relative, found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from fomm_engine.wire.errors import UserError

from .. import paths, properties
from .take_files import LOOKUPS, copy_new, path_of, relative, remember, same_or_free, size_of, video_of


class SavedPaths:
    """Paths while the .blend is saved: relative to the new place, and as they were again where only a copy is saved."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, str]] = []

    def turn(self, target: Path) -> None:
        """Nothing; the paths of all scenes are right for a .blend at `target`."""
        self._before.clear()
        for scene in bpy.data.scenes:
            own = properties.of(scene)
            for take in own.takes:
                self._bring_along(scene, take, target)
                self._set(take, "filepath", path_of(take), target.parent)
                self._set(take, "video", video_of(take), target.parent)
            video = own.performance.filepath
            self._set(own.performance, "filepath", Path(bpy.path.abspath(video)) if video else None, target.parent)

    def finish(self, target: Path) -> None:
        """Nothing; where a copy was saved, the open file's paths are as before."""
        if Path(bpy.data.filepath) != target:
            for owner, name, value in self._before:
                setattr(owner, name, value)
        self._before.clear()
        LOOKUPS.forget()

    def _set(self, owner: Any, name: str, path: Path | None, folder: Path) -> None:
        before = getattr(owner, name)
        after = relative(path, folder) if path is not None and path.is_absolute() else before
        if after != before:
            self._before.append((owner, name, before))
            setattr(owner, name, after)

    def _bring_along(self, scene: bpy.types.Scene, take: properties.UnderstudyTake, target: Path) -> None:
        """Nothing; a take that was captured before the file was first saved lies beside it now, not in the extension's
        own folder, which goes when the extension is removed."""
        path = path_of(take)
        if bpy.data.filepath or path.parent != paths.user_folder("takes", create=False) or not path.is_file():
            return
        chosen = properties.of(scene).takes_folder
        folder = target.parent / (chosen.removeprefix("//") if chosen.startswith("//") else "takes")
        copy = same_or_free(folder, path)
        try:
            copy_new(path, copy)
        except UserError:
            return  # the .blend is saved in any case, and the take stays where it is
        for name, value in (("filepath", str(copy)), ("absolute", str(copy))):
            self._before.append((take, name, getattr(take, name)))
            setattr(take, name, value)


SAVED_PATHS = SavedPaths()


@persistent
def before_save(target: Any = "", *_: Any) -> None:
    """Nothing; Blender is about to save to `target` (empty for the start-up file)."""
    if isinstance(target, str) and target:
        SAVED_PATHS.turn(Path(target))


@persistent
def after_save(target: Any = "", *_: Any) -> None:
    """Nothing; Blender has saved, or could not."""
    if isinstance(target, str) and target:
        SAVED_PATHS.finish(Path(target))


@persistent
def after_load(*_: Any) -> None:
    """Nothing; takes that are found in another place than the file says stand for what was found."""
    LOOKUPS.forget()
    for scene in bpy.data.scenes:
        for take in properties.of(scene).takes:
            path = path_of(take)
            if path.is_file() and take.bytes in (0, size_of(path)):
                remember(take, path)


_HANDLERS = (
    ("save_pre", before_save),
    ("save_post", after_save),
    ("save_post_fail", after_save),
    ("load_post", after_load),
)


def start() -> None:
    """Nothing; saving and loading keep the paths from now on."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def stop() -> None:
    """Nothing; saving and loading leave the paths alone."""
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
