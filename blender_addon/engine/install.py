# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own environment as the add-on sees it: what is there, the job that makes it, its removal."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

from .builds import BUILDS, size_words

ENVIRONMENT, DOWNLOADS = "understudy-engine", "downloads"
NOTE = "understudy-engine.json"


@dataclass(frozen=True)
class Installed:
    """What the note in a finished environment says: the package's file name and size, the build, whose Python it is."""

    package: str
    size: int
    device: str
    base: str

    def is_of(self, package: Path) -> bool:
        """Whether this is what installing `package` would give. The product's sources are always up to date."""
        if package.suffix != ".whl":
            return True
        return self.package == package.name and self.size in (0, package.stat().st_size)


def environment_python(folder: Path) -> Path:
    """The interpreter inside an environment folder; an interpreter's own path is given back as it is."""
    if folder.is_file():
        return folder
    windows, posix = folder / "Scripts" / "python.exe", folder / "bin" / "python"
    return windows if os.name == "nt" or windows.is_file() else posix


def installed(folder: Path) -> Installed | None:
    """What was installed whole into the environment `folder`; None for nothing, or for half of it."""
    try:
        note = json.loads((folder / NOTE).read_text(encoding="ascii"))
        return Installed(
            str(note["package"]), int(note.get("bytes", 0)), str(note.get("device", "")), str(note.get("base", ""))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def is_begun(folder: Path) -> bool:
    """Whether an earlier installation into the environment `folder` left something to go on with."""
    return installed(folder) is None and (folder.exists() or folder.with_name(DOWNLOADS).exists())


def install_job(package: Path, folder: Path, *, device: str, wheels: Path | None = None) -> Job:
    """The job that makes the environment `folder`, which is there afterwards, from the engine's wheel or sources.

    wheels: a folder to install from without any network. Raises UserError("disk-full", "not-writable",
    "wheels-missing").
    """
    build = BUILDS[device]
    if wheels is not None and not any(wheels.glob("*.whl")):
        raise UserError("wheels-missing", f"There are no wheels in {wheels}.", "Choose the folder that holds them.")
    require_room(folder, build.disk_bytes + (0 if wheels else build.download_bytes))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made ({error.strerror})."
        raise UserError("not-writable", message, "Choose another folder in the preferences.") from error
    options = {"device": device, "torch_index": build.torch_index, "wheels": str(wheels or "")}
    return Job("install", {"package": str(package)}, str(folder / NOTE), options)


def require_room(folder: Path, wanted: int) -> None:
    """Nothing, where the disk has room for `wanted` bytes besides what is in `folder` already.

    Raises UserError("disk-full") otherwise.
    """
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    there = installed(folder)
    if there is None and free < wanted:
        message = f"The engine needs {size_words(wanted)}; {place} has {size_words(free)} free."
        raise UserError("disk-full", message, "Make room, or choose another folder in the preferences.")


def remove_engine(folder: Path) -> bool:
    """Whether there was something to remove; the environment `folder` and its downloads are gone.

    Raises UserError("not-removed") where files of it are in use.
    """
    found = [path for path in (folder, folder.with_name(DOWNLOADS)) if path.exists()]
    for path in found:
        try:
            shutil.rmtree(path)
        except OSError as error:
            hint = "Close programs that use it and try again."
            raise UserError("not-removed", f"{error.filename} cannot be removed ({error.strerror}).", hint) from error
    return bool(found)
