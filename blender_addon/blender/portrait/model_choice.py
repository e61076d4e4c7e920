# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that can paint a portrait: which are here, what is to be known of one before it is fetched."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

import bpy

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.model_table import Entry, read_table

from .. import preferences

DEFAULT, FILE = "DEFAULT", "FILE"
_FRESH_S = 1.0
_SEEN: dict[str, tuple[float, bool]] = {}


@cache
def table() -> dict[str, Entry]:
    """The table of published weights."""
    return read_table()


def files_for(name: str) -> list[Entry]:
    """The rows of the table that do for a model: its own, and a smaller one of the same networks where there is one."""
    wanted = table()[name]
    return [wanted, *(row for row in table().values() if row.config == wanted.config and row.name != name)]


def place_of(context: bpy.types.Context, entry: Entry) -> Path:
    """Where a row's file is kept: as the engine's store does."""
    return preferences.models_folder(context) / entry.name / entry.file


def found(context: bpy.types.Context, name: str) -> Path | None:
    """The file of a model that is here, None where there is none."""
    return next((place_of(context, row) for row in files_for(name) if place_of(context, row).is_file()), None)


def is_here(context: bpy.types.Context, name: str) -> bool:
    """Whether a model can be used, as it was a second ago at most: panels ask at every drawing."""
    if name in (DEFAULT, FILE):
        return True
    key, now = f"{preferences.models_folder(context)}|{name}", time.monotonic()
    if key not in _SEEN or now - _SEEN[key][0] > _FRESH_S:
        _SEEN[key] = now, found(context, name) is not None
    return _SEEN[key][1]


def forget() -> None:
    """Nothing; the next question looks again, because something was just changed."""
    _SEEN.clear()


def fits_faces(name: str) -> bool:
    """Whether a model was made for faces; nobody knows of one's own."""
    return name in (DEFAULT, FILE) or table()[name].fits_faces


def weights_of(context: bpy.types.Context, own: Any) -> str:
    """What the animate job calls the chosen model: "default", or its file.

    Raises UserError("weights-not-here", "weights-missing").
    """
    if own.model == DEFAULT:
        return "default"
    if own.model == FILE:
        path = Path(bpy.path.abspath(own.model_file))
        if not own.model_file or not path.is_file():
            raise UserError("weights-missing", "The file of the model's weights is not there.", "Choose it again.")
        return str(path)
    path = found(context, own.model)
    if path is None:
        hint = "Download it in the panel, or bring a file from disk."
        raise UserError("weights-not-here", f"The model {own.model} is not on this machine yet.", hint)
    return str(path)
