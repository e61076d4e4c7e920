# SPDX-License-Identifier: GPL-3.0-or-later
"""How the engine is started: the command line and an environment in which Blender's Python does not leak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Blender sets some of these for its own interpreter, a shell may set the others; each would make the engine's
# interpreter look for modules in a place that is not its own.
_LEAKING = ("VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "CONDA_PREFIX")


@dataclass(frozen=True)
class Command:
    """One process to start: arguments, the whole environment, and the folder it starts in."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """A copy of the environment without this process's Python settings, with UTF-8 and no user site-packages."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith("PYTHON") and name not in _LEAKING
    }
    kept["PYTHONNOUSERSITE"] = "1"
    kept["PYTHONUTF8"] = "1"
    return kept


def engine_command(python: Path, job_file: Path, *, environment: Mapping[str, str], directory: Path) -> Command:
    """The command that runs one job file and writes its events to stdout.

    directory: where the process starts. `-m` puts it first on the engine's module path, so it is the job's own
    folder, or the folder that holds `fomm_engine` where the product runs from its sources.
    """
    return Command(
        arguments=(str(python), "-m", "fomm_engine", "run", str(job_file), "--events"),
        environment=clean_environment(environment),
        directory=directory,
    )
