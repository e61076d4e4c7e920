# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours drawn at random."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Span = tuple[float, float]


def random_color(rng: Generator, hue_deg: Span, saturation: Span, value: Span) -> NDArray[np.float64]:
    """An RGB colour (3,) in 0..1 with hue, saturation and value drawn evenly from the spans."""
    hsv = np.array([[[rng.uniform(*hue_deg) % 360, rng.uniform(*saturation), rng.uniform(*value)]]], np.float32)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float64)
