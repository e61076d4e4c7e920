# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of published weights (weights_table.json): names, files, sizes, checksums, licences, sources."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from fomm_engine.wire.errors import UserError

TABLE = Path(__file__).with_name("weights_table.json")
Kind = Literal["fomm", "vgg19", "fan", "s3fd"]
_SUFFIXES = (".safetensors", ".pth.tar", ".pth")


@dataclass(frozen=True)
class Known:
    """One file that is known to be right, by as much as was published of it: hashes in hex, size in bytes."""

    label: str
    size: int | None = None
    sha256: str = ""
    sha256_prefix: str = ""
    md5: str = ""


@dataclass(frozen=True)
class Source:
    """Where a file can be had. direct: `url` is the file; yandex: `url` is a public folder or file of Yandex Disk and
    `path` the file within; page: a person must open `url`. known: the label of the file that it must give."""

    kind: Literal["direct", "yandex", "page"]
    url: str
    origin: str
    path: str = ""
    known: str = ""
    api: str = ""


@dataclass(frozen=True)
class Entry:
    """One row of the table. size_about: bytes, for estimates; `known` says what is exact."""

    name: str
    kind: Kind
    config: str
    file: str
    subject: str
    fits_faces: bool
    size_about: int
    licence: str
    known: tuple[Known, ...]
    sources: tuple[Source, ...]

    @property
    def pages(self) -> tuple[str, ...]:
        """The addresses that a person can open to fetch the file by hand."""
        return tuple(source.url for source in self.sources)


def read_table(path: Path = TABLE) -> dict[str, Entry]:
    """The rows by name. Raises UserError("table-unreadable") for a file that is no such table, saying where."""
    try:
        rows = cast(list[dict[str, Any]], json.loads(Path(path).read_text(encoding="utf-8")))
        entries = [_entry(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError("table-unreadable", f"The table of weights {path} cannot be read ({error!r}).") from error
    return {entry.name: entry for entry in entries}


def find_entry(name: str, table: dict[str, Entry]) -> Entry | None:
    """The row that `name` means: its name, its config's ("vox-adv-256") or its file's ("vox-adv-cpk.pth.tar")."""
    if name in table:
        return table[name]
    plain = Path(name).name
    for entry in table.values():
        if plain in (entry.config, entry.file) or plain in {entry.name + suffix for suffix in _SUFFIXES}:
            return entry
    return None


def named_entry(name: str, table: dict[str, Entry]) -> Entry:
    """As `find_entry`. Raises UserError("weights-unknown") with the names there are."""
    entry = find_entry(name, table)
    if entry is None:
        raise UserError("weights-unknown", f"No weights are called '{name}'.", f"There are: {', '.join(table)}.")
    return entry


def _entry(row: dict[str, Any]) -> Entry:
    known = tuple(Known(**item) for item in row.pop("known"))
    sources = tuple(_source(item) for item in row.pop("sources"))
    entry = Entry(known=known, sources=sources, **row)
    labels = {item.label for item in known}
    if any(source.known and source.known not in labels for source in sources):
        raise ValueError(f"a source of {entry.name} names a checksum that is not there")
    return entry


def _source(item: dict[str, Any]) -> Source:
    return Source(origin=item.pop("from"), **item)
