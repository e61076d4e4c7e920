# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the reliability table: what a test did, what the user saw, what survived; kept only where the test passed.

`python3 build.py reliability` names a folder in an environment variable and makes the table of what lies there at the
end. Where none is named, rows are checked and dropped.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER_VARIABLE = "UNDERSTUDY_RELIABILITY_ROWS"
FIXTURE = "fault_record"
LONGEST = 600  # characters of one cell
_OUTCOME = pytest.StashKey[dict[str, bool]]()


@dataclass(frozen=True)
class Row:
    """One line of the table.

    group: its heading. fault: what went wrong, or what was bad. done: what was going on when it did. user_saw: the
    sentence that was shown, word for word. survived: what was checked to be there and whole afterwards.
    """

    group: str
    fault: str
    done: str
    user_saw: str
    survived: str

    def __post_init__(self) -> None:
        for name, text in asdict(self).items():
            if not isinstance(text, str) or not text.strip() or "\n" in text.strip() or len(text) > LONGEST:
                raise ValueError(f"{name} must be one line of at most {LONGEST} characters, got {text!r}")


@pytest.fixture
def fault_record(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A function that records a row: fault_record(fault=, done=, user_saw=, survived=, group=).

    Call it after the assertions. The row counts only if the whole test passes; paths of this run are left out.
    """
    rows: list[Row] = []
    hide = _hider(tmp_path_factory.getbasetemp())

    def record(*, fault: str, done: str, user_saw: str, survived: str, group: str) -> None:
        rows.append(Row(*(hide(text).strip() for text in (group, fault, done, user_saw, survived))))

    yield record
    if request.node.stash.get(_OUTCOME, {}).get("passed"):
        _keep(rows, request.node.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """The report, after its outcome was noted for `fault_record`."""
    report: Any = yield
    if report.when == "call":
        item.stash[_OUTCOME] = {"passed": report.passed}
    if report.skipped and FIXTURE in getattr(item, "fixturenames", ()):
        _write({"skipped": item.nodeid, "reason": str(report.longrepr)}, item.nodeid)
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Nothing; pytest knows the option that chooses the tests with rows."""
    parser.addoption("--faults-only", action="store_true", help="only tests that record rows of the reliability table")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Nothing; with the option, tests without rows are left out."""
    if config.getoption("--faults-only"):
        left_out = [item for item in items if FIXTURE not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def world() -> str:
    """Where this process runs: "engine", or the Blender's version."""
    bpy: Any = sys.modules.get("bpy")
    return f"Blender {bpy.app.version[0]}.{bpy.app.version[1]}" if bpy is not None else "engine"


def _keep(rows: list[Row], test: str) -> None:
    for number, row in enumerate(rows):
        _write({"world": world(), "test": Path(test).name, "order": number, **asdict(row)}, f"{test}#{number}")


def _write(fields: dict[str, Any], name: str) -> None:
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        digest = hashlib.sha256(f"{world()} {name}".encode()).hexdigest()[:20]
        (Path(folder) / f"{digest}.json").write_text(json.dumps(fields), encoding="ascii")


def _hider(base: Path) -> Callable[[str], str]:
    """A function that takes this run's folders out of a text: the table must be the same on every machine."""
    run = re.compile(re.escape(str(base)) + r"(/[^/\s'\"]+)?")

    def hidden(text: str) -> str:
        return re.sub(r"understudy-[\w-]+", "<folder>", run.sub("<folder>", str(text)))

    return hidden
