# SPDX-License-Identifier: GPL-3.0-or-later
"""Rig maps: from a naming convention and a rig's own names to its controls, with a report of what matched.

The JSON of a convention is described in rigs/conventions/README.md; reading files is the caller's work.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX
from fomm_engine.wire.versions import require_same_major

from .rig import BoneRole, ShapeControl

# "user": made by the user, who has looked at it.
Status: TypeAlias = Literal["verified", "user", "partial", "derived", "unverified", "none"]
STATUSES: tuple[Status, ...] = ("verified", "user", "partial", "derived", "unverified", "none")
UNSURE: tuple[Status, ...] = ("derived", "unverified")
# How the channels of a map stand in a rig: all targets found; found, but other names fit as well; some targets
# found; none found; the map does not say; set by the user.
RowState: TypeAlias = Literal["matched", "ambiguous", "partial", "missing", "unmapped", "override"]
Rows: TypeAlias = tuple[tuple[str, float], ...]
FORMAT = "understudy-rig-map"
VERSION = (1, 0)
LARGEST_WEIGHT = 10.0
LARGEST_LIMIT = 1e6  # of a slider
_BONE_KEYS: dict[str, BoneRole] = {
    "neck_lower": "neck",
    "neck_mid": "neck",
    "neck": "neck",
    "head": "head",
    "jaw": "jaw",
    "eye_L": "eye_left",
    "eye_R": "eye_right",
}


@dataclass(frozen=True, slots=True)
class Convention:
    """A rig map: targets {ARKit channel: ((target, weight), ...)}, limits {target: (lowest, highest)}, mirrored
    pairs of targets, bones {role: names, best first}, and where it is from and how sure it is."""

    name: str
    status: Status
    targets_status: Status
    source: tuple[str, ...]
    targets: Mapping[str, tuple[tuple[str, float], ...]]
    limits: Mapping[str, tuple[float, float]]
    pairs: tuple[tuple[str, str], ...]
    bones: Mapping[str, tuple[str, ...]]
    notes: str


def parse_convention(data: Mapping[str, Any]) -> Convention:
    """Give the convention that a file's JSON describes.

    Raises ValueError naming the file's convention and what is wrong with it.
    """
    name = str(data.get("name", ""))
    if "format" in data:
        _require_format(data, name)
    try:
        targets = {
            str(channel): tuple((str(target), float(weight)) for target, weight in rows)
            for channel, rows in data["targets"].items()
            if rows
        }
        convention = Convention(
            name=name,
            status=data["status"],
            targets_status=data["targets_status"],
            source=tuple(str(entry) for entry in data["source"]),
            targets=targets,
            limits={str(key): (float(low), float(high)) for key, (low, high) in data.get("limits", {}).items()},
            pairs=tuple((str(left), str(right)) for left, right in data.get("pairs", [])),
            bones={str(role): tuple(str(bone) for bone in names) for role, names in data.get("bones", {}).items()},
            notes=str(data.get("notes", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"The rig map {name or '(without a name)'} cannot be read: {error!r}.") from error
    _check(convention)
    return convention


def _check(convention: Convention) -> None:
    """Raise ValueError for channels that ARKit does not have or for a status that is none."""
    unknown = [channel for channel in convention.targets if channel not in ARKIT_INDEX]
    if unknown:
        raise ValueError(f"The rig map {convention.name} maps {', '.join(unknown)}, which ARKit does not have.")
    if convention.status not in STATUSES or convention.targets_status not in STATUSES:
        raise ValueError(f"The rig map {convention.name} has an unknown status.")
    weights = [weight for rows in convention.targets.values() for _, weight in rows]
    if not all(abs(weight) <= LARGEST_WEIGHT for weight in weights):  # not a number compares false
        raise ValueError(f"The rig map {convention.name} has weights that are no numbers up to {LARGEST_WEIGHT:g}.")
    for name, (low, high) in convention.limits.items():
        if not -LARGEST_LIMIT <= low <= high <= LARGEST_LIMIT:
            raise ValueError(f"The rig map {convention.name} gives {name} limits that are none: {low:g} to {high:g}.")


def _require_format(data: Mapping[str, Any], name: str) -> None:
    """Raise ValueError for another format; UserError for a version that this release does not read."""
    if data["format"] != FORMAT:
        raise ValueError(f"The file of {name or 'this preset'} is no rig map of Understudy.")
    require_same_major(f"The rig map {name}", data.get("version"), VERSION)


def to_plain(convention: Convention) -> dict[str, Any]:
    """Give what JSON can hold of a rig map, with format and version; `parse_convention` reads it again."""
    return {
        "format": FORMAT,
        "version": list(VERSION),
        "name": convention.name,
        "status": convention.status,
        "targets_status": convention.targets_status,
        "source": list(convention.source),
        "targets": {channel: [list(row) for row in rows] for channel, rows in convention.targets.items()},
        "limits": {name: list(limits) for name, limits in convention.limits.items()},
        "pairs": [list(pair) for pair in convention.pairs],
        "bones": {role: list(names) for role, names in convention.bones.items()},
        "notes": convention.notes,
    }


def renamed(convention: Convention, name: str) -> Convention:
    """Give the same rig map under another name."""
    return replace(convention, name=name)


def own_map(
    name: str, match: "ShapeMatch", base: Convention | None, *, bones: Mapping[str, str], source: str
) -> Convention:
    """Give a user's rig map: the rows as they stand in a match, under the rig's own names.

    bones {bone: role}; base: the map that the match came from, whose limits are kept; source: what it was made for.
    """
    sought = {control.name: (control.minimum, control.maximum) for control in match.controls}
    roles: dict[str, list[str]] = {}
    for bone, role in bones.items():
        keys = [key for key, own in _BONE_KEYS.items() if own == role]
        free = [key for key in keys if key not in roles]
        roles.setdefault((free or keys)[0], []).append(bone)
    return Convention(
        name=name,
        status="user",
        targets_status="user",
        source=(source, *((f"based on {base.name}",) if base is not None else ())),
        targets={channel: rows for channel, rows in match.rows.items() if rows},
        limits=sought,
        pairs=(),
        bones={key: tuple(names) for key, names in roles.items()},
        notes="",
    )


def plain(name: str) -> str:
    """Give a name without case and separators: "EyeBlink_L" and "eyeBlink.L" are the same."""
    return re.sub(r"[\W_]+", "", name).casefold()


def tails(name: str) -> tuple[str, ...]:
    """Give what is left of a name after each of its prefixes, longest first, in plain form.

    A prefix ends at a separator: "blendShape2.eyeBlink_L" -> "eyeblinkl", "l". A lone side letter is left out.
    """
    cuts = [match.end() for match in re.finditer(r"[\W_]+", name)]
    found = [plain(name[cut:]) for cut in cuts]
    return tuple(tail for tail in found if len(tail) > 2)


@dataclass(frozen=True, slots=True)
class NameIndex:
    """A rig's names by four keys of falling strictness: itself, without case, plain, plain without a prefix."""

    levels: tuple[Mapping[str, tuple[str, ...]], ...]

    def find(self, target: str) -> tuple[str, ...]:
        """Give the names that a target can mean, by the strictest key that gives any."""
        keys = (target, target.casefold(), plain(target), plain(target))
        found = (level.get(key, ()) for level, key in zip(self.levels, keys, strict=True) if key)
        return next((names for names in found if names), ())


