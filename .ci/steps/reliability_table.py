# SPDX-License-Identifier: GPL-3.0-or-later
"""From the rows that tests recorded to the page: one line for each fault, whatever the number of Blenders it ran in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

GROUPS = ("engine", "disk and files", "video", "takes", "hostile files", "models", "numbers", "add-on", "endurance")
COLUMNS = ("fault", "done", "user_saw", "survived")
HEADINGS = ("What went wrong", "What was done", "What the user saw", "What survived", "Ran in")

HEAD = """# What goes wrong, and what happens then

Version {version}, run on {date}: {count} faults, each done for real by a test, none skipped. This page is written by
`python3 build.py reliability` from what those tests saw; a row whose test fails is not written, and the command fails.
"the same take, byte for byte" means that the file was compared with that of a run that nothing disturbed.
"""


@dataclass(frozen=True)
class Row:
    """One line: what tests/reliability/rows.py says of it, and in which worlds it ran."""

    group: str
    fault: str
    done: str
    user_saw: str
    survived: str
    test: str
    order: int
    worlds: tuple[str, ...]


def read_rows(folder: Path) -> list[Row]:
    """The rows of all runs, in the page's order; one for each fault."""
    merged: dict[tuple[str, str], Row] = {}
    for fields in _records(folder):
        if "fault" in fields:
            row = _row(fields)
            known = merged.get((row.group, row.fault))
            worlds = {*row.worlds, *(known.worlds if known else ())}
            merged[row.group, row.fault] = replace(row, worlds=tuple(sorted(worlds)))
    return sorted(merged.values(), key=lambda row: (_place(row.group), row.group, row.test, row.order, row.fault))


def skipped_tests(folder: Path) -> list[str]:
    """The tests that wanted to record a row and were skipped."""
    return sorted({str(fields["skipped"]) for fields in _records(folder) if "skipped" in fields})


def page(rows: Sequence[Row], version: str, date: str) -> str:
    """The page as Markdown."""
    groups = dict.fromkeys(row.group for row in rows)
    tables = [
        f"## {name[:1].upper()}{name[1:]}\n\n{_table(row for row in rows if row.group == name)}" for name in groups
    ]
    return "\n".join([HEAD.format(version=version, date=date, count=len(rows)), *tables])


def _table(rows: Iterable[Row]) -> str:
    lines = [_line(HEADINGS), _line(["---"] * len(HEADINGS))]
    lines += [_line([*(getattr(row, column) for column in COLUMNS), ", ".join(_short(row.worlds))]) for row in rows]
    return "\n".join(lines) + "\n"


def _short(worlds: Sequence[str]) -> list[str]:
    """Blender's versions behind one word."""
    blenders = [world.removeprefix("Blender ") for world in worlds if world.startswith("Blender ")]
    others = [world for world in worlds if not world.startswith("Blender ")]
    return [*others, *([f"Blender {', '.join(blenders)}"] if blenders else [])]


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"


def _row(fields: dict[str, Any]) -> Row:
    texts = {name: str(fields[name]) for name in ("group", *COLUMNS, "test")}
    return Row(**texts, order=int(fields["order"]), worlds=(str(fields["world"]),))


def _place(group: str) -> int:
    return GROUPS.index(group) if group in GROUPS else len(GROUPS)


def _records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="ascii")) for path in sorted(folder.glob("*.json"))]
