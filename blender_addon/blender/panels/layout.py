# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels share: where they stand, large buttons, text that wraps."""

from __future__ import annotations

from typing import Any

import bpy

WIDE = 400  # of a sidebar, in units of the interface: a list's row has room for a field beside its name from here on
WRAP_CHARACTERS = 34  # fits the sidebar at its default width


class Step:
    """Base of the panels: where they stand."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Understudy"


def large(layout: Any) -> Any:
    """A column whose buttons are the step's main ones."""
    column = layout.column()
    column.scale_y = 1.4
    return column


def wrapped(layout: Any, text: str, icon: str = "NONE") -> None:
    """Nothing; the text over as many lines as it needs, since labels do not wrap by themselves."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(lines_of(bpy.app.translations.pgettext_iface(text))):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"))


def lines_of(text: str) -> list[str]:
    """The text in lines of at most WRAP_CHARACTERS, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= WRAP_CHARACTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def file_name(path: str) -> str:
    """The last part of a path, for showing."""
    return bpy.path.basename(path)
