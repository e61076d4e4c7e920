# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python makes the engine's environment: the same rule on Linux, macOS and Windows."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from fomm_engine.wire.errors import UserError

from .command import clean_environment

WANTED = ((3, 11), (3, 12), (3, 13))
_PROBE_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Shelf:
    """Where Pythons are looked for: the system ("linux", "darwin", "windows"), what its PATH finds, which files exist,
    its environment, and the Python that Blender itself runs (None where that is not known)."""

    system: str
    which: Callable[[str], str | None]
    is_file: Callable[[str], bool]
    environment: Mapping[str, str]
    own: str | None = None


def this_shelf() -> Shelf:
    """The shelf of this machine."""
    return Shelf(
        platform.system().lower(), shutil.which, lambda path: Path(path).is_file(), dict(os.environ), sys.executable
    )


def candidates(shelf: Shelf) -> list[str]:
    """Interpreters worth trying, each once, best first.

    For each wanted version in turn: on the PATH, then where the system's usual installers put it (programs that are
    started from a desktop often have a bare PATH). Then whatever is just called python, and last Blender's own, to make
    an environment *from*: nothing is installed into it, but the environment would not outlive that Blender.
    """
    found: list[str | None] = []
    for version in WANTED:
        found.append(shelf.which("python{}.{}".format(*version)))
        found += [path for path in _usual_places(shelf, version) if shelf.is_file(path)]
    found += [shelf.which("python3"), shelf.which("python"), shelf.own]
    return list(dict.fromkeys(path for path in found if path and not _is_shop(path)))


def usable(paths: Sequence[str], probe: Callable[[str], tuple[int, int] | None]) -> str:
    """The first interpreter whose version suits the engine and which can make environments.

    Raises UserError("no-python") where there is none.
    """
    for path in paths:
        if probe(path) in WANTED:
            return path
    versions = ", ".join("{}.{}".format(*version) for version in WANTED)
    hint = "Install one from python.org, or choose an engine that is there."
    raise UserError("no-python", f"No Python of version {versions} was found.", hint)


def probe(path: str) -> tuple[int, int] | None:
    """(major, minor) of an interpreter that can make environments with pip, None for one that cannot or is none."""
    code = "import sys, venv, ensurepip, ssl; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [path, "-c", code],
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=True,
            env=clean_environment(os.environ),
        )
        major, minor = done.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return int(major), int(minor)


def _usual_places(shelf: Shelf, version: tuple[int, int]) -> list[str]:
    dotted = "{}.{}".format(*version)
    if shelf.system == "windows":
        folders = [
            PureWindowsPath(shelf.environment[name]) / within
            for name, within in (("LOCALAPPDATA", "Programs/Python"), ("ProgramFiles", "."), ("SystemDrive", "/"))
            if name in shelf.environment
        ]
        return [str(folder / "Python{}{}".format(*version) / "python.exe") for folder in folders]
    if shelf.system == "darwin":
        homes = (
            "/opt/homebrew/bin",
            "/usr/local/bin",
            f"/Library/Frameworks/Python.framework/Versions/{dotted}/bin",
            "/opt/local/bin",
        )
    else:
        homes = ("/usr/bin", "/usr/local/bin")
    return [str(PurePosixPath(home) / f"python{dotted}") for home in homes]


def _is_shop(path: str) -> bool:
    """Windows has programs called python that only open its shop."""
    return "WindowsApps" in path
