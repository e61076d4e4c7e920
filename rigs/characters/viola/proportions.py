# SPDX-License-Identifier: GPL-3.0-or-later
"""The measures of Viola's face that more than one part needs to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Proportions:
    """Lengths in cm and angles in radians, head axes (x left, y back, z up), origin between the eyes.

    Lid angles are measured about the x axis through the eyeball's centre: 0 looks straight ahead, positive is up.
    """

    eye_center: tuple[float, float, float] = (3.35, 0.5, 0.0)
    eye_radius: float = 1.75
    iris_radius: float = 0.8
    lid_radius: float = 1.95
    lid_half_width_rad: float = np.deg2rad(57.0)
    lid_upper_rad: float = np.deg2rad(26.0)
    lid_lower_rad: float = np.deg2rad(-21.0)
    lid_closing_rad: float = np.deg2rad(-10.0)
    lid_tilt_rad: float = np.deg2rad(4.0)
    mouth_half_width: float = 2.2
    mouth_height: float = -6.7
    jaw_pivot: tuple[float, float, float] = (0.0, 8.2, -2.6)
    jaw_open_rad: float = np.deg2rad(18.0)
    tongue_jaw_share: float = 0.3
    gaze_side_rad: float = np.deg2rad(32.0)
    gaze_up_rad: float = np.deg2rad(24.0)
    gaze_down_rad: float = np.deg2rad(28.0)


VIOLA = Proportions()


def eye_center_cm(side: int) -> FloatArray:
    """The centre of one eyeball, (3,), cm; `side` is +1 for the subject's left (+x) and -1 for the right."""
    x, y, z = VIOLA.eye_center
    return np.array([side * x, y, z])
