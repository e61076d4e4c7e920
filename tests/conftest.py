# SPDX-License-Identifier: GPL-3.0-or-later
"""What all rings of tests share: the project's root, and the test data that lies beside it and is not part of it."""

import importlib.util
import os
from pathlib import Path

import pytest

from tests.reliability.rows import (  # noqa: F401 - pytest finds fixtures and hooks by their names here
    fault_record,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_runtest_makereport,
)

# Small matrices, many of them: numpy's own threads only get in each other's way. Must be said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
SHARED_VARIABLE = "UNDERSTUDY_SHARED"
EXAMPLES_VARIABLE = "UNDERSTUDY_EXAMPLES"

# Blender's environments have no hypothesis, and no test there needs it.
if importlib.util.find_spec("hypothesis") is not None:
    import hypothesis

    # The same examples in every run, and no failure because the machine is busy. quick: the rings; ci: more of them;
    # long: new ones every time, for hours nobody waits for (UNDERSTUDY_EXAMPLES=long).
    usual = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True)
    hypothesis.settings.register_profile("quick", usual, derandomize=True, max_examples=40)
    hypothesis.settings.register_profile("ci", usual, derandomize=True, max_examples=300)
    hypothesis.settings.register_profile("long", usual, max_examples=5000)
    hypothesis.settings.load_profile(os.environ.get(EXAMPLES_VARIABLE, "quick"))


def find_shared_data() -> Path | None:
    """The folder of shared test data, beside the project or where the variable says; None where there is none."""
    shared = Path(os.environ.get(SHARED_VARIABLE) or ROOT.parent / "shared")
    return shared / "data" if (shared / "data").is_dir() else None


@pytest.fixture(scope="session")
def project_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = find_shared_data()
    if folder is None:
        pytest.skip(f"the shared test data is not there: put it at ../shared/data, or set {SHARED_VARIABLE}")
    return folder
