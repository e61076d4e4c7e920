# SPDX-License-Identifier: GPL-3.0-or-later
"""The match report of a scene's character: filled from a scan, changed by the user, read back as the user's choice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

from fomm_engine.wire.names import ARKIT_CHANNELS

from ...core import rig_map
from ...core.rig import BONE_ROLES
from ..properties import UnderstudyCharacter, UnderstudyMatch
from . import rig_scan

STATE_ICONS = {
    "matched": "CHECKMARK",
    "ambiguous": "QUESTION",
    "partial": "PROP_CON",
    "missing": "X",
    "unmapped": "DOT",
    "override": "GREASEPENCIL",
}
STATE_WORDS = {
    "matched": "found",
    "ambiguous": "found, but others fit as well",
    "partial": "only part of it found",
    "missing": "not found",
    "unmapped": "unknown to this rig map",
    "override": "set by you",
}
NEEDS_A_LOOK = ("ambiguous", "partial", "missing")


@dataclass(frozen=True)
class Counts:
    """How many channels drive something, are ambiguous or set by the user, and which drive nothing that should."""

    matched: int
    ambiguous: int
    overrides: int
    missing: tuple[str, ...]


def choice_of(own: UnderstudyCharacter) -> rig_scan.Choice:
    """What the user decided about the character."""
    return rig_scan.Choice(
        rig_map=own.rig_map_choice,
        overrides={match.name: match.rows() for match in own.matches if is_override(match)},
        bones={entry.name: entry.bone for entry in own.bone_choices if entry.bone},
    )


def is_override(match: UnderstudyMatch) -> bool:
    """Whether the row is other than the rig map's."""
    return _plain(match.rows()) != (match.automatic or "[]")


def state_of(match: UnderstudyMatch) -> str:
    """How sure the row is, the user's changes counted."""
    return "override" if is_override(match) else match.state


def counts(own: UnderstudyCharacter) -> Counts:
    """The report in numbers, as the rows stand now."""
    states: dict[str, str] = {}
    driving = 0
    for match in own.matches:  # while the panel is drawn: each row is read once
        rows = match.rows()
        driving += bool(rows)
        states[match.name] = "override" if _plain(rows) != (match.automatic or "[]") else match.state
    return Counts(
        matched=driving,
        ambiguous=sum(state == "ambiguous" for state in states.values()),
        overrides=sum(state == "override" for state in states.values()),
        missing=tuple(name for name, state in states.items() if state in ("missing", "partial")),
    )


def sentence(own: UnderstudyCharacter) -> str:
    """The report in one line."""
    found = counts(own)
    parts = [f"{found.matched} of {len(ARKIT_CHANNELS)} matched"]
    if found.missing:
        parts.append(f"missing {', '.join(found.missing)}")
    if found.ambiguous:
        parts.append(f"{found.ambiguous} ambiguous")
    if found.overrides:
        parts.append(f"{found.overrides} set by you")
    return "; ".join(parts) + "."


def fill(own: UnderstudyCharacter, scan: rig_scan.Scan) -> None:
    """Nothing; the rows, the controls to choose from and the maps that fit stand as the scan found them.

    Rows that the user changed stay as they are; what the map says about them is renewed.
    """
    kept = {match.name: match.rows() for match in own.matches if is_override(match)}
    automatic = _automatic(scan)
    own.controls.clear()
    for name in scan.names:
        own.controls.add().name = name
    _fill_maps(own, scan)
    own.matches.clear()
    for channel in ARKIT_CHANNELS:
        match = own.matches.add()
        match.name = channel
        rows = automatic.rows[channel] if automatic is not None else ()
        match.automatic = _plain(rows)
        match.state = automatic.states[channel] if automatic is not None else "unmapped"
        match.candidates = "\n".join(automatic.candidates.get(channel, ())) if automatic is not None else ""
        set_rows(match, kept.get(channel, rows))
    for role in BONE_ROLES:
        if role not in own.bone_choices:
            own.bone_choices.add().name = role


def set_rows(match: UnderstudyMatch, rows: rig_map.Rows) -> None:
    """Nothing; the match drives these controls. There is always one row to type into."""
    match.targets.clear()
    for control, weight in rows or (("", 1.0),):
        target = match.targets.add()
        target.control, target.weight = control, weight


def reset(match: UnderstudyMatch) -> None:
    """Nothing; the row is the rig map's again."""
    set_rows(match, tuple((str(name), float(weight)) for name, weight in json.loads(match.automatic or "[]")))


def forget(own: UnderstudyCharacter) -> None:
    """Nothing; another character comes: nothing is left of what was decided about the one before."""
    own.matches.clear()
    own.bone_choices.clear()
    own.rig_map_choice = ""


def _automatic(scan: rig_scan.Scan) -> rig_map.ShapeMatch | None:
    """What the map alone says, without the user's rows."""
    return rig_map.match_shapes(scan.convention, scan.names) if scan.convention is not None else None


def _fill_maps(own: UnderstudyCharacter, scan: rig_scan.Scan) -> None:
    own.rig_map_status = scan.match.report.status if scan.match is not None else ""
    own.maps.clear()
    for convention, matched in scan.maps:
        entry = own.maps.add()
        entry.name, entry.title = convention.name, title_of(convention.name)
        entry.status, entry.matched = rig_map.less_sure(convention), matched
        entry.own = convention.status == "user"


def title_of(name: str) -> str:
    """A rig map's name for people: "reallusion_cc4_standard" is "Reallusion CC4 Standard"."""
    if "_" not in name and name != name.lower():
        return name
    if name == "arkit":
        return "ARKit"
    capitals = {"vrm", "mmd", "cc", "lr", "facs", "bs", "csv", "osc", "ovr", "vrcft"}
    words = [word for word in name.split("_") if word]
    return " ".join(
        word.upper() if word.rstrip("0123456789").lower() in capitals else word[:1].upper() + word[1:] for word in words
    )


@lru_cache(maxsize=1024)
def _plain(rows: rig_map.Rows) -> str:
    return json.dumps([[name, round(weight, 6)] for name, weight in rows], ensure_ascii=True)
