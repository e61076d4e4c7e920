# SPDX-License-Identifier: GPL-3.0-or-later
"""One version of the product, stated alike everywhere, and a README that has the commands."""

import re
import tomllib
from pathlib import Path

from steps.versions import product_version, stated_versions


def test_all_files_state_the_same_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", product_version())


def test_a_file_that_differs_is_noticed(tmp_path: Path, project_root: Path) -> None:
    for name, text in (
        ("blender_addon/blender_manifest.toml", 'version = "1.0.0"'),
        ("fomm_engine/__init__.py", '__version__ = "1.0.1"'),
        ("CHANGELOG.md", "# Changelog\n\n## 1.0.2\n\n## 1.0.0\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert list(stated_versions(tmp_path).values()) == ["1.0.0", "1.0.1", "1.0.2"]


def test_the_manifest_names_the_engines_wheel_of_this_version(project_root: Path) -> None:
    manifest = tomllib.loads((project_root / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["wheels"] == [f"./wheels/fomm_engine-{product_version()}-py3-none-any.whl"]


def test_the_readme_has_the_two_commands(project_root: Path) -> None:
    readme = (project_root / "README.md").read_text(encoding="utf-8")
    assert "python3 build.py demo" in readme
    assert "python3 build.py test" in readme


def test_the_pictures_of_the_readme_are_there(project_root: Path) -> None:
    readme = (project_root / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme)
    assert [name for name in pictures if not (project_root / name).is_file()] == []


def test_ci_runs_the_tests_as_a_person_does(project_root: Path) -> None:
    assert (project_root / ".ci" / "run").read_text(encoding="utf-8").strip().endswith("exec python3 build.py test")
