# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip: staged apart from the sources, the engine's wheel in it, checked by Blender's own validator."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from steps import environments, processes
from steps.places import ADDON, DEMO_BLENDER, DIST, ENGINE, ENGINE_ENVIRONMENT, ROOT
from steps.terminal import Refusal, say
from steps.versions import product_version

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "README.md", "wheels", "tests")
# 1980-01-01, the oldest time that a zip can state: two builds of the same sources give the same wheel.
SOURCE_DATE = "315532800"
# The tags that Blender's catalogue knows (its validator checks them only against a list).
TAGS = (
    "3D View, Add Curve, Add Mesh, Animation, Bake, Camera, Compositing, Development, Game Engine, Geometry Nodes, "
    "Grease Pencil, Import-Export, Lighting, Material, Mesh, Modeling, Node, Object, Paint, Physics, Pipeline, Render, "
    "Rigging, Scene, Sculpt, Sequencer, System, Text Editor, Tracking, User Interface, UV"
).split(", ")
# What the zip may hold; anything else is a mistake that people would be sent.
EXPECTED = (
    r"blender_manifest\.toml",
    r"LICENSE",
    r"(?:(?:core|engine|blender|rigs)/(?:\w+/)*)?\w+\.py",
    r"(?:\w+/)*py\.typed",
    r"portraits/(?:\w+/)?[\w.-]+\.(?:jpg|png|json)",
    r"translations/\w+\.po",
    r"rigs/conventions/[\w.-]+\.json",
    r"portraits/[\w-]+/[\w -]+\.jpg",
    r"wheels/fomm_engine-[\d.]+-py3-none-any\.whl",
)
WHEEL_MUST_HOLD = ("fomm_engine/__init__.py", "fomm_engine/wire/__init__.py", "fomm_engine/weights/table.json")


def package() -> int:
    """0; leaves dist/understudy-<version>.zip. Raises Refusal where a check fails, and then leaves no zip."""
    version = product_version()
    environments.ensure([ENGINE_ENVIRONMENT, DEMO_BLENDER])
    DIST.mkdir(exist_ok=True)
    target = DIST / f"understudy-{version}.zip"
    with tempfile.TemporaryDirectory(prefix="understudy-package-") as temporary:
        stage = stage_extension(Path(temporary) / "extension")
        build_wheel(stage / "wheels")
        refuse_unnamed_wheels(stage)
        built = Path(temporary) / target.name
        _extension_tool("build", "--source-dir", stage, "--output-filepath", built)
        tags = Path(temporary) / "tags.json"
        tags.write_text(json.dumps({"add-on": TAGS, "theme": []}), encoding="utf-8")
        _extension_tool("validate", "--valid-tags", tags, built)
        refuse_unexpected(zipfile.ZipFile(built).namelist())
        shutil.copyfile(built, target.with_suffix(".tmp"))
    target.with_suffix(".tmp").replace(target)
    say(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e6:.1f} MB, valid")
    return 0


def stage_extension(stage: Path) -> Path:
    """The folder, given back, with the extension's files in it but for the engine's wheel."""
    shutil.copytree(ADDON, stage, ignore=LEFT_OUT)
    conventions = ROOT / "rigs" / "conventions"
    if conventions.is_dir():
        shutil.copytree(conventions, stage / "rigs" / "conventions", ignore=LEFT_OUT)
    shutil.copyfile(ROOT / "LICENSE", stage / "LICENSE")
    (stage / "wheels").mkdir()
    return stage


def build_wheel(folder: Path) -> Path:
    """The engine's wheel, built into a folder from a copy of the sources (so that they stay as they are)."""
    with tempfile.TemporaryDirectory(prefix="understudy-wheel-") as temporary:
        copy = Path(temporary)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(ROOT / name, copy / name)
        shutil.copytree(ENGINE, copy / ENGINE.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))
        shutil.copytree(ROOT / "configs", copy / ENGINE.name / "configs", dirs_exist_ok=True)
        python = environments.python_of(ENGINE_ENVIRONMENT)
        command = [
            python,
            "-m",
            "pip",
            "wheel",
            "--no-build-isolation",
            "--no-deps",
            "--no-index",
            "--wheel-dir",
            folder,
            copy,
        ]
        _run_quietly("The engine's wheel could not be built", command)
    (wheel,) = folder.glob("*.whl")
    _refuse_hollow(wheel)
    return wheel


def refuse_unnamed_wheels(stage: Path) -> None:
    """Nothing; raises Refusal where the manifest's wheels are not those that are there."""
    manifest = tomllib.loads((stage / "blender_manifest.toml").read_text(encoding="utf-8"))
    named = {str(entry) for entry in manifest.get("wheels", ())}
    there = {f"./wheels/{wheel.name}" for wheel in (stage / "wheels").iterdir()}
    if named != there:
        raise Refusal(f"The manifest names the wheels {sorted(named)}, and built were {sorted(there)}.")


def refuse_unexpected(names: Iterable[str]) -> None:
    """Nothing; raises Refusal where the zip holds a file that no rule of EXPECTED allows."""
    unexpected = [name for name in names if not name.endswith("/") and not re.fullmatch("|".join(EXPECTED), name)]
    if unexpected:
        raise Refusal(f"The zip would hold files that do not belong in it: {', '.join(sorted(unexpected)[:8])}.")


def _refuse_hollow(wheel: Path) -> None:
    """Nothing; raises Refusal where the wheel lacks the engine's modules, weights or model configs."""
    names = zipfile.ZipFile(wheel).namelist()
    lacking = [name for name in WHEEL_MUST_HOLD if name not in names]
    for folder, suffix in (("fomm_engine/weights/", ".safetensors"), ("fomm_engine/configs/", ".yaml")):
        if not any(name.startswith(folder) and name.endswith(suffix) for name in names):
            lacking.append(f"{folder}*{suffix}")
    if lacking:
        raise Refusal(f"The engine's wheel lacks {', '.join(lacking)}.")


def _extension_tool(*arguments: str | Path) -> None:
    """Nothing; runs Blender's own extension tool, which needs no Blender to run."""
    python = environments.python_of(DEMO_BLENDER)
    found = sorted(
        (python.parents[1] / "lib").glob("python3.*/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    )
    if not found:
        raise Refusal(
            "Blender's extension tool is not where its wheel has it.", "Delete .venv/ and run: python3 build.py setup"
        )
    _run_quietly(f"Blender's extension tool refuses to {arguments[0]}", [python, found[0], *arguments])


def _run_quietly(trouble: str, command: Sequence[str | Path]) -> None:
    """Nothing; runs a command and keeps its output for the sentence that tells of its failure."""
    output: list[bytes] = []
    code = processes.run(
        command, cwd=ROOT, extra_environment={"SOURCE_DATE_EPOCH": SOURCE_DATE}, on_output=output.append
    )
    if code != 0:
        lines = b"".join(output).decode(errors="replace").strip().splitlines()
        raise Refusal(f"{trouble}: " + " / ".join(lines[-6:]))
