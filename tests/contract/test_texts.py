# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text of the extension can be translated, and each table of translations is whole."""

import re
from pathlib import Path

import pytest

from steps import texts, translating

PLACE = re.compile(r"\{[^{}]*\}")
TABLES = sorted(translating.FOLDER.glob("*.po"))
# Words that are the same in the other language.
SAME = {
    "de": {
        "2  Takes",
        "CPU",
        "CUDA",
        "Cycles",
        "EEVEE",
        "Engine",
        "Engine {engine}, Python {python}, PyTorch {torch}",
        "Film",
        "Form: {form}.",
        "Installation",
        "Metal",
        "Name",
        "Solo",
        "Status",
        "Take",
        "Takes",
        "Video",
        "Wheels",
        "Workbench",
        "{name}: {width} x {height}, {rate} fps, {seconds:.1f} s",
        "{rate} fps",
    }
}


@pytest.fixture(scope="module")
def shown() -> texts.Texts:
    return texts.gather()


def test_no_text_is_put_together_where_no_table_can_see_it(shown: texts.Texts) -> None:
    assert shown.unreachable == []


def test_there_is_a_table() -> None:
    assert [path.stem for path in TABLES] == ["de"]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_holds_every_text_and_no_other(shown: texts.Texts, path: Path) -> None:
    known = translating.read(path)
    assert {text: place for text, place in shown.found.items() if not known.get(text)} == {}, "build.py texts"
    assert sorted(set(known) - set(shown.found)) == [], "build.py texts"


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_translation_keeps_every_place_for_a_value(path: Path) -> None:
    for english, own in translating.read(path).items():
        assert sorted(PLACE.findall(english)) == sorted(PLACE.findall(own)), english


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_nothing_is_left_in_english(path: Path) -> None:
    assert {english for english, own in translating.read(path).items() if english == own} == SAME[path.stem]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_sentence_stays_a_sentence(path: Path) -> None:
    """A full stop is kept, and none is put where a button or a tooltip has none."""
    for english, own in translating.read(path).items():
        assert english.endswith(".") == own.endswith("."), english


def test_the_reader_of_sources_sees_what_is_shown(tmp_path: Path) -> None:
    source = tmp_path / "panel.py"
    source.write_text(
        'class UNDERSTUDY_OT_x:\n    """Do it"""\n    bl_label = "Go"\n    def act(self):\n'
        '        return f"{self.name} is done."\n    def draw(self, layout):\n'
        '        layout.label(text="One" if self else words("Two {n}", n=2))\n'
        '        layout.label(text=f"bad {self}")\n'
        'STATE_WORDS = {"a": "well"}\nraise UserError("code", f"No file {path.name} here.", "Look again.")\n'
    )
    found = texts.Texts()
    texts.read_source(source, tmp_path, found, interface=True)
    assert set(found.found) == {
        "Do it",
        "Go",
        "{name} is done.",
        "One",
        "Two {n}",
        "well",
        "No file {name} here.",
        "Look again.",
    }
    assert len(found.unreachable) == 1
    assert "bad" in found.unreachable[0]
