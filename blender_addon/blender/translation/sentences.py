# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that were made where there is no Blender, found again in the table by their pattern.

Core and engine raise English sentences with their values in place ("There is no file /x/y.mp4."). The table holds the
sentence with names in braces ("There is no file {video}."); what stands in their place is carried over.
"""

from __future__ import annotations

import functools
import re

import bpy

from . import catalogue

PLACE = re.compile(r"\{(\w+)[^{}]*\}")
# A pattern with hardly a word of its own would fit everything.
FEWEST_LETTERS = 6
ENDS = re.compile(r"(?<=[.!?]) (?=\S)")


def language() -> str:
    """The language that Blender shows: "de" of "de_DE"; "" for English."""
    code = str(bpy.app.translations.locale or "").split("_")[0]
    return code if code in catalogue.languages() else ""


def sentence(text: str) -> str:
    """The message in the language that Blender shows: as a whole, else sentence by sentence; as it is where the table
    does not know it."""
    shown = language()
    return translated(text, shown) if shown and text else text


@functools.lru_cache(maxsize=512)
def translated(text: str, shown: str) -> str:
    """The message in one language.

    Sentence by sentence first: a value at the end of a pattern would take all that follows into itself.
    """
    exact = catalogue.table(shown).get(text)
    if exact is not None:
        return exact
    parts = [(part, _found(part, shown)) for part in ENDS.split(text)]
    if all(own is not None for _, own in parts):
        return " ".join(str(own) for _, own in parts)
    whole = _found(text, shown)
    return whole if whole is not None else " ".join(own or part for part, own in parts)


@functools.cache
def patterns(shown: str) -> list[tuple[re.Pattern[str], str]]:
    """The table's sentences with values in them as patterns, those with the most words of their own first."""
    found = [
        (letters, pattern_of(english), own)
        for english, own in catalogue.table(shown).items()
        if "{" in english and (letters := len(re.sub(r"\W", "", PLACE.sub("", english)))) >= FEWEST_LETTERS
    ]
    return [(pattern, own) for _, pattern, own in sorted(found, key=lambda entry: -entry[0])]


def pattern_of(english: str) -> re.Pattern[str]:
    """What a sentence with {names} looks like when they are filled in."""
    parts, end = [], 0
    for place in PLACE.finditer(english):
        parts += [re.escape(english[end : place.start()]), f"(?P<{place.group(1)}>.+?)"]
        end = place.end()
    return re.compile("".join([*parts, re.escape(english[end:])]), re.DOTALL)


def _found(text: str, shown: str) -> str | None:
    """The translation of one sentence, or None."""
    exact = catalogue.table(shown).get(text)
    if exact is not None:
        return exact
    for pattern, own in patterns(shown):
        match = pattern.fullmatch(text)
        if match:
            return _filled(own, match.groupdict())
    return None


def _filled(own: str, values: dict[str, str]) -> str:
    return PLACE.sub(lambda place: values[place.group(1)], own)
