# SPDX-License-Identifier: GPL-3.0-or-later
"""How far eyes and mouth stand open, by the landmarks alone: ours against the standard's."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.evaluation.truth import Standard
from fomm_engine.wire.names import LANDMARKS

Array = npt.NDArray[Any]
OUTER_EYES = (LANDMARKS["eye_right_outer"][0], LANDMARKS["eye_left_outer"][0])
# What opens: the name of a reference's feature for it, and its upper and lower points.
EYES = (
    ("eyeOpenR", LANDMARKS["lid_upper_right"], LANDMARKS["lid_lower_right"]),
    ("eyeOpenL", LANDMARKS["lid_upper_left"], LANDMARKS["lid_lower_left"]),
)
MOUTH = (("mouthOpen", LANDMARKS["lip_inner_upper"], LANDMARKS["lip_inner_lower"]),)
STILL = 0.004  # standard deviation, of the outer eye distance, below which nothing opens or shuts


def opening_figures(standard: Standard, landmarks_px: Array, frames: Array) -> dict[str, float]:
    """eye_opening_r (mean of both eyes) and mouth_opening_r of landmarks (T, 68, 2) over `frames`.

    Against a truth: its own landmarks' openings. Against a reference: its features, which are distances in 3D. Left out
    where the standard stands still.
    """
    figures: dict[str, float] = {}
    for name, parts in (("eye_opening_r", EYES), ("mouth_opening_r", MOUTH)):
        found = [_follows(standard, landmarks_px, frames, part) for part in parts]
        known = [value for value in found if value is not None]
        if known:
            figures[name] = float(np.mean(known))
    return figures


def opening(landmarks_px: Array, upper: tuple[int, ...], lower: tuple[int, ...]) -> Array:
    """(T,) mean distance of opposite points, over the outer eye distance."""
    size = np.linalg.norm(landmarks_px[:, OUTER_EYES[0]] - landmarks_px[:, OUTER_EYES[1]], axis=1)
    gaps = np.linalg.norm(landmarks_px[:, list(lower)] - landmarks_px[:, list(upper)], axis=2).mean(1)
    return gaps / np.maximum(size, 1e-6)


def _follows(
    standard: Standard, landmarks_px: Array, frames: Array, part: tuple[str, tuple[int, ...], tuple[int, ...]]
) -> float | None:
    """Pearson's r of one opening; None where the standard's stands still, 0 where only ours does."""
    feature, upper, lower = part
    theirs = opening(standard.landmarks_px[frames], upper, lower)
    if len(frames) < 3 or theirs.std() < STILL:
        return None
    theirs = standard.features[feature][frames] if feature in standard.features else theirs
    ours = opening(landmarks_px[frames], upper, lower)
    if theirs.std() < 1e-9:
        return None
    return float(np.corrcoef(ours, theirs)[0, 1]) if ours.std() > 1e-9 else 0.0
