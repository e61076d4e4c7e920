# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender shows of the add-on in another language: everything registered is in the table; messages are found."""

import re
import sys
from pathlib import Path

import bpy
import pytest

from blender_addon.blender import registration, translation
from blender_addon.blender.engine_jobs import status
from blender_addon.blender.panels.layout import lines_of
from blender_addon.blender.translation import catalogue, sentences
from blender_addon.engine.session import Failure

ROOT = Path(__file__).resolve().parents[2]
# Blender's own properties of operators that open a file, and what every class has.
BLENDERS_OWN = {"rna_type", "filepath", "filter_glob", "check_existing", "name", "directory", "files", "filename"}


def registered_texts():
    """(where, text) of every name, tooltip and menu item of the registered classes."""
    for cls in registration.CLASSES:
        if issubclass(cls, bpy.types.Operator):
            rna = getattr(bpy.ops.understudy, cls.bl_idname.split(".")[1]).get_rna_type()
        elif issubclass(cls, bpy.types.PropertyGroup | bpy.types.AddonPreferences):
            rna = cls.bl_rna
        else:
            yield cls.__name__, getattr(cls, "bl_label", "")
            continue
        if issubclass(cls, bpy.types.Operator):
            yield cls.__name__, rna.name
            yield cls.__name__, rna.description
        base = (
            {prop.identifier for prop in cls.__mro__[-2].bl_rna.properties}
            if hasattr(cls.__mro__[-2], "bl_rna")
            else ()
        )
        for prop in rna.properties:
            if prop.identifier in BLENDERS_OWN or prop.identifier in base or prop.is_hidden:
                continue
            yield f"{cls.__name__}.{prop.identifier}", prop.name
            yield f"{cls.__name__}.{prop.identifier}", prop.description
            for item in getattr(prop, "enum_items_static", ()) if prop.type == "ENUM" else ():
                yield f"{cls.__name__}.{prop.identifier}", item.name
                yield f"{cls.__name__}.{prop.identifier}", item.description


def test_everything_that_is_registered_is_in_the_table(addon):
    sys.path.insert(0, str(ROOT / ".ci"))
    from steps.texts import gather

    known = gather().found
    missing = {f"{where}: {text}" for where, text in registered_texts() if text and text not in known and len(text) > 1}
    # Names made from an identifier ("filepath" -> "Filepath") are shown nowhere: these properties have no name.
    assert {text for text in missing if not is_plain(text.split(": ", 1))} == set()


def is_plain(entry):
    """Names made from an identifier, of models, and of rates and sizes: the same in every language."""
    where, text = entry
    if re.fullmatch(r"[a-z-]+|[\d.]+ fps|\d+ x \d+", text):
        return True
    return "." in where and text.replace(" ", "_").casefold() == where.split(".")[1].casefold()


@pytest.fixture
def german(monkeypatch):
    """Blender's own look-up and the language, as they are in a Blender that was built with languages."""
    table = catalogue.table("de")
    for name in ("pgettext_iface", "pgettext_rpt", "pgettext_tip"):
        monkeypatch.setattr(translation, f"_{name}", lambda text: table.get(text, text))
    monkeypatch.setattr(sentences, "language", lambda: "de")
    return table


def test_words_are_translated_before_their_values_are_filled_in(german):
    assert translation.words("{lost} without a face", lost=3) == "3 ohne Gesicht"
    assert translation.said("Captured {count} frames.", count=12) == "12 Bilder aufgenommen."


def test_a_message_of_core_or_engine_is_found_by_its_pattern(german):
    told = sentences.sentence("There is no file /films/a {b}.mp4. Choose the video again.")
    assert told == "Es gibt keine Datei /films/a {b}.mp4. Das Video neu wählen."
    assert sentences.sentence("The face was not found in 3 of 12 frames.") == (
        "Das Gesicht wurde in 3 von 12 Bildern nicht gefunden."
    )
    assert sentences.sentence("Nobody wrote this sentence.") == "Nobody wrote this sentence."


def test_an_error_is_shown_in_the_users_language(german, scene, monkeypatch):
    from unittest.mock import MagicMock

    from blender_addon.blender import panels

    status.say_failure(status.of(bpy.context), Failure("x", "The character is hidden.", "Show it in the Outliner."))
    layout = MagicMock()
    layout.column.return_value = layout.row.return_value = layout.box.return_value = layout
    panels.job_status.UNDERSTUDY_PT_status.draw(MagicMock(layout=layout), bpy.context)
    text = " ".join(str(call.kwargs.get("text", "")) for call in layout.label.call_args_list)
    assert "Die Figur ist ausgeblendet." in text
    assert "Sie im Outliner einblenden." in text


def test_in_english_everything_stays_as_it_is(scene):
    assert sentences.language() == ""
    assert sentences.sentence("There is no file x.") == "There is no file x."
    assert translation.words("{lost} without a face", lost=3) == "3 without a face"


def test_the_table_is_read_whole():
    words = catalogue.table("de")
    assert len(words) > 900
    assert catalogue.languages() == ("de",)


def test_a_po_file_of_any_editor_is_read():
    text = (
        'msgid ""\nmsgstr "Content-Type: text/plain\\n"\n\n# a remark\n#: place.py\nmsgid ""\n"Two "\n"parts"\n'
        'msgstr "Zwei "\n"Teile"\n\n#, fuzzy\nmsgid "Say \\"no\\""\nmsgstr "„Nein“ sagen"\n\nmsgid "Empty"\nmsgstr ""\n'
    )
    assert catalogue.read_po(text) == {"Two parts": "Zwei Teile", 'Say "no"': "„Nein“ sagen"}


def test_long_german_words_do_not_break_the_lines(german):
    lines = lines_of(sentences.sentence("The character is hidden. Show it in the Outliner."))
    assert " ".join(lines) == "Die Figur ist ausgeblendet. Sie im Outliner einblenden."
