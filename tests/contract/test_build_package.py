# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip holds what belongs in it and nothing else."""

from pathlib import Path

import pytest

from steps import packaging
from steps.terminal import Refusal


@pytest.mark.parametrize(
    "name",
    [
        "core/__pycache__/a.pyc",
        "core/notes.txt",
        ".env",
        "weights.pth.tar",
        "wheels/torch-2.13.0-cp311.whl",
        "tests/test_a.py",
    ],
)
def test_a_file_that_does_not_belong_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match=name.rpartition("/")[2]):
        packaging.refuse_unexpected(["blender_manifest.toml", name])


def test_the_staged_extension_is_all_expected(tmp_path: Path) -> None:
    stage = packaging.stage_extension(tmp_path / "stage")
    names = [path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file()]
    assert "blender_manifest.toml" in names
    packaging.refuse_unexpected(names)


@pytest.mark.parametrize("there", [[], ["fomm_engine-0.0.1-py3-none-any.whl"]])
def test_a_manifest_that_names_another_wheel_is_refused(tmp_path: Path, there: list[str]) -> None:
    (tmp_path / "wheels").mkdir()
    for name in there:
        (tmp_path / "wheels" / name).touch()
    (tmp_path / "blender_manifest.toml").write_text('wheels = ["./wheels/fomm_engine-0.0.2-py3-none-any.whl"]')
    with pytest.raises(Refusal, match="The manifest names the wheels"):
        packaging.refuse_unnamed_wheels(tmp_path)