def index_names(names: Iterable[str]) -> NameIndex:
    """Give the index of a rig's names."""
    levels: tuple[dict[str, list[str]], ...] = ({}, {}, {}, {})
    for name in names:
        for level, keys in zip(levels, ((name,), (name.casefold(),), (plain(name),), tails(name)), strict=True):
            for key in keys:
                level.setdefault(key, []).append(name)
    return NameIndex(tuple({key: tuple(found) for key, found in level.items()} for level in levels))


@dataclass(frozen=True, slots=True)
class MatchReport:
    """What of a convention was found in a rig.

    matched {channel: names}; missing: channels the convention maps whose targets the rig lacks, all or some; unmapped:
    channels the convention does not map; ambiguous {target: candidates}, of which the first is taken; unused: names of
    the rig that nothing drives; status: the less sure of the convention's two.
    """

    convention: str
    status: Status
    matched: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]
    unmapped: tuple[str, ...]
    ambiguous: Mapping[str, tuple[str, ...]]
    unused: tuple[str, ...]

    @property
    def unsure(self) -> bool:
        """Whether nobody has looked at this map on a real rig."""
        return self.status in UNSURE

    def sentence(self) -> str:
        """Give the report in a line for the panel."""
        parts = [f"{len(self.matched)} of {len(ARKIT_CHANNELS)} matched"]
        if self.missing:
            parts.append(f"missing {', '.join(self.missing)}")
        if self.ambiguous:
            parts.append(f"{len(self.ambiguous)} ambiguous")
        if self.unsure:
            parts.append(f"this map is {self.status}: look at the result")
        return "; ".join(parts) + "."


