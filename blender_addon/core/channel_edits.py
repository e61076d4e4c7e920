# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user does to single channels after the capture: gain, response curve, limits, mute. No solving again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

from .array_types import FloatArray
from .regions import mirrored_name, region_of

Curve: TypeAlias = tuple[tuple[float, float], ...]
"""A response: (in, out) points over 0..1 with growing `in`, straight in between; () answers as it is asked."""
LARGEST_GAIN = 4.0


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """How one channel follows: `gain` multiplies it, `curve` bends it, then it is held within minimum..maximum; a
    muted channel stays at 0 whatever happens."""

    gain: float = 1.0
    minimum: float = 0.0
    maximum: float = 1.0
    mute: bool = False
    curve: Curve = ()

    def __post_init__(self) -> None:
        """Refuse what no answer can be made of, in one sentence."""
        if not 0.0 <= self.gain <= LARGEST_GAIN:
            raise ValueError(f"A channel's gain must lie between 0 and {LARGEST_GAIN:g}; it is {self.gain}.")
        if not 0.0 <= self.minimum <= self.maximum <= 1.0:
            raise ValueError(f"A channel's limits must lie within 0 and 1; they are {self.minimum} and {self.maximum}.")
        require_curve(self.curve)


def require_curve(curve: Curve) -> None:
    """Raise ValueError unless the points' first numbers grow and all lie within 0..1."""
    values = np.array(curve, np.float64).reshape(-1, 2)
    if len(values) and not bool(((values >= 0.0) & (values <= 1.0)).all() and (np.diff(values[:, 0]) > 0).all()):
        raise ValueError("A response curve's points must lie within 0 and 1 and grow from left to right.")


def respond(values: FloatArray, curve: Curve) -> FloatArray:
    """Give what a curve answers to values in 0..1; the ends are held."""
    if not curve:
        return values
    points = np.array(curve, np.float64)
    return np.interp(values, points[:, 0], points[:, 1])


def apply_edits(
    weights: FloatArray,
    channels: Mapping[str, ChannelSettings],
    region_curves: Mapping[str, Curve],
    *,
    mirror: bool = False,
) -> FloatArray:
    """Give weights bent by their region's curve, then by their own gain and curve, within their limits.

    weights: (n, 52) in 0..1. mirror: the result will be mirrored afterwards, so that a channel takes the settings of
    the one it becomes.
    """
    result = weights.copy()
    for name in ARKIT_CHANNELS:
        column, own = ARKIT_INDEX[name], channels.get(mirrored_name(name) if mirror else name)
        result[:, column] = respond(result[:, column], region_curves.get(region_of(name), ()))
        if own is not None:
            result[:, column] = respond(np.clip(result[:, column] * own.gain, 0.0, 1.0), own.curve)
    return hold_limits(result, channels, mirror=mirror)


def hold_limits(weights: FloatArray, channels: Mapping[str, ChannelSettings], *, mirror: bool = False) -> FloatArray:
    """Give weights (n, 52) within their channels' limits, muted ones at 0: what a contact closed stays within them."""
    result = weights.copy()
    for name, own in channels.items():
        column = ARKIT_INDEX[mirrored_name(name) if mirror else name]
        result[:, column] = 0.0 if own.mute else np.clip(result[:, column], own.minimum, own.maximum)
    return result
