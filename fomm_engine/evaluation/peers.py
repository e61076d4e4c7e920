# SPDX-License-Identifier: GPL-3.0-or-later
"""Our figures beside another tracker's: `peer_scores.json` in the folder of the clips, where there is one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from fomm_engine.wire.errors import UserError

FILE_NAME = "peer_scores.json"
GROUPS: dict[str, tuple[str, ...]] = {
    "blink": ("eyeBlink",),
    "jaw": ("jawOpen",),
    "smile": ("mouthSmile",),
    "brow": ("brow",),
    "gaze": ("eyeLook",),
}


@dataclass(frozen=True)
class Comparison:
    """One figure of a clip: ours and the peer's, and whether less of it is better."""

    what: str
    ours: float
    theirs: float
    less_is_better: bool

    @property
    def better(self) -> bool:
        """Whether ours is the better one."""
        return self.ours < self.theirs if self.less_is_better else self.ours > self.theirs

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON has it."""
        return {"what": self.what, "ours": self.ours, "peer": self.theirs, "better": self.better}


def peer_scores(folder: Path) -> dict[str, dict[str, Any]]:
    """Clip name -> the peer's scores, in the names that the file has; empty where there is no file.

    Raises UserError("peers-broken") for a file that is no such table.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return {}
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(str(error)) from error
    if not isinstance(content, dict):
        raise _broken("it holds no table of clips")
    clips = cast(dict[str, Any], content)
    return {name: scores for name, scores in clips.items() if isinstance(scores, dict)}


def compared(figures: dict[str, Any], peer: dict[str, Any]) -> list[Comparison]:
    """Everything that both have of one clip. Groups of channels are means over the channels that both have."""
    ours = {
        "rot_MAE": ("head rotation, degrees", figures["rotation_mae_deg"].get("mean_less_offset")),
        "jitter_deg_rms": ("rotation noise, degrees", figures["rotation_jitter_deg"]),
        "NME51_%": ("landmarks, inner 51, %", figures["nme_inner51_percent"]),
        "NME68_%": ("landmarks, all 68, %", figures["nme_68_percent"]),
    }
    rows = [
        Comparison(what, float(value), float(peer[key]), less_is_better=True)
        for key, (what, value) in ours.items()
        if value is not None and isinstance(peer.get(key), int | float)
    ]
    correlation, theirs = figures["correlation"], peer.get("corr", {})
    for group, beginnings in GROUPS.items():
        both = [name for name in correlation if name.startswith(beginnings) and theirs.get(name) is not None]
        if both:
            means = [sum(table[name] for name in both) / len(both) for table in (correlation, theirs)]
            rows.append(Comparison(f"r of {group}", means[0], means[1], less_is_better=False))
    return rows


def comparison_table(clips: dict[str, list[Comparison]]) -> str:
    """The comparisons for people."""
    lines = [f"{'against the peer':<28}{'ours':>8}{'peer':>8}"]
    for name, rows in clips.items():
        lines.append(name)
        lines += [
            f"  {row.what:<26}{row.ours:>8.2f}{row.theirs:>8.2f}  {'better' if row.better else 'WORSE'}" for row in rows
        ]
    return "\n".join(lines)


def _broken(reason: str) -> UserError:
    return UserError("peers-broken", f"{FILE_NAME} cannot be read: {reason}.", "Put it right, or take it away.")
