# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports that panels show: read once from what a character keeps, their pictures made when nothing draws."""

from __future__ import annotations

from typing import Any

import bpy
import bpy.utils.previews
import numpy as np

from ...core import take_report
from ...core.take_report import TakeReport
from . import report_picture

KEPT = 8


class Shelf:
    """Reports by their text, and the icons of their pictures."""

    def __init__(self) -> None:
        self._reports: dict[str, TakeReport | None] = {}
        self._icons: dict[str, int] = {}
        self._wanted: list[str] = []
        self._previews: Any = None

    def report(self, text: str) -> TakeReport | None:
        """The report, None where the text is none (of this version)."""
        if text not in self._reports:
            self._make_room()
            try:
                self._reports[text] = take_report.from_json(text) if text else None
            except ValueError:
                self._reports[text] = None
        return self._reports[text]

    def icon(self, text: str) -> int:
        """The number of the picture's icon; 0 for a moment, until it is made."""
        if text not in self._icons and text not in self._wanted and not bpy.app.background:
            self._wanted.append(text)
            if not bpy.app.timers.is_registered(_make):
                bpy.app.timers.register(_make, first_interval=0.0)
        return self._icons.get(text, 0)

    def clear(self) -> None:
        """Nothing; all pictures are gone."""
        if bpy.app.timers.is_registered(_make):
            bpy.app.timers.unregister(_make)
        if self._previews is not None:
            bpy.utils.previews.remove(self._previews)
        self._previews, self._wanted = None, []
        self._reports.clear()
        self._icons.clear()

    def make(self) -> None:
        """Nothing; the pictures that were asked for are there."""
        if self._previews is None:
            self._previews = bpy.utils.previews.new()
        for text in self._wanted:
            report = self.report(text)
            if report is not None:
                self._icons[text] = picture_icon(self._previews, f"report {len(self._previews)}", report)
        self._wanted = []
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                area.tag_redraw()

    def _make_room(self) -> None:
        while len(self._reports) >= KEPT:
            oldest = next(iter(self._reports))
            del self._reports[oldest]


def picture_icon(previews: Any, name: str, report: TakeReport) -> int:
    """The icon's number of the report's picture, new under this name."""
    preview = previews.new(name)
    preview.image_size = (report_picture.SIDE, report_picture.SIDE)
    preview.image_pixels_float.foreach_set(report_picture.pixels(report).astype(np.float32).ravel())
    return preview.icon_id


SHELF = Shelf()


def _make() -> None:
    """A plain function, because Blender knows its timers by the object: a bound method is a new one each time."""
    SHELF.make()