@dataclass(frozen=True, slots=True)
class ShapeMatch:
    """The shape controls of a rig under a convention, and the report.

    rows, states, candidates {channel: ...} of all 52 channels: what it drives, how sure that is, and the names that
    fit as well as those taken.
    """

    controls: tuple[ShapeControl, ...]
    report: MatchReport
    rows: Mapping[str, Rows]
    states: Mapping[str, RowState]
    candidates: Mapping[str, tuple[str, ...]]


def match_shapes(
    convention: Convention,
    names: Sequence[str],
    *,
    limits: Mapping[str, tuple[float, float]] | None = None,
    overrides: Mapping[str, tuple[tuple[str, float], ...]] | None = None,
) -> ShapeMatch:
    """Give the controls of a rig's shapes, in the rig's order, and the report.

    names: the rig's shapes. limits {name: (lowest, highest)}: the rig's own, which narrow the convention's. overrides
    {channel: ((name, weight), ...)}: the user's, taken as they are; an empty one leaves a channel out.
    """
    chosen = dict(overrides or {})
    index = index_names(names)
    hits = {
        channel: [
            (target, weight, _ranked(index.find(target))) for target, weight in convention.targets.get(channel, ())
        ]
        for channel in ARKIT_CHANNELS
        if channel not in chosen
    }
    rows = {channel: tuple((found[0], weight) for _, weight, found in own if found) for channel, own in hits.items()}
    rows = {channel: chosen.get(channel, rows.get(channel, ())) for channel in ARKIT_CHANNELS}
    ambiguous = {target: found for own in hits.values() for target, _, found in own if len(found) > 1}
    candidates = {
        channel: tuple(dict.fromkeys(name for _, _, found in own if len(found) > 1 for name in found))
        for channel, own in hits.items()
    }
    states: dict[str, RowState] = {
        channel: _state(convention.targets.get(channel, ()), hits.get(channel)) for channel in ARKIT_CHANNELS
    }
    sought = {found[0]: target for own in hits.values() for target, _, found in own if found}
    own_limits = _limits(convention, sought, limits or {})
    for name in {name for channel in chosen for name, _ in chosen[channel]} & set(limits or {}):
        own_limits[name] = (limits or {})[name]  # what the user chose may use the slider's whole range
    driven = _controls(rows, names, own_limits)
    report = MatchReport(
        convention=convention.name,
        status=less_sure(convention),
        matched={channel: tuple(name for name, _ in own) for channel, own in rows.items() if own},
        missing=tuple(channel for channel, state in states.items() if state in ("missing", "partial")),
        unmapped=tuple(name for name in ARKIT_CHANNELS if name not in convention.targets and not rows[name]),
        ambiguous=ambiguous,
        unused=tuple(name for name in names if name not in {control.name for control in driven}),
    )
    return ShapeMatch(driven, report, rows, states, candidates)


