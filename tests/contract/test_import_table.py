# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import what: the walls between the two processes and around Blender."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .imports import imported_modules, is_within

STANDARD = tuple(sys.stdlib_module_names)
WIRE = ("fomm_engine.wire",)
BLENDER_MODULES = ("bpy", "bmesh", "mathutils", "bpy_extras", "gpu", "blf", "aud", "bl_ext", "addon_utils", "rna_prop_ui", "idprop")
# folder: what its files may import besides themselves
TABLE = {
    "blender_addon/core": (*STANDARD, "numpy", *WIRE),
    "blender_addon/engine": (*STANDARD, *WIRE),
    "blender_addon/blender": (
        *STANDARD, "numpy", *WIRE, *BLENDER_MODULES, "blender_addon.core", "blender_addon.engine",
    ),
    "fomm_engine/wire": (*STANDARD, "numpy"),
    ".ci/steps": (*STANDARD, "steps"),
}  # fmt: skip
# The pure part of the standard library: no files, no clock, no processes, no network, no chance.
IMPURE = ("os", "io", "pathlib", "time", "datetime", "subprocess", "socket", "random", "threading", "multiprocessing", "tempfile",
          "shutil", "logging", "urllib", "http", "asyncio", "signal")  # fmt: skip


def files_under(folder: str, python_files: list[Path], root: Path) -> list[Path]:
    return [path for path in python_files if path.is_relative_to(root / folder)]


@pytest.mark.parametrize("folder", TABLE)
def test_a_folder_imports_only_what_the_table_allows(folder: str, python_files: list[Path], project_root: Path) -> None:
    files = files_under(folder, python_files, project_root)
    own = folder.replace("/", ".")
    trespasses = {
        f"{path.relative_to(project_root)}: {module}"
        for path in files
        for module in imported_modules(path, project_root)
        if not is_within(module, (own, *TABLE[folder]))
    }
    assert files
    assert not trespasses


def test_the_core_is_pure(python_files: list[Path], project_root: Path) -> None:
    files = files_under("blender_addon/core", python_files, project_root)
    impure = {
        f"{path.relative_to(project_root)}: {module}"
        for path in files
        for module in imported_modules(path, project_root)
        if is_within(module, IMPURE)
    }
    assert not impure


def test_only_the_blender_folders_import_blender(python_files: list[Path], project_root: Path) -> None:
    allowed = ("blender_addon/blender", "tests/blender", "rigs/characters", "fomm_engine/evaluation/in_blender")
    trespasses = {
        f"{path.relative_to(project_root)}: {module}"
        for path in python_files
        if not any(path.is_relative_to(project_root / folder) for folder in allowed)
        for module in imported_modules(path, project_root)
        if is_within(module, BLENDER_MODULES)
    }
    assert not trespasses


def test_the_extension_imports_nothing_of_blender_at_its_top(project_root: Path) -> None:
    script = "import sys, blender_addon; print(sorted(m for m in sys.modules if m.split('.')[0] in ('bpy', 'numpy', 'torch', 'fomm_engine')))"
    printed = subprocess.run([sys.executable, "-c", script], cwd=project_root, check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"


def test_importing_the_engine_imports_nothing_else(project_root: Path) -> None:
    script = "import sys; before = set(sys.modules); import fomm_engine; print(sorted(set(sys.modules) - before))"
    printed = subprocess.run([sys.executable, "-c", script], cwd=project_root, check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "['fomm_engine']"


def test_the_wire_needs_numpy_at_most(project_root: Path) -> None:
    script = (
        "import sys, pkgutil, importlib, fomm_engine.wire as w;"
        "[importlib.import_module('fomm_engine.wire.' + m.name) for m in pkgutil.iter_modules(w.__path__)];"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('torch', 'cv2', 'scipy', 'yaml', 'imageio_ffmpeg', 'safetensors')))"
    )
    printed = subprocess.run([sys.executable, "-c", script], cwd=project_root, check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"


# What a module is called, where its package is called otherwise.
PACKAGE_OF_MODULE = {"cv2": "opencv-python", "yaml": "pyyaml"}


def test_the_engine_declares_what_it_imports(python_files: list[Path], project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {re.match(r"[A-Za-z0-9-]+", line).group().lower() for line in lines}
    imported = {
        module.split(".")[0]
        for path in files_under("fomm_engine", python_files, project_root)
        for module in imported_modules(path, project_root)
    }
    foreign = {name for name in imported if name not in STANDARD and name not in ("fomm_engine", *BLENDER_MODULES)}
    assert {PACKAGE_OF_MODULE.get(name, name).replace("_", "-") for name in foreign} <= declared
