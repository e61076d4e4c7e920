# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys for the channels of a bake: channels of one property share their keys; the error is measured and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...core.array_types import IntArray
from ...core.key_reduction import ReducedKeys, ReductionSettings, curve_at, reduce_keys
from ..properties import UnderstudyBake
from .action_writer import Channel


def settings_of(own: UnderstudyBake) -> ReductionSettings | None:
    """How the panel wants keys reduced, None where all are kept."""
    if not own.reduce:
        return None
    share = round(own.key_share, 6) if own.limit_keys else None
    return ReductionSettings(
        error=round(own.tolerance, 6), share=share, interpolation="bezier" if own.bezier else "linear"
    )


def thinned(channels: Sequence[Channel], frames: IntArray, settings: ReductionSettings) -> list[Channel]:
    """The channels with only the keys that they need; the components of one property have theirs on the same frames."""
    together: dict[str, list[Channel]] = {}
    for channel in channels:
        together.setdefault(channel.data_path, []).append(channel)
    found: list[Channel] = []
    for group in together.values():
        values = np.stack([channel.values for channel in group], 1)
        keys = reduce_keys(frames, values, settings, kept=group[0].kept)
        found += [replace(channel, keys=_column(keys, place)) for place, channel in enumerate(group)]
    return found


def largest_error(channels: Sequence[Channel], frames: IntArray) -> float:
    """The largest distance of the reduced curves from the full ones on any frame, as a share of the curve's range."""
    errors = [0.0]
    for channel in channels:
        spread = float(np.ptp(channel.values))
        if channel.keys is not None and spread > 1e-6:
            errors.append(float(np.abs(curve_at(channel.keys, frames)[:, 0] - channel.values).max()) / spread)
    return max(errors)


def _column(keys: ReducedKeys, place: int) -> ReducedKeys:
    slopes = keys.slopes[:, place : place + 1] if keys.slopes is not None else None
    return ReducedKeys(keys.frames, keys.values[:, place : place + 1], slopes)
