# SPDX-License-Identifier: GPL-3.0-or-later
"""What the contract tests look at: the project's Python files as git would submit them, and their imports."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ci"))


def tracked_files() -> list[Path]:
    """Every file of the project that git tracks, or would (it is neither ignored nor deleted)."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(path for path in {ROOT / name for name in listing.split("\0") if name} if path.is_file())


@pytest.fixture(scope="session")
def project_files() -> list[Path]:
    return tracked_files()


@pytest.fixture(scope="session")
def python_files(project_files: list[Path]) -> list[Path]:
    return [path for path in project_files if path.suffix == ".py"]
