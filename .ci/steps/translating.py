# SPDX-License-Identifier: GPL-3.0-or-later
"""build.py texts: brings the tables of translations up to date with the sources, and tells what each lacks.

A table is a gettext .po file (any editor for these will do); a new language is a new file beside the others, named as
Blender names the language: fr.po, pt_BR.po.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

from steps.places import ADDON, ROOT
from steps.terminal import say
from steps.texts import gather

FOLDER = ADDON / "translations"
HEADER = 'msgid ""\nmsgstr ""\n"Project-Id-Version: Understudy\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'


def translate() -> int:
    """0 where every table is whole, 1 where one lacks something; the files are brought up to date either way."""
    found = gather().found
    lacking = 0
    for path in sorted(FOLDER.glob("*.po")):
        known = read(path)
        write(path, found, known)
        missing = [text for text in found if not known.get(text)]
        lacking += len(missing)
        gone = len(set(known) - set(found))
        say(f"{path.relative_to(ROOT)}: {len(found)} texts, {len(missing)} without a translation, {gone} dropped")
    return 1 if lacking else 0


def read(path: Path) -> dict[str, str]:
    """English text -> translation, "" where it has none."""
    known: dict[str, str] = {}
    english, field = "", ""
    for line in path.read_text(encoding="utf-8").splitlines():
        keyword, _, quoted = line.partition(" ")
        if keyword == "msgid":
            english, field = str(ast.literal_eval(quoted)), keyword
        elif keyword == "msgstr":
            known[english], field = str(ast.literal_eval(quoted)), keyword
        elif line.startswith('"') and field == "msgid":
            english += str(ast.literal_eval(line))
        elif line.startswith('"') and field == "msgstr":
            known[english] += str(ast.literal_eval(line))
    known.pop("", None)
    return known


def write(path: Path, found: dict[str, str], known: dict[str, str]) -> None:
    """Nothing; the table holds the found texts in the order of their files, each with the file it stands in."""
    parts = [HEADER]
    by_file: dict[str, list[str]] = {}
    for english, place in found.items():
        by_file.setdefault(place.split(":")[0], []).append(english)
    for name in sorted(by_file):
        parts += [_entry(name, english, known.get(english, "")) for english in sorted(by_file[name])]
    path.write_text("\n".join(parts), encoding="utf-8")


def _entry(place: str, english: str, own: str) -> str:
    return f"#: {place}\nmsgid {_quoted(english)}\nmsgstr {_quoted(own)}\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
