# SPDX-License-Identifier: GPL-3.0-or-later
"""From the actor's proportions to the character's: how far each point of one face goes when the other's goes a
way."""

from typing import TypeAlias

import numpy as np

from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, LANDMARKS, POINT_COUNT

from .array_types import FloatArray

LEAST_RATIO, LARGEST_RATIO = 0.2, 5.0  # of two faces' extents: beyond it a landmark point is misplaced
LEAST_EXTENT_CM = 0.05
_Points: TypeAlias = tuple[int, ...]


def transport_factors(actor_cm: FloatArray, character_cm: FloatArray) -> FloatArray:
    """Give what the actor's displacement of each point is multiplied by to be the character's, (70, 3).

    actor_cm, character_cm: (70, 3) neutral faces, head frame. Local scales along the head's axes, region by region: an
    eye's by its width and its opening (so that a lid's way stays the same share of the eye, and shut is shut), a brow's
    by its width and its height over the eye, the mouth's and the jaw's by the mouth's or the jaw's width and the lower
    face's height (so that lips and chin go together), the nose's by its own. Depth goes by the mean of the two.
    Points that the same muscle moves share a scale, so contacts and parallels are kept.
    """
    factors = np.ones((POINT_COUNT, 3))
    for points, across, up in _regions():
        x = _ratio(_extent(character_cm, across, 0), _extent(actor_cm, across, 0))
        y = _ratio(_extent(character_cm, up, 1), _extent(actor_cm, up, 1)) if up else x
        factors[list(points)] = (x, y, (x * y) ** 0.5)
    return factors


def _regions() -> tuple[tuple[_Points, tuple[_Points, ...], tuple[_Points, ...]], ...]:
    """Give for each region its points and the two ends whose distance is its width, and its height (() for a region
    that has none of its own)."""
    names = LANDMARKS
    lower_face = (names["nose_base"], names["chin"])
    found: list[tuple[_Points, tuple[_Points, ...], tuple[_Points, ...]]] = [
        (names["jaw"], (names["jaw"][2:5], names["jaw"][12:15]), lower_face),
        (names["lips_outer"] + names["lips_inner"], (names["mouth_right"], names["mouth_left"]), lower_face),
        (
            names["nose_bridge"] + names["nose_base"],
            (names["nose_base"][:1], names["nose_base"][-1:]),
            (names["nose_bridge"][:1], names["nose_base"]),
        ),
    ]
    for side, iris in (("right", IRIS_RIGHT), ("left", IRIS_LEFT)):
        corners = (names[f"eye_{side}_outer"], names[f"eye_{side}_inner"])
        lids = (names[f"lid_upper_{side}"], names[f"lid_lower_{side}"])
        brow = names[f"brow_{side}"]
        found.append((names[f"eye_{side}"], corners, lids))
        found.append(((iris,), corners, ()))  # an eyeball turns alike both ways
        found.append((brow, (brow[:1], brow[-1:]), (brow, corners[0] + corners[1])))
    return tuple(found)


def _extent(points_cm: FloatArray, ends: tuple[_Points, ...], axis: int) -> float:
    """Give the distance of the means of two groups of points along an axis."""
    first, second = (points_cm[list(end), axis].mean() for end in ends)
    return max(float(abs(first - second)), LEAST_EXTENT_CM)


def _ratio(character: float, actor: float) -> float:
    """Give the quotient, kept within what faces can differ by."""
    return min(max(character / actor, LEAST_RATIO), LARGEST_RATIO)
