# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several faces is meant: a word, a number from the left, or a place in the picture."""

from typing import Any

import numpy as np

from fomm_engine.face.look import FrameFace

FaceChoice = str | int | tuple[float, ...]
WORDS = ("largest", "first")


def face_choice(value: Any) -> FaceChoice:
    """The choice that an option means.

    "largest"; "first" (the leftmost) or a number from the left, 0 being the leftmost; [x, y] a point on the face or
    [x, y, width, height] a box around it, px of the picture. Raises ValueError with a sentence for anything else.
    """
    if isinstance(value, str) and value in WORDS:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, list | tuple) and len(value) in (2, 4):
        numbers = [part for part in value if isinstance(part, int | float) and not isinstance(part, bool)]
        if len(numbers) == len(value) and np.isfinite(numbers).all() and all(size > 0 for size in numbers[2:]):
            return tuple(float(part) for part in numbers)
    raise ValueError(f"'{value}' does not say which face.")


def chosen_face(faces: list[FrameFace], choice: FaceChoice) -> FrameFace | None:
    """The one of `faces` that `choice` means: for a place the nearest; None where there are too few."""
    if not faces:
        return None
    if choice == "largest":
        return max(faces, key=lambda face: face.side_px)
    if isinstance(choice, tuple):
        middle = np.array(choice[:2]) + np.array(choice[2:] or (0.0, 0.0)) / 2
        return min(faces, key=lambda face: float(np.hypot(*(face.center_px - middle))))
    number = 0 if isinstance(choice, str) else choice
    from_left = sorted(faces, key=lambda face: float(face.center_px[0]))
    return from_left[number] if number < len(from_left) else None
