# SPDX-License-Identifier: GPL-3.0-or-later
"""How good take and mapping are: the picture, with its figures beside it."""

from __future__ import annotations

from typing import Any

import bpy

from ...core.take_report import IN_USE
from .. import properties
from ..preview.reports import SHELF
from ..translation import words
from .layout import Step, wrapped

PICTURE_UNITS = 7.5  # of the interface: what the sidebar leaves beside the figures at its default width
TEXT_SHARE, ROW_SCALE = 0.36, 0.9
SHOWN_NAMES = 6


class UNDERSTUDY_PT_report(Step, bpy.types.Panel):
    """What the tracking and the mapping of the take are worth"""

    bl_label = "Report"
    bl_parent_id = "UNDERSTUDY_PT_preview"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the picture and its figures, or how to come by them."""
        layout, performer = self.layout, properties.of(context.scene).performer
        report = SHELF.report(performer.report)
        if report is None:
            wrapped(layout, "Preview or bake the take to see how good it is.", icon="INFO")
            return
        sides = layout.split(factor=TEXT_SHARE, align=True)
        figures = sides.column(align=True)
        figures.scale_y = ROW_SCALE  # as high together as the picture, so that each figure stands at its band
        for title, figure in _beside(report):
            figures.label(text=title, translate=False)
            line = figures.row()
            line.active = False
            line.label(text=figure, translate=False)
        icon = SHELF.icon(performer.report)
        if icon:
            sides.template_icon(icon_value=icon, scale=PICTURE_UNITS)
        column = layout.column(align=True)
        for text, icon_name in _sentences(report):
            wrapped(column, text, icon=icon_name)


def _beside(report: Any) -> list[tuple[str, str]]:
    """A title and a figure for each band of the picture, from top to bottom."""
    blinks = len(report.contacts["eye_left"]) + len(report.contacts["eye_right"])
    used = sum(peak >= IN_USE for peak in report.peaks.values())
    return [
        (words("Confidence"), f"{100 * report.confidence:.0f} %"),
        (words("Jitter"), f"{100 * report.jitter:.2g} %"),
        (words("Contacts"), f"{blinks + len(report.contacts['lips'])}"),
        (words("Range"), f"{used} / {len(report.peaks)}"),
    ]


def _sentences(report: Any) -> list[tuple[str, str]]:
    """What is to be said in words, each with an icon."""
    found = [
        (_lost(report), "ERROR" if report.lost else "CHECKMARK"),
        (
            words(
                "Lids shut {lids} times, lips {lips} times.",
                lids=len(report.contacts["eye_left"]) + len(report.contacts["eye_right"]),
                lips=len(report.contacts["lips"]),
            ),
            "MARKER_HLT",
        ),
        (
            words(
                "Head: {yaw} to the sides, {pitch} up and down, {roll} tilted.",
                **{name: f"{high - low:.0f}°" for name, (low, high) in zip(_TURNS, report.head_deg, strict=True)},
            ),
            "ORIENTATION_GIMBAL",
        ),
        (words("Jitter after smoothing: {share} % of the range.", share=f"{100 * report.jitter_left:.2g}"), "RNDCURVE"),
    ]
    if report.unmapped:
        found.append((words("Used, but without a control: {names}.", names=_few(report.unmapped)), "ERROR"))
    if report.at_limit:
        found.append((words("Long at their limit: {names}.", names=_few(report.at_limit)), "INFO"))
    if report.dead:
        found.append((words("Never used: {names}.", names=_few(report.dead)), "INFO"))
    return found


_TURNS = ("yaw", "pitch", "roll")


def _lost(report: Any) -> str:
    if not report.lost:
        return words("A face on all {count} frames.", count=report.frames)
    return words(
        "No face on {lost} of {count} frames, for {seconds} s at the longest.",
        lost=report.lost,
        count=report.frames,
        seconds=f"{report.longest_gap_s:.2g}",
    )


def _few(names: tuple[str, ...]) -> str:
    """The first names, and how many more there are."""
    if len(names) <= SHOWN_NAMES:
        return ", ".join(names)
    return words("{names} and {more} more", names=", ".join(names[:SHOWN_NAMES]), more=len(names) - SHOWN_NAMES)
