# SPDX-License-Identifier: GPL-3.0-or-later
"""The lids: where their margins lie on the eye, and how a point of a lid travels when the lid moves.

A point near an eye is given by (alpha, beta, radius): alpha towards the temple, beta up, both seen from the eyeball's
centre, with the poles of the sphere at the eye's sides, so lids move by changing beta alone.
"""

from __future__ import annotations

import numpy as np

from rigs.characters.viola.head_grid import HeadGrid
from rigs.characters.viola.proportions import VIOLA, FloatArray, eye_center_cm

LID_MARGIN_RING = 9
_EDGE_STEP_RAD = np.deg2rad(1.6)
_TUCK_RAD = np.deg2rad(11.0)


def to_eye_angles(points: FloatArray, side: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(alpha, beta) in radians and radius in cm, each (N,), of head points (N, 3) seen from one eye's centre."""
    local = points - eye_center_cm(side)
    radius = np.linalg.norm(local, axis=-1)
    alpha = np.arcsin(np.clip(side * local[..., 0] / np.maximum(radius, 1e-9), -1.0, 1.0))
    return alpha, np.arctan2(local[..., 2], -local[..., 1]), radius


def from_eye_angles(alpha: FloatArray, beta: FloatArray, radius: FloatArray, side: int) -> FloatArray:
    """Head points (N, 3) in cm: the inverse of `to_eye_angles`."""
    across, ahead = np.sin(alpha), np.cos(alpha)
    local = np.stack([side * across, -ahead * np.cos(beta), ahead * np.sin(beta)], axis=-1)
    return eye_center_cm(side) + np.asarray(radius)[..., None] * local


def _along(alpha: FloatArray) -> FloatArray:
    return np.clip(alpha / VIOLA.lid_half_width_rad, -1.0, 1.0)


def upper_margin_rad(alpha: FloatArray) -> FloatArray:
    """The open upper lid's beta over alpha: an almond, highest a little towards the nose."""
    share = _along(alpha)
    arch = (1.0 - share**2) ** 0.62 * (1.0 - 0.12 * share)
    return VIOLA.lid_tilt_rad * share + VIOLA.lid_upper_rad * arch


def lower_margin_rad(alpha: FloatArray) -> FloatArray:
    """The open lower lid's beta over alpha: flatter, lowest a little towards the temple."""
    share = _along(alpha)
    arch = (1.0 - share**2) ** 0.75 * (1.0 + 0.16 * share)
    return VIOLA.lid_tilt_rad * share + VIOLA.lid_lower_rad * arch


def closing_line_rad(alpha: FloatArray) -> FloatArray:
    """The beta at which both lids meet in a blink, over alpha."""
    share = _along(alpha)
    return VIOLA.lid_tilt_rad * share + VIOLA.lid_closing_rad * (1.0 - share**2) ** 0.75


def _ring_alpha(length: int) -> FloatArray:
    half = length // 2
    position = np.arange(length)
    walked = np.where(position <= half, position, length - position) / half
    return -VIOLA.lid_half_width_rad * np.cos(np.pi * walked)


def margin_rings(length: int, side: int) -> FloatArray:
    """Positions (4, length, 3) of a lid's rim: outer edge, rounded lip, inner edge, and a fold tucked under the lid."""
    alpha = _ring_alpha(length)
    upper = np.arange(length) <= length // 2
    away = np.where(upper, 1.0, -1.0) * np.sqrt(np.maximum(1.0 - _along(alpha) ** 2, 0.0))
    lid, eye = VIOLA.lid_radius, VIOLA.eye_radius
    widen = 1.0 + np.array([0.05, 0.02, 0.0, 0.0])
    steps = ((_EDGE_STEP_RAD, lid), (0.0, lid - 0.03), (0.0, eye * 1.02), (_TUCK_RAD, eye * 1.015))
    rings: list[FloatArray] = []
    for stretch, (angle, radius) in zip(widen, steps, strict=True):
        wide = alpha * stretch
        beta = np.where(upper, upper_margin_rad(wide), lower_margin_rad(wide)) + away * angle
        rings.append(from_eye_angles(wide, beta, np.full(length, radius), side))
    return np.stack(rings)


def place_eye_rings(positions: FloatArray, grid: HeadGrid) -> None:
    """Writes the rings of both eyes into `positions`: margins exactly, skin between them and the grid evenly."""
    for side, rings in grid.eye_rings.items():
        margin = margin_rings(rings.shape[1], side)
        positions[rings[LID_MARGIN_RING:]] = margin
        outer = positions[rings[0]]
        for ring in range(1, LID_MARGIN_RING):
            share = (ring / LID_MARGIN_RING) ** 0.85
            positions[rings[ring]] = outer * (1.0 - share) + margin[0] * share
