# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that goes wrong, done on purpose in every environment, and docs/reliability.md made of what was seen."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

from steps import environments, packaging, processes
from steps.places import BLENDER_ENVIRONMENTS, ENGINE_ENVIRONMENT, ROOT
from steps.reliability_table import Row, page, read_rows, skipped_tests
from steps.terminal import Refusal, say
from steps.testing import BLENDER_RUNNER, TEST_ENVIRONMENT
from steps.versions import product_version

ROWS = ROOT / "out" / "reliability" / "rows"
PAGE = ROOT / "docs" / "reliability.md"
ROWS_VARIABLE = "UNDERSTUDY_RELIABILITY_ROWS"
FOLDER = ROOT / "tests" / "reliability"
KILLS, ENDURANCE = FOLDER / "two_hundred_kills.py", FOLDER / "endurance.py"
# Where tests with rows are; the option leaves out all others.
ENGINE_RINGS = tuple(ROOT / "tests" / name for name in ("reliability", "unit", "engine", "contract"))
FEWEST_ROWS = 40


def reliability(*, endurance: bool, quick: bool, keep: bool) -> int:
    """The exit code of the first run that fails, or 0 after docs/reliability.md was written.

    endurance: also the long performance and the many captures. quick: without the 200 kills. keep: rows of earlier runs
    stay where this one makes no new ones.
    """
    environments.ensure([ENGINE_ENVIRONMENT, *BLENDER_ENVIRONMENTS])
    packaging.package()  # some of the Blender tests install what people install
    if not keep:
        shutil.rmtree(ROWS, ignore_errors=True)
    ROWS.mkdir(parents=True, exist_ok=True)
    for title, command in _runs(endurance=endurance, quick=quick):
        say(f"      {title}")
        code = processes.run(command, cwd=ROOT, extra_environment={**TEST_ENVIRONMENT, ROWS_VARIABLE: str(ROWS)})
        if code != 0:
            return code
    return write_page()


def write_page() -> int:
    """0 after docs/reliability.md was written; raises Refusal where a test was skipped or rows are too few."""
    skipped = skipped_tests(ROWS)
    if skipped:
        raise Refusal(f"Skipped: {', '.join(skipped)}.", "The table is made only of tests that all ran.")
    rows = read_rows(ROWS)
    _require_enough(rows)
    today = dt.datetime.now(dt.UTC).date().isoformat()
    PAGE.write_text(page(rows, product_version(), today), encoding="utf-8")
    say(f"      {PAGE.relative_to(ROOT)}: {len(rows)} rows.")
    return 0


def _runs(*, endurance: bool, quick: bool) -> list[tuple[str, list[str | Path]]]:
    """What is run, in order: a title and a command each."""
    python = environments.python_of(ENGINE_ENVIRONMENT)
    only = "--faults-only"
    runs: list[tuple[str, list[str | Path]]] = [
        ("engine and files", [python, "-m", "pytest", "-q", only, *ENGINE_RINGS]),
    ]
    runs += [
        (name.replace("-", " "), [environments.python_of(name), BLENDER_RUNNER, "-q", only])
        for name in BLENDER_ENVIRONMENTS
    ]
    if not quick:
        runs.append(("200 kills", [python, "-m", "pytest", "-q", KILLS]))
    if endurance:
        runs.append(("endurance", [python, "-m", "pytest", "-q", "-s", ENDURANCE]))
    return runs


def _require_enough(rows: list[Row]) -> None:
    if len(rows) < FEWEST_ROWS:
        raise Refusal(f"There are {len(rows)} rows; the table has at least {FEWEST_ROWS}.", "Run it without --quick.")
