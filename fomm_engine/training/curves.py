# SPDX-License-Identifier: GPL-3.0-or-later
"""The curve of a landmark training: its error on held-out faces over the samples seen, from the run's log."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_LINES = {
    "inner51_percent": "inner 51 points, all poses",
    "inner51_frontal_percent": "inner 51 points, frontal",
    "eyes_percent": "eyes",
    "mouth_percent": "mouth",
}


def read_log(path: Path) -> list[dict[str, Any]]:
    """The rows of a log that hold landmark scores, in the order of their samples; other lines are passed over."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line) if line.startswith("{") else {}
        if "samples" in row and "inner51_percent" in row:
            rows.append(row)
    return sorted(rows, key=lambda row: row["samples"])


def write_curve(runs: Sequence[Sequence[dict[str, Any]]], path: Path) -> Path:
    """The path, after drawing the scores of one or more runs that follow each other as a PNG there."""
    figure = Figure(figsize=(7, 3.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, rows in enumerate(runs):
        samples = [row["samples"] / 1000 for row in rows]
        for color, (name, label) in enumerate(_LINES.items()):
            axes.plot(samples, [row[name] for row in rows], color=f"C{color}", label=label if number == 0 else None)
        if number:
            axes.axvline(samples[0], color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="thousand samples", ylabel="error, % of the outer eye distance", ylim=(1.5, 6))
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path
