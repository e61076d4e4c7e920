# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of translations, one gettext .po file for each language, read once and handed to Blender."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import bpy

FOLDER = Path(__file__).resolve().parents[2] / "translations"
OWNER = "understudy"
# Blender looks up an operator's name and its button's text in a context of its own.
CONTEXTS = ("*", "Operator")


def register() -> None:
    """Nothing; Blender knows the words of every language that has a table."""
    tables = {
        language: {(context, english): own for english, own in table(language).items() for context in CONTEXTS}
        for language in languages()
    }
    bpy.app.translations.register(OWNER, tables)


def unregister() -> None:
    """Nothing; Blender forgets them."""
    bpy.app.translations.unregister(OWNER)


@functools.cache
def languages() -> tuple[str, ...]:
    """The languages that have a table, as Blender calls them: "de" stands for "de_DE" too."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.po")))


@functools.cache
def table(language: str) -> dict[str, str]:
    """English text -> the language's; empty where there is no table."""
    path = FOLDER / f"{language}.po"
    return read_po(path.read_text(encoding="utf-8")) if path.is_file() else {}


def read_po(text: str) -> dict[str, str]:
    """English text -> translation, of the entries that have one. Plural forms and contexts are not used here.

    The format: https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
    """
    entries: list[dict[str, str]] = [{}]
    field = ""
    for line in text.splitlines():
        keyword, _, quoted = line.partition(" ")
        if keyword in ("msgid", "msgstr"):
            field = keyword
            if field == "msgid":
                entries.append({})
            entries[-1][field] = _unquoted(quoted)
        elif line.startswith('"') and field:
            entries[-1][field] += _unquoted(line)
        else:
            field = ""
    return {entry["msgid"]: entry["msgstr"] for entry in entries if entry.get("msgid") and entry.get("msgstr")}


def _unquoted(quoted: str) -> str:
    """The text of one quoted line: gettext's escapes are a part of Python's."""
    return str(ast.literal_eval(quoted.strip()))
