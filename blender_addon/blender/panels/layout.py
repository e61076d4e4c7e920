# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels share: where they stand, large buttons, text that wraps."""

from __future__ import annotations

from typing import Any

import bpy

from ..translation import sentence

WIDE = 400  # of a sidebar, in units of the interface: a list's row has room for a field beside its name from here on
FEWEST_CHARACTERS, WRAP_CHARACTERS = 20, 34  # fits beside an icon in the sidebar at its default width
ICON_CHARACTERS = 3  # what an icon takes
MARGIN, CHARACTER_WIDTH = 84, 6.2  # in units of the interface, so that a line in a box fits too


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


def as_fields(layout: Any) -> None:
    """Nothing; settings stand with their names at the left, without the dots for keys: nothing here is animated."""
    layout.use_property_split = True
    layout.use_property_decorate = False


def wrapped(layout: Any, text: str, icon: str = "NONE", beside: int = 0, room: int = 0) -> None:
    """Nothing; the text over as many lines as it needs, since labels do not wrap by themselves.

    beside: how many icons stand in the same row. room: characters that fit, where that is not the region's to say.
    """
    column = layout.column(align=True)
    column.scale_y = 0.8
    room = (room or room_for_text(bpy.context)) - ICON_CHARACTERS * (beside + (icon != "NONE") - 1)
    for number, line in enumerate(lines_of(sentence(text), room)):
        shown = icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE")
        column.label(text=line, icon=shown, translate=False)


def room_for_text(context: bpy.types.Context) -> int:
    """How many characters fit beside an icon in the region that is being drawn."""
    region = context.region
    in_preferences = context.area is not None and context.area.type == "PREFERENCES"
    if region is None or (region.type != "UI" and not in_preferences):
        return WRAP_CHARACTERS
    width = region.width / context.preferences.system.ui_scale
    return max(FEWEST_CHARACTERS, int((width - MARGIN) / CHARACTER_WIDTH))


def lines_of(text: str, room: int = WRAP_CHARACTERS) -> list[str]:
    """The text in lines of at most `room` characters, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def file_name(path: str) -> str:
    """The last part of a path, for showing."""
    return bpy.path.basename(path)
