# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a rig's many bone channels are worth keys: those that let the face make the faces people make. No bpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fomm_engine.wire.names import LANDMARKS, MIRRORED_POINTS
from fomm_engine.wire.standard_face import StandardFace

from ...core.array_types import BoolArray, FloatArray, IntArray

LEAST_MOTION_CM = 0.03  # of a landmark, on a face of standard size: less moves nothing to speak of
RIGID_SHARE = 0.97  # of a motion that turning, shifting and scaling the whole head explains
LEAST_GAIN = 0.002  # of all expressions' motion; what adds less is not worth a curve
LEAST_LOSS = 0.0008
MOST_COLUMNS = 90
_STIFFNESS = 0.15  # against the motion of 1 cm: controls should not be pulled far for little
_MIRRORED = 0.95  # cosine between a motion and the mirror image of its partner's
_MOST = 75  # percentile of the leading points that set how far a control may go
_ROOM = 1.5  # how far beyond the widest of the standard face's expressions a control may reach


def moves(displacement_cm: FloatArray) -> float:
    """The largest motion of any point (70, 3), cm."""
    return float(np.linalg.norm(displacement_cm, axis=-1).max())


def is_rigid(displacement_cm: FloatArray, neutral_cm: FloatArray) -> bool:
    """Whether a motion (70, 3) is that of the whole head: shifted, turned or scaled, not of the face."""
    centred = neutral_cm - neutral_cm.mean(axis=0)
    columns = [np.tile(axis, (len(centred), 1)) for axis in np.eye(3)]
    columns += [np.cross(axis, centred) for axis in np.eye(3)] + [centred]
    matrix = np.stack([column.ravel() for column in columns], axis=1)
    flat = displacement_cm.ravel()
    rest = flat - matrix @ np.linalg.lstsq(matrix, flat, rcond=None)[0]
    return float(rest @ rest) <= (1.0 - RIGID_SHARE) * float(flat @ flat)


def reach_cm(face: StandardFace, neutral_cm: FloatArray) -> FloatArray:
    """(70,) how far each point may be moved by one control: as far as faces do, and as this face's own eyes and mouth
    are wide."""
    reach = np.linalg.norm(face.expression_cm, axis=-1).max(axis=0) * _ROOM + 0.15
    for lids in ("eye_right", "eye_left"):
        points = list(LANDMARKS[lids])
        reach[points] = np.maximum(reach[points], 1.3 * float(np.ptp(neutral_cm[points, 1])))
    return reach


def widest(displacement_cm: FloatArray, reach: FloatArray) -> float:
    """How many units of a control bring its leading points to their reach; displacement (70, 3) per unit."""
    motion = np.linalg.norm(displacement_cm, axis=-1)
    leading = motion > 0.5 * motion.max()
    return float(np.percentile(reach[leading] / motion[leading], _MOST)) if motion.max() > 0 else 0.0


def chosen_columns(columns_cm: FloatArray, groups: IntArray, given_cm: FloatArray, face: StandardFace) -> BoolArray:
    """(C,) which columns (C, 70, 3) to keep beside the given ones (G, 70, 3), which are all kept.

    columns are scaled so that 1 stands for a control's widest motion; groups (C,) numbers their bones. Bones are taken
    one by one, each time the one whose channels bring most of the standard face's 52 expressions (each counts the same)
    nearer;
    then single channels go that nobody misses. Ridge regression by orthogonal steps (orthogonal matching pursuit; Y. C.
    Pati et al., Asilomar 1993).
    """
    wanted = _wanted(face)
    design = _stiffened(np.concatenate([given_cm, columns_cm]))
    given = len(given_cm)
    kept = list(range(given))
    members = {group: [given + int(n) for n in np.flatnonzero(groups == group)] for group in np.unique(groups)}
    total = float((wanted**2).sum())
    aims = np.concatenate([wanted.T, np.zeros((design.shape[0] - wanted.shape[1], len(wanted)))])
    while members and len(kept) < given + MOST_COLUMNS:
        basis = _orthonormal(design[:, kept])
        rest = aims - basis @ (basis.T @ aims)
        gains = {group: _gain(design[:, own], basis, rest) for group, own in members.items()}
        worth = [group for group, gain in gains.items() if gain >= LEAST_GAIN * total]
        if not worth:
            break
        best = max(worth, key=lambda group: gains[group] / len(members[group]))
        kept += members.pop(best)
    kept = _without_idle(design, aims, kept, given)
    result = np.zeros(len(columns_cm), np.bool_)
    result[[number - given for number in kept if number >= given]] = True
    return result


def with_partners(kept: BoolArray, columns_cm: FloatArray) -> BoolArray:
    """(C,) the kept columns (C, 70, 3) and those that do the mirror image of one, forwards or backwards: faces are
    animated on both sides."""
    flat = columns_cm.reshape(len(columns_cm), -1)
    mirrored = (columns_cm[:, list(MIRRORED_POINTS)] * [-1.0, 1.0, 1.0]).reshape(len(flat), -1)
    size = np.maximum(np.linalg.norm(flat, axis=1), 1e-12)
    likeness = np.abs(flat @ mirrored.T / size[:, None] / size)
    own = np.diag(likeness).copy()
    np.fill_diagonal(likeness, 0.0)
    best = likeness.argmax(axis=1)
    partnered = (likeness.max(axis=1) > _MIRRORED) & (likeness.max(axis=1) > own) & (best[best] == np.arange(len(best)))
    return kept | (partnered & kept[best])


def _wanted(face: StandardFace) -> FloatArray:
    flat = face.expression_cm.reshape(len(face.expression_cm), -1)
    size = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat[size[:, 0] > 1e-6] / size[size[:, 0] > 1e-6]


def _stiffened(columns: FloatArray) -> FloatArray:
    flat = columns.reshape(len(columns), -1).T
    return np.concatenate([flat, _STIFFNESS * np.eye(flat.shape[1])])


def _orthonormal(columns: FloatArray) -> FloatArray:
    return np.linalg.qr(columns)[0] if columns.shape[1] else columns


def _gain(own: FloatArray, basis: FloatArray, rest: FloatArray) -> float:
    fresh = np.linalg.qr(own - basis @ (basis.T @ own))[0]
    return float(((fresh.T @ rest) ** 2).sum())


def _without_idle(design: FloatArray, aims: FloatArray, kept: Sequence[int], given: int) -> list[int]:
    """The kept columns without those whose going makes next to no difference, the least missed first."""
    left = list(kept)
    total = float((aims**2).sum())
    while len(left) > given:
        basis, triangle = np.linalg.qr(design[:, left])
        # The loss without column k is w_k^2 over the k-th diagonal element of the inverse of the normal matrix.
        inverse = np.linalg.inv(triangle)
        weights = inverse @ (basis.T @ aims)
        loss = (weights**2).sum(axis=1) / np.maximum((inverse**2).sum(axis=1), 1e-30)
        loss[:given] = np.inf
        least = int(loss.argmin())
        if loss[least] > LEAST_LOSS * total:
            break
        left.pop(least)
    return left
