# SPDX-License-Identifier: GPL-3.0-or-later
"""What the default weights are meant to reach on clips, and whether they do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A figure by its path in a clip's figures, what it is called, and its limit; of_truth: None for every clip, else
    only for those with (True) or without a truth."""

    path: tuple[str, ...]
    what: str
    limit: float
    less_is_better: bool = True
    of_truth: bool | None = None

    def verdict(self, figures: Mapping[str, Any]) -> tuple[float, bool] | None:
        """(value, whether it is reached), or None where the clip does not say."""
        value: Any = figures
        for key in self.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(value, int | float) or (self.of_truth not in (None, bool(figures.get("is_truth")))):
            return None
        return float(value), value <= self.limit if self.less_is_better else value >= self.limit


GOALS = (
    Goal(("lost",), "frames without a face", 0),
    Goal(("beyond_12_percent",), "frames with an error over 12 %", 0),
    Goal(("rotation_mae_deg", "mean"), "head rotation, mean error, degrees", 1.0, of_truth=True),
    Goal(("rotation_mae_deg", "mean_less_offset"), "the same less its offset", 1.0, of_truth=True),
    Goal(("rotation_mae_deg", "yaw"), "yaw less its offset, degrees", 0.8, of_truth=False),
    Goal(("rotation_mae_deg", "pitch"), "pitch less its offset, degrees", 1.4, of_truth=False),
    Goal(("rotation_mae_deg", "roll"), "roll less its offset, degrees", 0.5, of_truth=False),
    Goal(("nme_inner51_percent",), "landmarks 17-67 less offsets, %", 1.6, of_truth=False),
    Goal(("nme_inner51_percent",), "landmarks 17-67, %", 1.6, of_truth=True),
    Goal(("blink", "recall"), "blinks found", 0.95, less_is_better=False),
    Goal(("blink", "precision"), "blinks that are some", 0.95, less_is_better=False),
    Goal(("eye_opening_r",), "r of the eyes' opening, landmarks", 0.95, less_is_better=False),
    Goal(("mouth_opening_r",), "r of the mouth's opening, landmarks", 0.95, less_is_better=False),
)


def goals_table(clips: Mapping[str, Mapping[str, Any]]) -> str:
    """Every goal of every clip that says something about it."""
    lines = [f"{'goals':<40}{'reached':>9}{'goal':>10}"]
    for name, figures in clips.items():
        lines.append(name)
        for goal in GOALS:
            verdict = goal.verdict(figures)
            if verdict is not None:
                limit = f"{'<=' if goal.less_is_better else '>='} {goal.limit:g}"
                lines.append(f"  {goal.what:<38}{verdict[0]:>9.2f}{limit:>10}  {'yes' if verdict[1] else 'NO'}")
    return "\n".join(lines)
