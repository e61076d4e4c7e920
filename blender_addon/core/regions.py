# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions of the face by which a user edits, and the channels of each; the mirror image of every channel."""

from typing import Literal, TypeAlias

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

from .array_types import BoolArray, FloatArray

Region: TypeAlias = Literal["brows", "eyes", "gaze", "jaw", "mouth", "cheeks"]
REGIONS: tuple[Region, ...] = ("brows", "eyes", "gaze", "jaw", "mouth", "cheeks")
_PREFIXES: tuple[tuple[str, Region], ...] = (
    ("brow", "brows"),
    ("eyeLook", "gaze"),
    ("eye", "eyes"),
    ("jaw", "jaw"),
    ("mouth", "mouth"),
    ("cheek", "cheeks"),
    ("nose", "cheeks"),
    ("tongue", "mouth"),
)


def region_of(channel: str) -> Region:
    """Give the region of an ARKit channel; raises KeyError for a name that is none."""
    if channel not in ARKIT_INDEX:
        raise KeyError(channel)
    return next(region for prefix, region in _PREFIXES if channel.startswith(prefix))


def region_mask(region: Region) -> BoolArray:
    """Give which of the 52 channels belong to a region, (52,) bool."""
    return np.array([region_of(name) == region for name in ARKIT_CHANNELS])


def mirrored_name(channel: str) -> str:
    """Give the channel on the other side of the face; channels of the middle give themselves.

    jawLeft and mouthLeft are directions, but a mirror turns them over all the same.
    """
    for this, other in (("Left", "Right"), ("Right", "Left")):
        if channel.endswith(this):
            return channel.removesuffix(this) + other
    return channel


def mirrored(weights: FloatArray) -> FloatArray:
    """Give weights with left and right exchanged, (..., 52) -> (..., 52)."""
    return weights[..., [ARKIT_INDEX[mirrored_name(name)] for name in ARKIT_CHANNELS]]