def _state(wanted: Rows, hits: list[tuple[str, float, tuple[str, ...]]] | None) -> RowState:
    """Give how sure one channel's row is; hits: its targets with the names found for each, None for the user's own."""
    if hits is None:
        return "override"
    if not wanted:
        return "unmapped"
    found = [names for _, _, names in hits if names]
    if len(found) < len(wanted):
        return "partial" if found else "missing"
    return "ambiguous" if any(len(names) > 1 for names in found) else "matched"


def less_sure(convention: Convention) -> Status:
    """Give the less sure of a convention's two statuses."""
    return STATUSES[max(STATUSES.index(convention.status), STATUSES.index(convention.targets_status))]


def _ranked(candidates: tuple[str, ...]) -> tuple[str, ...]:
    """Give candidates, the shortest (least prefixed) first."""
    return tuple(sorted(candidates, key=lambda name: (len(name), name)))


def _limits(
    convention: Convention, sought: Mapping[str, str], own: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Give the limits of a rig's names: the convention's, narrowed to the rig's own where those are within them."""
    result: dict[str, tuple[float, float]] = {}
    for name in {*sought, *own}:
        low, high = convention.limits.get(sought.get(name, name), (0.0, 1.0))
        own_low, own_high = own.get(name, (low, high))
        result[name] = (max(low, own_low), min(high, own_high)) if own_low <= high and low <= own_high else (low, high)
    return result


def _controls(
    found: Mapping[str, tuple[tuple[str, float], ...]],
    names: Sequence[str],
    limits: Mapping[str, tuple[float, float]],
) -> tuple[ShapeControl, ...]:
    """Give one control per driven name, with all the channels that drive it."""
    channels: dict[str, list[tuple[str, float]]] = {}
    for channel, rows in found.items():
        for name, weight in rows:
            channels.setdefault(name, []).append((channel, weight))
    return tuple(
        ShapeControl(name, tuple(channels[name]), *limits.get(name, (0.0, 1.0))) for name in names if name in channels
    )


def match_bones(convention: Convention, names: Sequence[str]) -> dict[str, BoneRole]:
    """Give the roles of a rig's bones under a convention: {bone: role}; neck bones from the lowest up."""
    index = index_names(names)
    found: dict[str, BoneRole] = {}
    for key, role in _BONE_KEYS.items():
        candidates = (_ranked(index.find(bone)) for bone in convention.bones.get(key, ()))
        name = next((hits[0] for hits in candidates if hits), None)
        if name is not None and name not in found:
            found[name] = role
    return found


def rank_conventions(
    conventions: Iterable[Convention], *, shapes: Sequence[str], bones: Sequence[str] = ()
) -> tuple[tuple[Convention, float], ...]:
    """Give the conventions that fit a rig, best first, with the share of the convention's names that the rig has.

    A map of the user's whose names are all there comes before all others. Then channels matched count first; among
    equals, exact spelling, then bones, then the order given.
    """
    exact = set(shapes)
    scored: list[tuple[tuple[bool, float, float, float], Convention, float]] = []
    for convention in conventions:
        report = match_shapes(convention, shapes).report
        whole = [channel for channel in report.matched if channel not in report.missing]
        spelled = sum(name in exact for channel in whole for name, _ in convention.targets[channel])
        roles = match_bones(convention, bones)
        if whole or roles:
            share = len(whole) / max(len(convention.targets), 1)
            own = convention.status == "user" and share == 1.0
            scored.append(((own, float(len(whole)), float(spelled), float(len(roles))), convention, share))
    ranked = sorted(scored, key=lambda entry: entry[0], reverse=True)
    return tuple((convention, share) for _, convention, share in ranked)
