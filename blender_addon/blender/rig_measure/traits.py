# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measured control is, by what it does: its region of the face, and its partner on the other side. No bpy."""

from __future__ import annotations

import numpy as np

from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, LANDMARKS, MIRRORED_POINTS

from ...core.array_types import FloatArray
from ...core.regions import Region

_POINTS: dict[Region, tuple[int, ...]] = {
    "brows": (*LANDMARKS["brow_right"], *LANDMARKS["brow_left"]),
    "eyes": (*LANDMARKS["eye_right"], *LANDMARKS["eye_left"]),
    "gaze": (IRIS_RIGHT, IRIS_LEFT),
    "jaw": LANDMARKS["jaw"][4:13],
    "mouth": (*LANDMARKS["lips_outer"], *LANDMARKS["lips_inner"]),
    "cheeks": (*LANDMARKS["nose_bridge"], *LANDMARKS["nose_base"]),
}
_SIDEWAYS = np.array([-1.0, 1.0, 1.0])
_ALIKE = 0.9  # cosine between a control's motion and the mirror image of its partner's
_GAZE_SHARE = 0.3  # of the motion of lids, from which on a control that moves an iris is one for gaze


def regions(displacements_cm: FloatArray) -> list[Region]:
    """The region that each control (C, 70, 3) moves most."""
    return [_region(displacement) for displacement in displacements_cm]


def pairs(displacements_cm: FloatArray) -> list[int | None]:
    """The number of the control that does the mirror image of each one, None for those of the middle and loners."""
    flat = displacements_cm.reshape(len(displacements_cm), -1)
    mirrored = (displacements_cm[:, list(MIRRORED_POINTS)] * _SIDEWAYS).reshape(len(flat), -1)
    size = np.maximum(np.linalg.norm(flat, axis=1), 1e-12)
    likeness = flat @ mirrored.T / size[:, None] / size[None]
    both_sided = np.diag(likeness).copy()
    np.fill_diagonal(likeness, -1.0)
    best = likeness.argmax(axis=1) if len(flat) > 1 else np.zeros(len(flat), np.int64)
    result: list[int | None] = []
    for own, partner in enumerate(best):
        mutual = best[partner] == own and own != partner
        good = likeness[own, partner] > max(_ALIKE, both_sided[own])
        result.append(int(partner) if mutual and good else None)
    return result


def _region(displacement_cm: FloatArray) -> Region:
    motion = np.linalg.norm(displacement_cm, axis=-1)
    share: dict[Region, float] = {
        region: float(np.sqrt((motion[list(points)] ** 2).mean())) for region, points in _POINTS.items()
    }
    if share["gaze"] > _GAZE_SHARE * max(share.values()) and share["mouth"] < share["gaze"]:
        return "gaze"
    return max(share.items(), key=lambda entry: entry[1])[0]
