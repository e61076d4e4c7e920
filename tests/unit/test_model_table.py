# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of weights: rows by every name people use, and a table that is none is refused."""

import json
from pathlib import Path

import pytest

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.model_table import TABLE, find_entry, named_entry, read_table


def test_the_products_own_table_is_whole() -> None:
    table = read_table()
    assert {"vox", "vox-adv"} <= set(table)
    for name, entry in table.items():
        assert entry.name == name
        assert entry.size_about > 100_000
        assert entry.pages and all(page.startswith("https://") for page in entry.pages)
        assert entry.pages == tuple(source.url for source in entry.sources)
        for known in entry.known:
            assert known.sha256 or known.sha256_prefix or known.md5 or known.size


@pytest.mark.parametrize(
    "said", ["vox-adv", "vox-adv-256", "vox-adv-cpk.pth.tar", "/a/b/vox-adv.pth", "vox-adv.safetensors"]
)
def test_a_row_is_found_by_each_of_its_names(said: str) -> None:
    table = read_table()
    assert find_entry(said, table) == named_entry(said, table) == table["vox-adv"]


def test_a_name_that_is_none_lists_those_there_are() -> None:
    table = read_table()
    assert find_entry("nothing", table) is None
    with pytest.raises(UserError, match="No weights are called 'nothing'") as caught:
        named_entry("nothing", table)
    assert caught.value.code == "weights-unknown"
    assert "vox-adv" in caught.value.hint


@pytest.mark.parametrize("text", ["", "[1]", "[[]]", '[{"name": "a"}]', "[" * 50])
def test_no_table_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_table(path)
    assert caught.value.code == "table-unreadable"


def test_a_source_with_a_checksum_that_is_not_there_is_refused(tmp_path: Path) -> None:
    rows = json.loads(TABLE.read_text())
    row = next(row for row in rows if row["sources"])
    row["sources"][0]["known"] = "no such"
    (tmp_path / "t.json").write_text(json.dumps(rows))
    with pytest.raises(UserError, match="names a checksum that is not there"):
        read_table(tmp_path / "t.json")
