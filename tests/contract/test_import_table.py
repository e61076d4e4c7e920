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
BLENDER_MODULES = tuple(
    "bpy bmesh mathutils bpy_extras gpu gpu_extras blf aud bl_ext addon_utils rna_prop_ui idprop".split()
)
# folder: what its files may import besides themselves
TABLE = {
    "blender_addon/core": (*STANDARD, "numpy", *WIRE),
    "blender_addon/engine": (*STANDARD, *WIRE),
    "blender_addon/blender": (
        *STANDARD,
        "numpy",
        *WIRE,
        *BLENDER_MODULES,
        "blender_addon.core",
        "blender_addon.engine",
    ),
    "fomm_engine/wire": (*STANDARD, "numpy"),
    ".ci/steps": (*STANDARD, "steps"),
}
# The pure part of the standard library: no files, no clock, no processes, no network, no chance.
IMPURE = tuple(
    "os io pathlib time datetime subprocess socket random threading multiprocessing tempfile shutil logging urllib "
    "http asyncio signal".split()
)


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
    allowed = (
        "blender_addon/blender",
        "docs/examples",
        "fomm_engine/evaluation/in_blender",
        "rigs/characters",
        "tests/bench",
        "tests/blender",
        "tests/reliability",
        "tests/window",
    )
    trespasses = {
        f"{path.relative_to(project_root)}: {module}"
        for path in python_files
        if not any(path.is_relative_to(project_root / folder) for folder in allowed)
        for module in imported_modules(path, project_root)
        if is_within(module, BLENDER_MODULES)
    }
    assert not trespasses


def loaded_packages(project_root: Path, code: str) -> set[str]:
    """The top-level packages that running code adds to a fresh interpreter."""
    script = f"import sys; before = set(sys.modules)\n{code}\nprint(*set(sys.modules) - before)"
    command = [sys.executable, "-c", script]
    printed = subprocess.run(command, cwd=project_root, check=True, capture_output=True, text=True).stdout
    return {name.split(".")[0] for name in printed.split()}


def test_the_extension_imports_nothing_of_blender_at_its_top(project_root: Path) -> None:
    assert loaded_packages(project_root, "import blender_addon") - set(STANDARD) == {"blender_addon"}


def test_importing_the_engine_imports_nothing_else(project_root: Path) -> None:
    assert loaded_packages(project_root, "import fomm_engine") == {"fomm_engine"}


def test_the_wire_needs_numpy_at_most(project_root: Path) -> None:
    modules = [f"fomm_engine.wire.{path.stem}" for path in (project_root / "fomm_engine" / "wire").glob("[!_]*.py")]
    assert modules
    loaded = loaded_packages(project_root, "\n".join(f"import {module}" for module in modules))
    assert loaded - set(STANDARD) <= {"fomm_engine", "numpy"}


# What a module is called, where its package is called otherwise.
PACKAGE_OF_MODULE = {"cv2": "opencv-python", "yaml": "pyyaml", "PIL": "pillow"}


def test_the_engine_declares_what_it_imports(python_files: list[Path], project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {re.match(r"[A-Za-z0-9-]+", line).group().lower() for line in lines}
    imported = {
        module.split(".")[0]
        for path in files_under("fomm_engine", python_files, project_root)
        if "in_blender" not in path.parts  # programs for Blender's Python, which has the add-on and numpy
        for module in imported_modules(path, project_root)
    }
    foreign = {name for name in imported if name not in STANDARD and name not in ("fomm_engine", *BLENDER_MODULES)}
    assert {PACKAGE_OF_MODULE.get(name, name).replace("_", "-") for name in foreign} <= declared
