# SPDX-License-Identifier: GPL-3.0-or-later
"""The report that a person reads: curves, confidence, lost frames, what was matched, and the truth if there is one."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fomm_engine.evaluation.metrics import AXES, Baked, euler_deg
from fomm_engine.evaluation.truth import Standard
from fomm_engine.wire.capture import Capture
from fomm_engine.wire.names import ARKIT_INDEX

Array = npt.NDArray[Any]
INK, FAINT, BAD = "#22252b", "#9aa0aa", "#d1495b"
COLOURS = ("#2a6fdb", "#e07b39", "#2e9e6b", "#8b5fbf")
TEXT_WIDTH = 62  # characters of a line in words
RANGES_SHOWN = 44
GROUPS: dict[str, tuple[str, ...]] = {
    "Eyes": ("eyeBlinkLeft", "eyeBlinkRight"),
    "Gaze": ("eyeLookOutLeft", "eyeLookInLeft", "eyeLookUpLeft", "eyeLookDownLeft"),
    "Mouth": ("jawOpen", "mouthSmileLeft", "mouthPucker", "mouthFunnel"),
    "Brows": ("browInnerUp", "browOuterUpLeft", "browDownLeft"),
}


@dataclass(frozen=True)
class ReportInput:
    """What the report is drawn from.

    The bake's neutral frame, pictures (H, W, 3) in a row, sentences, and the standard with its figures where there is
    one.
    """

    title: str
    capture: Capture
    baked: Baked
    neutral_frame: int
    pictures: list[Array]
    sentences: list[str]
    standard: Standard | None = None
    figures: dict[str, Any] | None = None


def write_report(content: ReportInput, path: Path) -> Path:
    """`path`, a PNG of the report."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "text.color": INK}):
        figure = Figure(figsize=(14, 16), dpi=100, facecolor="white")
        figure.suptitle(content.title, x=0.06, y=0.978, ha="left", fontsize=17, fontweight="bold")
        _pictures(figure.add_axes((0.06, 0.775, 0.92, 0.185)), content.pictures)
        left = figure.add_gridspec(
            6, 1, left=0.06, right=0.6, top=0.735, bottom=0.04, height_ratios=(1.5, 1, 1, 1, 1, 0.4), hspace=0.62
        )
        right = figure.add_gridspec(2, 1, left=0.745, right=0.98, top=0.735, bottom=0.04, height_ratios=(1, 2.6))
        _rotation(figure.add_subplot(left[0]), content)
        for row, (name, channels) in enumerate(GROUPS.items()):
            _channels(figure.add_subplot(left[1 + row]), name, channels, content)
        _confidence(figure.add_subplot(left[5]), content.capture)
        _sentences(figure.add_subplot(right[0]), content.sentences)
        _ranges(figure.add_subplot(right[1]), content)
        figure.savefig(path, format="png")
    return path


def _pictures(axes: Axes, pictures: list[Array]) -> None:
    axes.set_axis_off()
    if pictures:
        gap = np.full((pictures[0].shape[0], 6, 3), 255, np.uint8)
        row = [part for picture in pictures for part in (picture, gap)][:-1]
        axes.imshow(np.concatenate(row, axis=1), interpolation="lanczos")


def _rotation(axes: Axes, content: ReportInput) -> None:
    axes.set_title("Head rotation against neutral, degrees", loc="left", fontweight="bold")
    angles = euler_deg(content.baked.rotation)
    for index, axis in enumerate(AXES):
        axes.plot(content.baked.time_s, angles[:, index], color=COLOURS[index], label=axis, lw=1.6)
    if content.standard is not None:
        at_rest = content.standard.rotation[min(content.neutral_frame, len(content.standard.rotation) - 1)]
        expected = euler_deg(at_rest.T @ content.standard.rotation)
        for index in range(len(AXES)):
            axes.plot(
                content.standard.time_s, expected[:, index], color=COLOURS[index], lw=1, ls=(0, (2, 2)), alpha=0.8
            )
    _finish(axes, content)


def _channels(axes: Axes, name: str, channels: tuple[str, ...], content: ReportInput) -> None:
    axes.set_title(name, loc="left", fontweight="bold")
    truth = content.standard.channels if content.standard is not None else {}
    for colour, channel in zip(COLOURS, channels, strict=False):
        if channel in content.baked.values:
            axes.plot(content.baked.time_s, content.baked.values[channel], color=colour, label=channel, lw=1.6)
        if content.standard is not None and channel in truth:
            axes.plot(content.standard.time_s, truth[channel], color=colour, lw=1, ls=(0, (2, 2)), alpha=0.8)
    axes.set_ylim(-0.04, 1.04)
    _finish(axes, content)


def _finish(axes: Axes, content: ReportInput) -> None:
    _shade_lost(axes, content.capture)
    axes.set_xlim(float(content.capture.time_s[0]), float(content.capture.time_s[-1]))
    axes.grid(axis="y", color="#e6e8ec", lw=0.8)
    axes.tick_params(colors=FAINT, labelcolor=INK)
    if axes.lines:
        axes.legend(loc="upper right", ncols=4, frameon=False, fontsize=8, bbox_to_anchor=(1.0, 1.24))


def _shade_lost(axes: Axes, capture: Capture) -> None:
    half = float(np.median(np.diff(capture.time_s))) / 2 if capture.frame_count > 1 else 0.02
    for time in capture.time_s[~capture.valid]:
        axes.axvspan(time - half, time + half, color=BAD, alpha=0.25, lw=0)


def _confidence(axes: Axes, capture: Capture) -> None:
    axes.set_title("Confidence of the tracking (red: no face found)", loc="left", fontweight="bold")
    confidence = capture.confidences.get("face", capture.valid.astype(np.float32))
    axes.fill_between(capture.time_s, confidence, color=COLOURS[2], alpha=0.55, lw=0, step="mid")
    _shade_lost(axes, capture)
    axes.set_xlim(float(capture.time_s[0]), float(capture.time_s[-1]))
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("seconds")
    axes.tick_params(colors=FAINT, labelcolor=INK)


def _sentences(axes: Axes, sentences: list[str]) -> None:
    axes.set_axis_off()
    axes.text(-0.35, 1.03, "In words", fontsize=11, fontweight="bold")
    lines = [part for sentence in sentences for part in textwrap.wrap(sentence, TEXT_WIDTH) or [""]]
    axes.text(-0.35, 0.98, "\n".join(lines), va="top", ha="left", fontsize=9, linespacing=1.45)


def _ranges(axes: Axes, content: ReportInput) -> None:
    values = content.baked.values
    known = [name for name in values if name in ARKIT_INDEX] or list(values)
    names = sorted(known, key=lambda name: float(values[name].max()))[-RANGES_SHOWN:]
    axes.set_title("Range that each channel used", loc="left", fontweight="bold")
    low = [float(values[name].min()) for name in names]
    high = [float(values[name].max()) for name in names]
    axes.barh(names, np.subtract(high, low), left=low, color=COLOURS[0], alpha=0.75, height=0.7)
    correlation = (content.figures or {}).get("correlation", {})
    for row, name in enumerate(names):
        if name in correlation:
            axes.text(
                1.01, row, f"r {correlation[name]:.2f}", va="center", fontsize=7.5, color=_verdict(correlation[name])
            )
    axes.set_xlim(0, 1.12)
    axes.set_ylim(-0.7, max(len(names) - 0.3, 0.7))
    axes.tick_params(axis="y", labelsize=7.5, length=0)
    axes.tick_params(axis="x", colors=FAINT, labelcolor=INK)


def _verdict(correlation: float) -> str:
    return INK if correlation >= 0.6 else BAD
