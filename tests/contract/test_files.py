# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every file: its length, its licence, its purpose, and no trace of the machine it was written on."""

import ast
import re
from pathlib import Path

MAX_LINES = 400
LICENCE_LINE = "# SPDX-License-Identifier: GPL-3.0-or-later"
TEXT_SUFFIXES = {".py", ".toml", ".md", ".json", ".yaml", ".yml", ".sh", ".txt", ""}
# git keeps every version of a file for ever, and the wheel is bundled in the extension.
MAX_FILE_BYTES = 3_000_000
MAX_WEIGHTS_BYTES = 12_000_000
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
# Spelled apart, so that this file does not hold them itself.
MACHINE_PATHS = re.compile(
    "|".join(["/wo" + "rk/", "/ro" + "ot/", r"/home/(?!user\b|you\b|me\b)\w+", "/op" + "t/(?:pypi|wheels)"])
)


def relative(paths: list[Path], root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in paths]


def test_no_python_file_is_too_long(python_files: list[Path], project_root: Path) -> None:
    long = [path for path in python_files if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES]
    assert relative(long, project_root) == []


def test_every_python_file_states_its_licence(python_files: list[Path], project_root: Path) -> None:
    without = [
        path
        for path in python_files
        if path.stat().st_size and LICENCE_LINE not in path.read_text(encoding="utf-8").splitlines()[:2]
    ]
    assert relative(without, project_root) == []


def test_every_python_file_says_what_it_is_for(python_files: list[Path], project_root: Path) -> None:
    without = [
        path
        for path in python_files
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert relative(without, project_root) == []


def test_no_module_has_a_vague_name(python_files: list[Path], project_root: Path) -> None:
    vague = [path for path in python_files if VAGUE_NAMES & {path.stem, path.parent.name}]
    assert relative(vague, project_root) == []


def test_no_file_names_a_folder_of_one_machine(project_files: list[Path], project_root: Path) -> None:
    found = {
        f"{path.relative_to(project_root)}: {match.group()}"
        for path in project_files
        if path.suffix in TEXT_SUFFIXES
        for match in MACHINE_PATHS.finditer(path.read_text(encoding="utf-8", errors="replace"))
    }
    assert not found


def test_no_file_is_large(project_files: list[Path], project_root: Path) -> None:
    limits = {path: MAX_WEIGHTS_BYTES if path.suffix == ".safetensors" else MAX_FILE_BYTES for path in project_files}
    assert relative([path for path, limit in limits.items() if path.stat().st_size > limit], project_root) == []


def test_no_weights_are_code(project_files: list[Path], project_root: Path) -> None:
    pickled = [path for path in project_files if path.suffix in {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".tar"}]
    assert relative(pickled, project_root) == []


def test_the_licence_is_the_whole_gpl(project_root: Path) -> None:
    text = (project_root / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 3, 29 June 2007" in text
    assert "END OF TERMS AND CONDITIONS" in text
