# SPDX-License-Identifier: GPL-3.0-or-later
"""The last door before a rig: whatever was computed, only finite values and unit quaternions go through."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .array_types import FloatArray
from .curves import Curves
from .notes import Note

LARGEST = 1e9  # of any value; Blender keeps single precision
UNIT = 1e-3  # by how much a quaternion's length may miss one before it is mended
_NO_TURN = np.array([1.0, 0.0, 0.0, 0.0])


def guarded(curves: Curves) -> tuple[Curves, tuple[Note, ...]]:
    """Give curves whose every value is finite, and a note where that took mending: a bad value is held from the frame
    before (from the first good one at the start; at rest where there is none)."""
    mended: list[str] = []

    def plain(values: Mapping[str, FloatArray], rest: float) -> dict[str, FloatArray]:
        return {name: _held(name, value, np.full(value.shape[1:], rest), mended) for name, value in values.items()}

    safe = replace(
        curves,
        shape_values=plain(curves.shape_values, 0.0),
        bone_rotations={name: _unit(name, value, mended) for name, value in curves.bone_rotations.items()},
        bone_locations=plain(curves.bone_locations, 0.0),
        bone_scales=plain(curves.bone_scales, 1.0),
        control_values=plain(curves.control_values, 0.0),
    )
    if not mended:
        return curves, ()
    said = f"Values that are no numbers were replaced in {', '.join(sorted(set(mended))[:8])}. Please report this take."
    return safe, (Note("mended-values", said),)


def _held(name: str, values: FloatArray, rest: FloatArray, mended: list[str]) -> FloatArray:
    """Give values (N, ...) in which bad frames hold the good one before them."""
    with np.errstate(invalid="ignore"):
        good = (np.abs(values) <= LARGEST).reshape(len(values), -1).all(1)
    if bool(good.all()):
        return values
    mended.append(name)
    if not bool(good.any()):
        return np.broadcast_to(rest, values.shape).copy()
    here = np.where(good, np.arange(len(values)), -1)
    source = np.maximum.accumulate(here)
    return values[np.where(source < 0, int(np.argmax(good)), source)]


def _unit(name: str, keys: FloatArray, mended: list[str]) -> FloatArray:
    """Give quaternions (N, 4) of length one; those of no length count as bad."""
    with np.errstate(invalid="ignore"):
        length = np.linalg.norm(np.where(np.isfinite(keys), keys, np.nan), axis=1, keepdims=True)
        off = ~(np.abs(length - 1.0) <= UNIT)
    if not bool(off.any()):
        return keys
    scaled = np.where(off, np.where(length > UNIT, keys / np.maximum(length, UNIT), np.nan), keys)
    return _held(name, scaled, _NO_TURN, mended)
