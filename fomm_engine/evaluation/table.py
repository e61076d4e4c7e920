# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of an evaluation as a table for people."""

from typing import Any


def figures_table(clips: dict[str, dict[str, Any]]) -> str:
    """The clips' figures, one row each, then their channels."""
    head = f"{'clip':<14}{'frames':>7}{'lost':>6}{'yaw':>7}{'pitch':>7}{'roll':>7}{'mean':>7}{'jitter':>8}"
    head += f"{'mean r':>8}{'blinks':>8}{'recall':>8}{'prec.':>7}{'NME51 %':>9}{'NME68 %':>9}"
    lines = [head, "-" * len(head)]
    lines += [_row(name, figures) for name, figures in clips.items()]
    for name, figures in clips.items():
        lines += ["", f"{name}, correlation by channel:", *_channels(figures["correlation"])]
    lines += [line for name, figures in clips.items() if "mesh" in figures for line in _mesh(name, figures["mesh"])]
    return "\n".join(lines)


def _mesh(name: str, mesh: dict[str, Any]) -> list[str]:
    """What the character's mesh explains of the truth's motion, and its contacts, by way of baking."""
    still = f"{mesh['still_jitter_percent']:.3f} % of the face's height"
    lines = [
        "",
        f"{name}, on the character's mesh (lag {mesh['lag_frames']} frames; a still face trembles by {still}):",
    ]
    for way, share in mesh["explained"].items():
        own = mesh["contact"][way]
        blinks = f"blinks shut {own['blinks_met']} of {own['blinks']} (least {100 * own['least_closure']:.1f} %)"
        lips = f"lips met {own['lips_met']} of {own['lips']} (widest gap {100 * own['widest_gap']:.2f} %)"
        lines.append(f"  {way:<10} explained {share:.3f}   {blinks}   {lips}")
    return lines


def _row(name: str, figures: dict[str, Any]) -> str:
    rotation, blink = figures["rotation_mae_deg"], figures["blink"]
    row = f"{name:<14}{figures['frames']:>7}{figures['lost']:>6}"
    row += "".join(f"{rotation[axis]:>7.2f}" for axis in ("yaw", "pitch", "roll", "mean"))
    row += f"{figures['rotation_jitter_deg']:>8.2f}{_number(figures.get('mean_correlation')):>8}"
    row += f"{blink['events']:>8}{_number(blink['recall']):>8}{_number(blink['precision']):>7}"
    return row + f"{figures['nme_inner51_percent']:>9.2f}{figures['nme_68_percent']:>9.2f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _channels(correlation: dict[str, float]) -> list[str]:
    entries = [f"{name} {value:.2f}" for name, value in sorted(correlation.items(), key=lambda item: -item[1])]
    width = max((len(entry) for entry in entries), default=0) + 3
    columns = max(1, 112 // max(width, 1))
    rows = [entries[i : i + columns] for i in range(0, len(entries), columns)]
    return ["  " + "".join(f"{entry:<{width}}" for entry in row).rstrip() for row in rows]
