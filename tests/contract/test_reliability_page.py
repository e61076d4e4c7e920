# SPDX-License-Identifier: GPL-3.0-or-later
"""The reliability page: made of rows, of this version, and of enough of them."""

import json
from pathlib import Path

from steps.reliability import FEWEST_ROWS
from steps.reliability_table import COLUMNS, page, read_rows, skipped_tests
from steps.versions import product_version


def rows_of(text: str) -> list[str]:
    return [
        line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| What went"))
    ]


def test_the_page_is_of_this_version_and_has_its_rows(project_root: Path) -> None:
    text = (project_root / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert f"Version {product_version()}, run on 20" in text
    rows = rows_of(text)
    assert len(rows) >= FEWEST_ROWS
    assert f": {len(rows)} faults" in text
    assert all(cell.strip() for row in rows for cell in row.strip("| ").split(" | "))


def test_a_fault_that_three_blenders_saw_is_one_row(tmp_path: Path) -> None:
    row = {"group": "takes", **{name: f"{name} a|b" for name in COLUMNS}, "test": "test_x.py::test_a", "order": 0}
    for number, world in enumerate(("Blender 5.0", "Blender 4.2", "engine")):
        (tmp_path / f"{number}.json").write_text(json.dumps({**row, "world": world}))
    (tmp_path / "3.json").write_text(json.dumps({"skipped": "test_x.py::test_b", "reason": "no"}))
    rows = read_rows(tmp_path)
    assert [found.worlds for found in rows] == [("Blender 4.2", "Blender 5.0", "engine")]
    assert skipped_tests(tmp_path) == ["test_x.py::test_b"]
    (line,) = rows_of(page(rows, "1.2.3", "2026-01-02"))
    assert line.endswith("| survived a\\|b | engine, Blender 4.2, 5.0 |")
