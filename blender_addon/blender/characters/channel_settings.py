# SPDX-License-Identifier: GPL-3.0-or-later
"""The channel table: as the retargeting takes it, as JSON beside a rig map, and back at its defaults."""

from __future__ import annotations

from typing import Any

from ...core.channel_edits import ChannelSettings
from ..properties import UnderstudyChannel, UnderstudyRetarget
from . import response_curves

_NUMBERS = ("gain", "minimum", "maximum")
_LARGEST_CURVE = 64


def of(settings: UnderstudyRetarget) -> dict[str, ChannelSettings]:
    """The channels that are not at their defaults; a solo anywhere mutes all channels without it."""
    solo = any(channel.solo for channel in settings.channels)
    found = {
        channel.name: ChannelSettings(
            gain=round(channel.gain, 6),
            minimum=round(min(channel.minimum, channel.maximum), 6),
            maximum=round(channel.maximum, 6),
            mute=channel.mute or (solo and not channel.solo),
            curve=curve_of(settings, channel),
        )
        for channel in settings.channels
    }
    return {name: channel for name, channel in found.items() if channel != ChannelSettings()}


def curve_of(settings: UnderstudyRetarget, entry: Any) -> response_curves.Points:
    """The response of a channel's or region's entry, () where it is straight."""
    return response_curves.samples(settings, entry.name) if entry.use_curve else ()


def is_changed(channel: UnderstudyChannel) -> bool:
    """Whether the channel is other than by default."""
    return (
        channel.gain != 1.0
        or channel.minimum != 0.0
        or channel.maximum != 1.0
        or channel.mute
        or channel.solo
        or channel.use_curve
    )


def reset(settings: UnderstudyRetarget) -> int:
    """How many channels were changed; all are at their defaults now."""
    changed = [channel for channel in settings.channels if is_changed(channel)]
    for channel in changed:
        for name in (*_NUMBERS, "mute", "solo", "use_curve"):
            channel.property_unset(name)
        response_curves.remove_node(settings, channel.name)
    return len(changed)


def plain(settings: UnderstudyRetarget) -> dict[str, Any]:
    """What JSON can hold of the channels and regions that are not at their defaults."""
    channels = {
        channel.name: {
            **{name: round(getattr(channel, name), 6) for name in _NUMBERS},
            "mute": channel.mute,
            "curve": _points(settings, channel),
        }
        for channel in settings.channels
        if is_changed(channel)
    }
    regions = {
        region.name: {
            "gain": round(region.gain, 6),
            "smoothing": round(region.smoothing, 6),
            "curve": _points(settings, region),
        }
        for region in settings.regions
    }
    return {"channels": channels, "regions": regions}


def apply(settings: UnderstudyRetarget, given: dict[str, Any]) -> int:
    """How many channels and regions were set from what `plain` wrote.

    Raises ValueError, in one sentence and before anything is changed, for anything else.
    """
    channels, regions = _table(given, "channels"), _table(given, "regions")
    reset(settings)
    count = 0
    for table, entries in ((channels, settings.channels), (regions, settings.regions)):
        for name, values in table.items():
            entry = entries.get(name)
            if entry is None:
                continue
            count += 1
            for key in ("gain", "smoothing", "minimum", "maximum", "mute"):
                if key in values and hasattr(entry, key):
                    setattr(entry, key, values[key])
            entry.use_curve = bool(values.get("curve"))
            if entry.use_curve:
                response_curves.set_points(settings, name, tuple((x, y) for x, y in values["curve"]))
    return count


def _points(settings: UnderstudyRetarget, entry: Any) -> list[list[float]]:
    return [list(point) for point in response_curves.points(settings, entry.name)] if entry.use_curve else []


def _table(given: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """One table of the settings, checked."""
    table = given.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(values, dict) for values in table.values()):
        raise ValueError(f"The preset's {name} cannot be read.")
    for entry, values in table.items():
        numbers = [values[key] for key in ("gain", "smoothing", "minimum", "maximum") if key in values]
        curve = values.get("curve", [])
        usable = all(_is_number(number) for number in numbers) and isinstance(values.get("mute", False), bool)
        usable &= isinstance(curve, list) and len(curve) <= _LARGEST_CURVE
        if not usable or not all(
            isinstance(point, list) and len(point) == 2 and all(map(_is_number, point)) for point in curve
        ):
            raise ValueError(f"The preset's settings of {entry} cannot be read.")
    return table


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6
