# SPDX-License-Identifier: GPL-3.0-or-later
"""build.py's set-up tells whole environments from half-made ones, and pip's troubles from each other."""

import dataclasses
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from steps import environments, system_libraries
from steps.installing import PipProgress, explain_failure
from steps.lock import LockedEnvironment
from steps.terminal import Refusal

ENVIRONMENT = LockedEnvironment(
    name="small", packages={"numpy": "2.4.6"}, cuda_packages={}, extras={}, indexes={}, disk_mb=10, sources=False
)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an environment that looks made but for its stamp."""
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path)
    python = tmp_path / "small" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return tmp_path / "small"


def test_an_environment_without_its_stamp_is_half_made(made: Path) -> None:
    assert not environments.is_current(ENVIRONMENT)


def test_an_environment_with_its_stamp_is_reused(made: Path) -> None:
    environments.write_stamp(ENVIRONMENT)
    assert environments.is_current(ENVIRONMENT)


def test_a_changed_lock_makes_an_environment_outdated(made: Path) -> None:
    environments.write_stamp(ENVIRONMENT)
    assert not environments.is_current(dataclasses.replace(ENVIRONMENT, packages={"numpy": "2.4.7"}))


def test_an_environment_that_lost_its_python_is_not_current(made: Path) -> None:
    environments.write_stamp(ENVIRONMENT)
    (made / "bin" / "python").unlink()
    assert not environments.is_current(ENVIRONMENT)


def test_a_garbled_stamp_counts_as_none(made: Path) -> None:
    (made / environments.STAMP).write_text("{")
    assert environments.read_stamp(made) is None


def test_a_full_disk_is_refused_before_anything_is_fetched(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(10**9, 10**9 - 9_000_000, 9_000_000))
    monkeypatch.setattr(environments, "read_lock", lambda: {"small": ENVIRONMENT})
    with pytest.raises(Refusal, match="The disk is too full"):
        environments.ensure(["small"])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        (
            "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError(...)'",
            "cannot be reached",
        ),
        ("ERROR: No matching distribution found for bpy==4.2.23", "does not have a package of the lock file"),
        ("ERROR: Something new", "pip could not install the packages: Something new"),
    ],
)
def test_pips_trouble_becomes_a_sentence(line: str, sentence: str) -> None:
    assert sentence in explain_failure(["Collecting numpy==2.4.6", line]).message


def test_progress_counts_packages_and_names_large_downloads(capsys: pytest.CaptureFixture[str]) -> None:
    progress = PipProgress(2)
    for block in (
        b"Collecting six==1.16.0\n  Downloading six-1.16.0-py2.py3-none-any.whl (11 kB)\nColl",
        b"ecting torch==2.13.0\n  Downloading torch-2.13.0-cp311.whl (190.3 MB)\nInstalling collected packages: x\n",
    ):
        progress.feed(block)
    assert capsys.readouterr().out.splitlines() == ["  2/2 downloading torch (190.3 MB)", "  2/2 fetched, installing"]


def test_a_missing_library_is_named_by_its_debian_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(system_libraries.BLENDER_LIBRARIES, "libnothing1", "libnothing-at-all.so.1")
    monkeypatch.setattr(system_libraries.os, "geteuid", lambda: 1000)
    assert "libnothing1" in system_libraries.missing_packages(python_modules=False, blender=True)
    assert "libnothing1" not in system_libraries.missing_packages(python_modules=False, blender=False)
    with pytest.raises(Refusal) as refusal:
        system_libraries.ensure(python_modules=False, blender=True)
    assert refusal.value.hint.startswith("Run: sudo apt-get install -y --no-install-recommends")
    assert "libnothing1" in refusal.value.hint
