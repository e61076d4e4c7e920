# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that the engine carries out: set-up first, then one of its modules, whose exit code is handed back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from steps import environments, processes
from steps.places import DEMO_BLENDER, ENGINE_ENVIRONMENT, ROOT
from steps.terminal import Refusal


def demo(options: argparse.Namespace) -> int:
    """The exit code of the demo."""
    for path in (options.video, options.character if _is_file_name(options.character) else None):
        _refuse_missing(path)
    arguments = (
        _path_option("--video", options.video) + _character(options.character) + _path_option("--out", options.out)
    )
    return _run_with_blender("fomm_engine.evaluation.demo", [*arguments, *(["--fast"] if options.fast else [])])


def evaluate(options: argparse.Namespace) -> int:
    """The exit code of the evaluation of a folder of clips."""
    if not Path(options.folder).is_dir():
        raise Refusal(
            f"There is no folder {options.folder}.",
            "Give a folder that holds clips and their .gt.npz or .ref.npz files.",
        )
    arguments = [
        str(Path(options.folder).resolve()),
        *_character(options.character),
        *_path_option("--json", options.json),
    ]
    return _run_with_blender("fomm_engine.evaluation", arguments)


def pass_on(module: str, arguments: Sequence[str]) -> int:
    """The exit code of one of the engine's modules, run with a person's own arguments."""
    environments.ensure([ENGINE_ENVIRONMENT])
    return processes.run([environments.python_of(ENGINE_ENVIRONMENT), "-m", module, *arguments])


def bench_addon(arguments: Sequence[str]) -> int:
    """The exit code of the measurement of how long the add-on holds up Blender."""
    environments.ensure([ENGINE_ENVIRONMENT, DEMO_BLENDER])
    return processes.run([environments.python_of(DEMO_BLENDER), ROOT / "tests" / "bench" / "addon.py", *arguments])


def _run_with_blender(module: str, arguments: Sequence[str]) -> int:
    """The exit code of a module that drives Blender in an environment of its own."""
    environments.ensure([ENGINE_ENVIRONMENT, DEMO_BLENDER])
    blender = ["--blender-python", str(environments.python_of(DEMO_BLENDER))]
    return processes.run([environments.python_of(ENGINE_ENVIRONMENT), "-m", module, *arguments, *blender])


def _is_file_name(character: str | None) -> bool:
    """Whether a character was given as a file, not as the name of one of the project's own."""
    return character is not None and character.lower().endswith(".blend")


def _character(character: str | None) -> list[str]:
    if character is None:
        return []
    return ["--character", str(Path(character).resolve()) if _is_file_name(character) else character]


def _path_option(name: str, path: str | None) -> list[str]:
    return [] if path is None else [name, str(Path(path).resolve())]


def _refuse_missing(path: str | None) -> None:
    """Nothing; raises Refusal for a file that is not there, before set-up takes its minutes."""
    if path is not None and not Path(path).is_file():
        raise Refusal(f"There is no file {path}.", "Give the path of a file that exists.")
