# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the extension finds its own files, and where the user's are kept."""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path, PureWindowsPath

import bpy

from fomm_engine.wire.claim import is_claimed
from fomm_engine.wire.unfinished import LONGEST_NAME, parts_folder

PACKAGE = (__package__ or "").rpartition(".")[0]
_FORBIDDEN = '<>:"/\\|?*'
_ROOM_FOR_NUMBER = 8  # bytes: "-2" and so on, and the "_" before a reserved name
_EXTENSION_ROOT = Path(__file__).resolve().parents[1]


def rigs_folder() -> Path:
    """The folder `rigs`: inside the installed extension, or beside it where the product runs from its sources.

    Raises FileNotFoundError where the extension is incomplete.
    """
    for root in (_EXTENSION_ROOT, _EXTENSION_ROOT.parent):
        if (root / "rigs" / "conventions").is_dir():
            return root / "rigs"
    raise FileNotFoundError(f"rigs/conventions is missing in {_EXTENSION_ROOT}; install the extension again")


def convention_files() -> list[Path]:
    """The rig maps that come with the extension, by name."""
    return sorted((rigs_folder() / "conventions").glob("*.json"))


def source_root() -> Path | None:
    """The folder that holds the engine's sources, where the add-on runs from its source tree; None when installed."""
    root = _EXTENSION_ROOT.parent
    return root if (root / "fomm_engine" / "__main__.py").is_file() else None


def engine_package() -> Path:
    """The engine's wheel inside the extension, or the source tree. Raises FileNotFoundError where there is neither."""
    wheels = sorted((_EXTENSION_ROOT / "wheels").glob("fomm_engine-*.whl"))
    if wheels:
        return wheels[-1]
    root = source_root()
    if root is None:
        raise FileNotFoundError(f"the engine's wheel is missing in {_EXTENSION_ROOT}; install the extension again")
    return root


@cache
def version() -> str:
    """The extension's version, as its manifest states it."""
    return str(tomllib.loads((_EXTENSION_ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))["version"])


def user_folder(name: str = "", *, create: bool = True) -> Path:
    """The extension's own folder for user data; Blender removes it on uninstall."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, path=name, create=create))
    except ValueError:  # not run as an installed extension
        folder = Path(bpy.utils.user_resource("DATAFILES")) / "understudy" / name
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        return folder


def models_folder() -> Path:
    """Where downloaded weights and what the engine compiles for this machine are kept."""
    return user_folder("models", create=False)


def portraits_folder() -> Path:
    """The folder of the portraits that come with the extension, a folder in it for each category."""
    return _EXTENSION_ROOT / "portraits"


def takes_folder(chosen: str = "") -> Path:
    """The folder where new takes go: the chosen one, else `takes` beside the .blend, else the user folder's."""
    if chosen:
        folder = Path(bpy.path.abspath(chosen))
    elif bpy.data.filepath:
        folder = Path(bpy.data.filepath).parent / "takes"
    else:
        folder = user_folder("takes")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def free_path(folder: Path, stem: str, ending: str) -> Path:
    """A path in `folder` that does not exist yet and that no job is making: stem.ending, stem-2.ending, ...

    A stem that is too long for a file's name, or that Windows keeps for itself, is changed.
    """
    stem = _portable(stem, LONGEST_NAME - len(os.fsencode(ending)) - _ROOM_FOR_NUMBER)
    path, number = folder / f"{stem}{ending}", 2
    while path.exists() or is_claimed(parts_folder(path)):
        path, number = folder / f"{stem}-{number}{ending}", number + 1
    return path


def _portable(stem: str, longest: int) -> str:
    """The stem in at most `longest` bytes, without what Windows forbids in names (the rules are at
    https://learn.microsoft.com/windows/win32/fileio/naming-a-file)."""
    kept = "".join("_" if letter in _FORBIDDEN or ord(letter) < 32 else letter for letter in stem)
    kept = os.fsencode(kept)[:longest].decode("utf-8", "ignore").rstrip(" .") or "take"
    return f"_{kept}" if PureWindowsPath(kept).is_reserved() else kept
