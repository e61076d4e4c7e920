# SPDX-License-Identifier: GPL-3.0-or-later
"""What all lists share: Blender's long calls stand here once; a list says how a row looks and which rows are wanted."""

from __future__ import annotations

from typing import Any

import bpy

from .layout import WIDE


class Rows:
    """Base of the lists: `draw_row` draws one entry."""

    def draw_row(self, context: bpy.types.Context, layout: Any, item: Any, data: Any) -> None:
        """Nothing; one row for `item`, an entry of a collection of `data`."""
        raise NotImplementedError

    def draw_item(  # noqa: PLR0913 - Blender counts the arguments
        self,
        context: bpy.types.Context,
        layout: Any,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """Nothing; one row, as Blender calls for it."""
        self.draw_row(context, layout, item, data)


class Found:
    """Base of the lists with a search field and one switch that leaves only some rows (`switch`, a property's name)."""

    switch = ""
    switch_icon = "FILTER"
    filter_name: str
    bitflag_filter_item: int

    def keeps(self, item: Any) -> bool:
        """Whether the row stays where the switch is on."""
        raise NotImplementedError

    def draw_filter(self, context: bpy.types.Context, layout: Any) -> None:
        """Nothing; the search field and the switch."""
        row = layout.row(align=True)
        row.prop(self, "filter_name", text="", icon="VIEWZOOM")
        row.prop(self, self.switch, text="", icon=self.switch_icon)

    def filter_items(self, context: bpy.types.Context, data: Any, property_name: str) -> tuple[list[int], list[int]]:
        """Which rows are shown, as Blender's flags; the order stays."""
        searched, narrowed = self.filter_name.casefold(), getattr(self, self.switch)
        flags = [
            self.bitflag_filter_item if searched in item.name.casefold() and (not narrowed or self.keeps(item)) else 0
            for item in getattr(data, property_name)
        ]
        return flags, []


def is_wide(context: bpy.types.Context) -> bool:
    """Whether the sidebar has room for a field beside a row's name."""
    region = context.region
    return region is not None and region.width >= WIDE * context.preferences.system.ui_scale
