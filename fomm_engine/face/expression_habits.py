# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of expressions before looking: most are small, the face's two sides and the two eyes go together."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

Array = npt.NDArray[Any]
SIDES_TOGETHER = 0.8  # correlation of a channel with the other side's
LIDS_TOGETHER = 0.9
EYES_TOGETHER = 0.97  # both eyes look at one thing
GAZE_PAIRS = (
    ("eyeLookInLeft", "eyeLookOutRight"),
    ("eyeLookOutLeft", "eyeLookInRight"),
    ("eyeLookUpLeft", "eyeLookUpRight"),
    ("eyeLookDownLeft", "eyeLookDownRight"),
)


def channel_pairs() -> list[tuple[str, str, float]]:
    """(left, right, correlation) of the channels that move together; jaw and mouth directions are no pairs."""
    pairs = [(left, right, EYES_TOGETHER) for left, right in GAZE_PAIRS]
    for name in ARKIT_CHANNELS:
        other = name.removesuffix("Left") + "Right"
        if name.endswith("Left") and not name.startswith(("eyeLook", "jaw")) and name != "mouthLeft":
            pairs.append((name, other, LIDS_TOGETHER if name.startswith("eyeBlink") else SIDES_TOGETHER))
    return pairs


def expression_precision(sigma: float) -> Array:
    """(52, 52) the inverse covariance of expressions whose channels have one standard deviation `sigma`."""
    covariance = np.eye(len(ARKIT_CHANNELS))
    for left, right, correlation in channel_pairs():
        i, j = ARKIT_INDEX[left], ARKIT_INDEX[right]
        covariance[i, j] = covariance[j, i] = correlation
    return np.linalg.inv(covariance * sigma**2)
