# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the takes' files are: found again after the .blend, the folder or the file was moved; copied; searched for."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import bpy

from fomm_engine.wire.errors import UserError

from .. import paths, preferences, properties

LARGEST_INT = 2**31 - 1
MOST_FILES = 20_000  # looked at in a search: a wrong folder must not take minutes
_REMEMBERED_S = 2.0


def path_of(take: properties.UnderstudyTake) -> Path:
    """Where the take's file is; where it was last, if it is nowhere.

    Tried in turn: where the scene says, where it was last (a scene that was appended from another folder), beside the
    .blend and in its takes folder (a folder that was moved). A file of another size is another take's.
    """
    known = [_absolute(take.filepath), *beside(take.absolute, take.filepath)]
    there = [path for path in known if path.is_file()]
    same = [path for path in there if take.bytes in (0, size_of(path))]
    return (same or there or known)[0]


def video_of(take: properties.UnderstudyTake) -> Path | None:
    """Where the take's video is, or was last; None for a take without one."""
    if not take.video:
        return None
    known = [_absolute(take.video), *beside(take.video_absolute, take.video)]
    return next((path for path in known if path.is_file()), known[0])


def beside(last: str, stated: str) -> Iterator[Path]:
    """Where else a file may be that is stated to be at one place and was last at another."""
    if last:
        yield Path(last)
    name = Path(stated.replace("\\", "/")).name
    if bpy.data.filepath and name:
        folder = Path(bpy.data.filepath).parent
        yield folder / name
        yield folder / "takes" / name


class Lookups:
    """Questions to the disk, asked at most every two seconds: panels and views are drawn far more often."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Any]] = {}

    def ask(self, key: str, look: Callable[[], Any]) -> Any:
        """What `look()` said a moment ago, or says now."""
        now = time.monotonic()
        found = self._known.get(key)
        if found is None or now - found[0] > _REMEMBERED_S:
            found = self._known[key] = now, look()
        return found[1]

    def forget(self) -> None:
        """Nothing; the disk is asked again."""
        self._known.clear()


LOOKUPS = Lookups()


def is_there(take: properties.UnderstudyTake) -> bool:
    """Whether the take's file exists; for panels."""
    return LOOKUPS.ask(f"{take.filepath}|{take.absolute}|{bpy.data.filepath}", lambda: path_of(take).is_file())


def seen_video(take: properties.UnderstudyTake) -> str:
    """Where the take's video is, empty where it is not there; for panels."""

    def look() -> str:
        found = video_of(take)
        return str(found) if found is not None and found.is_file() else ""

    return LOOKUPS.ask(f"{take.video}|{take.video_absolute}|{bpy.data.filepath}", look)


def remember(take: properties.UnderstudyTake, path: Path) -> None:
    """Nothing; the take knows where its file and its video are."""
    take.filepath, take.absolute = as_kept(path), str(path)
    take.bytes = min(LARGEST_INT, size_of(path))
    video = video_of(take)
    take.video_absolute = str(video) if video is not None else ""
    LOOKUPS.forget()


def folder_of(scene: bpy.types.Scene) -> Path:
    """The folder for new takes of this scene, made where it is missing: its own, the preferences', beside the .blend.

    Raises UserError("not-writable").
    """
    chosen = properties.of(scene).takes_folder
    if chosen.startswith("//") and not bpy.data.filepath:
        chosen = ""  # beside a .blend that is not there yet
    try:
        return paths.takes_folder(chosen) if chosen else preferences.takes_folder(bpy.context)
    except OSError as error:
        message = f"The takes folder {chosen} cannot be made ({error.strerror})."
        raise UserError("not-writable", message, "Choose another folder.") from error


def digest(path: Path) -> str:
    """The SHA-256 of the file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_whole(source: Path, target: Path) -> None:
    """Nothing; `target` is a copy, whole or not there. Raises UserError("not-writable")."""
    partial = target.with_name(f".part-{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"{source.name} cannot be copied to {target} ({error.strerror})."
        raise UserError("not-writable", message, "Choose another folder, or free some space.") from error


def search(folder: Path, takes: Iterable[properties.UnderstudyTake], *, below: bool = True) -> int:
    """How many of the missing takes were found in the folder (and below it) by their content, whatever the files are
    called."""
    wanted = [take for take in takes if not path_of(take).is_file()]
    found = 0
    for path in _captures_in(folder, below=below) if wanted else ():
        alike = [take for take in wanted if take.bytes in (0, size_of(path))]
        content = digest(path) if alike else ""
        for take in [take for take in alike if take.sha256 == content]:
            remember(take, path)
            wanted.remove(take)
            found += 1
        if not wanted:
            break
    return found


def gather(take: properties.UnderstudyTake, folder: Path, *, with_video: bool) -> int:
    """How many files were copied into the folder; the take stands for the copies from now on.

    Raises UserError where one cannot be copied.
    """
    copied, source, video = 0, path_of(take), video_of(take)
    if with_video and video is not None and video.is_file() and video.parent != folder:
        target = same_or_free(folder, video)
        copied += copy_new(video, target)
        take.video, take.video_absolute = as_kept(target), str(target)
    if source.is_file() and source.parent != folder:
        target = same_or_free(folder, source)
        copied += copy_new(source, target)
        remember(take, target)
    return copied


def as_kept(path: Path) -> str:
    """The path as the scene keeps it: relative to the .blend, where the user wants that and it is possible."""
    return relative(path, Path(bpy.data.filepath).parent) if bpy.data.filepath else str(path)


def relative(path: Path, folder: Path) -> str:
    """The path as a .blend in that folder keeps it: beginning with // where the user wants that and it is possible."""
    if not bpy.context.preferences.filepaths.use_relative_paths:
        return str(path)
    try:
        return "//" + os.path.relpath(path, folder).replace("\\", "/")
    except ValueError:  # another drive
        return str(path)


def size_of(path: Path) -> int:
    """The file's bytes, -1 where there is no file."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _absolute(path: str) -> Path:
    return Path(os.path.normpath(bpy.path.abspath(path)))


def _captures_in(folder: Path, *, below: bool) -> Iterator[Path]:
    looked_at = 0
    for place, _, names in os.walk(folder):
        for name in names:
            looked_at += 1
            if looked_at > MOST_FILES:
                return
            if name.lower().endswith(".npz"):
                yield Path(place) / name
        if not below:
            return


def same_or_free(folder: Path, source: Path) -> Path:
    """Where the copy goes: over nothing but a file of the same content."""
    target = folder / source.name
    if not target.is_file() or (size_of(target) == size_of(source) and digest(target) == digest(source)):
        return target
    ending = ".capture.npz" if source.name.endswith(".capture.npz") else source.suffix
    return paths.free_path(folder, source.name.removesuffix(ending), ending)


def copy_new(source: Path, target: Path) -> int:
    """How many files were copied: none where the target is there already. Raises UserError as `copy_whole` does."""
    if target.is_file():
        return 0
    copy_whole(source, target)
    return 1
