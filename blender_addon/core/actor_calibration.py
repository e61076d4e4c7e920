# SPDX-License-Identifier: GPL-3.0-or-later
"""An actor's own range of every channel, taken from a range-of-motion take and used again on other takes."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

from .array_types import FloatArray, IntArray

FORMAT, VERSION = "actor-calibration", 1
MOVED = 0.25  # a channel that the take does not move this far keeps the usual range
FULL_PERCENTILE = 99.0  # of a channel over the take: the actor's fullest; single frames above it are noise
LEAST_RANGE = 0.2
LARGEST_ZERO = 0.3
WIDTH = len(ARKIT_CHANNELS)


@dataclass(frozen=True, slots=True)
class ActorCalibration:
    """What counts as 0 and as 1 of every ARKit channel for one actor, (52,) each, in the solver's weights.

    moved: which channels the range-of-motion take showed; the others have the usual range 0 to 1.
    """

    zero: tuple[float, ...]
    one: tuple[float, ...]
    moved: tuple[bool, ...]
    actor: str = ""

    def __post_init__(self) -> None:
        """Refuse ranges that are none; raises ValueError in one sentence."""
        if not len(self.zero) == len(self.one) == len(self.moved) == WIDTH:
            raise ValueError(f"An actor's calibration needs a range for each of the {WIDTH} channels.")
        low, high = np.array(self.zero, np.float64), np.array(self.one, np.float64)
        sound = np.isfinite(low) & np.isfinite(high) & (low >= 0.0) & (high - low >= LEAST_RANGE - 1e-9) & (high <= 1.0)
        if not bool(sound.all()):
            wrong = ", ".join(name for name, good in zip(ARKIT_CHANNELS, sound, strict=True) if not good)
            raise ValueError(f"The calibrated range of {wrong} is none (0 to 1, at least {LEAST_RANGE} wide).")

    def applied(self, weights: FloatArray) -> FloatArray:
        """Give weights (n, 52) on the actor's own scale: 0 at rest, 1 at the fullest that the actor showed."""
        zero, one = np.array(self.zero), np.array(self.one)
        return np.clip((weights - zero) / (one - zero), 0.0, 1.0)


def calibration_of(weights: FloatArray, rest_frames: IntArray, *, actor: str = "") -> ActorCalibration:
    """Give an actor's ranges from the weights (n, 52) of a take in which everything was moved as far as it goes.

    rest_frames: where the actor is at rest; a channel that shows something there is zero at that.
    """
    zero = np.clip(np.median(weights[rest_frames], axis=0), 0.0, LARGEST_ZERO)
    full = np.percentile(weights, FULL_PERCENTILE, axis=0)
    moved = full >= MOVED
    one = np.where(moved, np.clip(full, zero + LEAST_RANGE, 1.0), 1.0)
    return ActorCalibration(
        tuple(float(value) for value in np.where(moved, zero, 0.0)),
        tuple(float(value) for value in one),
        tuple(bool(value) for value in moved),
        actor,
    )


def calibration_to_plain(calibration: ActorCalibration) -> dict[str, Any]:
    """Give a calibration as JSON can hold it: channels by name, only those that the actor moved."""
    ranges = {
        name: [calibration.zero[place], calibration.one[place]]
        for name, place in ARKIT_INDEX.items()
        if calibration.moved[place]
    }
    return {"format": FORMAT, "version": VERSION, "actor": calibration.actor, "ranges": ranges}


def calibration_from_plain(plain: Any) -> ActorCalibration:
    """Give the calibration that `calibration_to_plain` wrote; raises ValueError, in one sentence, for anything else."""
    given = cast("dict[str, Any]", plain) if isinstance(plain, dict) else {}
    if given.get("format") != FORMAT:
        raise ValueError("This is not an actor's calibration.")
    if given.get("version") != VERSION:
        found = f"{given.get('version')!r:.20}"
        raise ValueError(f"The calibration has version {found}; this release reads {VERSION}. Update the add-on.")
    zero, one, moved = [0.0] * WIDTH, [1.0] * WIDTH, [False] * WIDTH
    try:
        for name, (low, high) in given["ranges"].items():
            place = ARKIT_INDEX[name]
            zero[place], one[place], moved[place] = float(low), float(high), True
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"The calibration is incomplete or broken ({error}).") from error
    return ActorCalibration(tuple(zero), tuple(one), tuple(moved), str(given.get("actor", "")))
