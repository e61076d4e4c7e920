# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's report as a picture for the panel: four bands over the take's time, drawn with numpy, without words.

The words stand beside it as Blender's own text, so that they are translated and as sharp as the rest of the interface.
The colours keep their contrast on light and dark panels; what is not drawn is transparent.
"""

from __future__ import annotations

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS

from ...core.array_types import FloatArray
from ...core.take_report import COLUMNS, IN_USE, PARTS, TakeReport
from ..pictures import confidence_colours

SIDE = 256  # pixels: the picture is square, as Blender's icons are
BAND = SIDE // 4
_GAP = 5
_FULL_JITTER = 0.02  # of the distance between the eyes: the top of the band
_GROUND = (0.5, 0.5, 0.5, 0.22)
_LINE = (0.5, 0.5, 0.5, 0.55)
_NOISE, _TOUCH, _LIPS = (0.72, 0.45, 0.85, 1.0), (0.25, 0.56, 0.90, 1.0), (0.90, 0.42, 0.42, 1.0)
_USED, _DEAD, _LIMIT = (0.25, 0.56, 0.90, 1.0), (0.5, 0.5, 0.5, 0.9), (0.90, 0.62, 0.10, 1.0)


def pixels(report: TakeReport) -> FloatArray:
    """The picture (SIDE, SIDE, 4) as RGBA in 0..1 as Blender draws icons: its first row the lowest, its colours
    multiplied by their alpha.

    From top to bottom: how sure each moment is (green, amber, red; a full red column where the face was lost); how much
    the landmarks jitter; when right eye, left eye and lips are shut; the range each channel uses (grey: never
    used; orange: long at its limit).
    """
    picture: FloatArray = np.zeros((SIDE, SIDE, 4))
    _confidence(_band(picture, 0), report)
    _jitter(_band(picture, 1), report)
    _contacts(_band(picture, 2), report)
    _range(_band(picture, 3), report)
    picture[..., :3] *= picture[..., 3:]
    return picture


def _band(picture: FloatArray, number: int) -> FloatArray:
    """A view of one band, row 0 its lowest, with its ground painted."""
    top = SIDE - number * BAND - _GAP // 2
    band = picture[top - BAND + _GAP : top]
    band[:] = _GROUND
    band[0] = _LINE
    return band


def _confidence(band: FloatArray, report: TakeReport) -> None:
    colours = confidence_colours(np.array(report.confidence_columns))
    for column, (sure, colour) in enumerate(zip(report.confidence_columns, colours, strict=True)):
        height = 1.0 if sure <= 0.0 else sure  # a lost face must not look like an empty place
        _bar(band, _span(column / COLUMNS, (column + 1) / COLUMNS), height, (*colour, 1.0))


def _jitter(band: FloatArray, report: TakeReport) -> None:
    for column, noise in enumerate(report.jitter_columns):
        _bar(band, _span(column / COLUMNS, (column + 1) / COLUMNS), min(1.0, noise / _FULL_JITTER), _NOISE)


def _contacts(band: FloatArray, report: TakeReport) -> None:
    lane = len(band) // len(PARTS)
    for number, part in enumerate(reversed(PARTS)):
        rows = band[number * lane + 3 : (number + 1) * lane - 2]
        rows[len(rows) // 2] = _LINE
        for first, last in report.contacts[part]:
            rows[:, _span(first, max(last, first + 3 / SIDE))] = _LIPS if part == "lips" else _TOUCH


def _range(band: FloatArray, report: TakeReport) -> None:
    width = 1.0 / len(ARKIT_CHANNELS)
    for number, name in enumerate(ARKIT_CHANNELS):
        peak = report.peaks[name]
        colour = _DEAD if peak < IN_USE else (_LIMIT if name in report.at_limit else _USED)
        span = _span(number * width, (number + 1) * width)
        _bar(band, slice(span.start, max(span.start + 1, span.stop - 1)), max(peak, 0.06), colour)


def _bar(band: FloatArray, columns: slice, share: float, colour: tuple[float, ...]) -> None:
    band[: max(1, round(share * len(band))), columns] = colour


def _span(first: float, last: float) -> slice:
    start = min(SIDE - 1, int(first * SIDE))
    return slice(start, max(start + 1, min(SIDE, round(last * SIDE))))
