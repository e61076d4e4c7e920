# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the truth's landmark motion a character's mesh makes, and whether its lids and lips meet.

The truth's points less its rigid head are the actor's motion from the actor's neutral face; carried to the
character's proportions it is what the character's named vertices should do from their own neutral. The share explained
is 1 - |mesh - truth|^2 / |truth|^2 over all 68 points, three coordinates and all frames. The proportions here are the
evaluation's own (whole regions' spreads), not those that the solver uses.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import LANDMARKS

Array = npt.NDArray[np.float64]
REGIONS: dict[str, tuple[int, ...]] = {
    "jaw": LANDMARKS["jaw"],
    "brow_right": LANDMARKS["brow_right"],
    "brow_left": LANDMARKS["brow_left"],
    "nose": LANDMARKS["nose_bridge"] + LANDMARKS["nose_base"],
    "eye_right": LANDMARKS["eye_right"],
    "eye_left": LANDMARKS["eye_left"],
    "mouth": LANDMARKS["lips_outer"] + LANDMARKS["lips_inner"],
}
LIDS = {side: (LANDMARKS[f"lid_upper_{side}"], LANDMARKS[f"lid_lower_{side}"]) for side in ("right", "left")}
LIPS = (LANDMARKS["lip_inner_upper"], LANDMARKS["lip_inner_lower"])
TRUTH_SHUT, MESH_SHUT = 0.9, 0.95  # of the true channel: a blink; and of the eye's opening, what the mesh must shut
LIPS_MET = 0.02  # of the mouth's width
NEAR_S = 0.05  # an event's end on the mesh may be as far off
EXACT_CM = 1e-3
LARGEST_LAG = 5


@dataclass(frozen=True)
class TruthMotion:
    """An actor's true face: time_s (T,), neutral_cm (68, 3), motion_cm (T, 68, 3) from it, in the head's axes;
    blinks {"right", "left": (T,)} the true weights of the two eyeBlink channels."""

    time_s: Array
    neutral_cm: Array
    motion_cm: Array
    blinks: dict[str, Array]


def truth_motion(path: Path) -> TruthMotion:
    """The true motion in X.gt.npz: its points in the camera less the head's true pose.

    The file gives the head's rotation and its shift against an unknown place a: p_camera = R p_head + shift + a. Faces
    there are linear in their weights, so neutral face, what each weight does and a are one linear system; a file for
    which that leaves more than 0.01 mm has another model. Raises UserError("standard-broken").
    """
    with np.load(path, allow_pickle=False) as archive:
        try:
            points, rotation = (np.asarray(archive[key], np.float64) for key in ("landmarks68_cam", "head_R"))
            shift, weights = (np.asarray(archive[key], np.float64) for key in ("head_t", "weights"))
            rate, names = float(archive["fps"]), [str(name) for name in archive["weight_names"]]
            blinks = {side: weights[:, names.index(f"eyeBlink{side.capitalize()}")] for side in LIDS}
        except (KeyError, ValueError) as error:
            raise _broken(path, str(error)) from error
    known = np.concatenate([np.ones((len(weights), 1)), weights], 1)
    away = np.einsum("tji,tnj->tni", rotation, points - shift[:, None])
    unknown = np.eye(len(known)) - known @ np.linalg.pinv(known)
    turned = np.einsum("ts,sij->tij", unknown, np.swapaxes(rotation, 1, 2)).reshape(-1, 3)
    place = np.linalg.lstsq(turned, (unknown @ away.mean(1)).ravel(), rcond=None)[0]
    faces = away - np.einsum("tji,j->ti", rotation, place)[:, None]
    table = np.linalg.lstsq(known, faces.reshape(len(faces), -1), rcond=None)[0]
    if np.abs(faces.reshape(len(faces), -1) - known @ table).max() > EXACT_CM:
        raise _broken(path, "its faces are not linear in their weights")
    neutral = table[0].reshape(-1, 3)
    return TruthMotion(np.arange(len(faces)) / rate, neutral, faces - neutral, blinks)


def _broken(path: Path, why: str) -> UserError:
    return UserError("standard-broken", f"{path.name} is not a truth file ({why}).", "Its format is in the README.")


def in_proportions(motion_cm: Array, actor: Array, character: Array) -> Array:
    """The motion (T, 68, 3) of the face `actor` (68, 3) in the size of `character` (68, 3), region by region.

    Across by the ratio of the region's widths, up by that of its height, in depth by the mean of both. A brow's height
    is its distance from its eye, the mouth's and the jaw's that from nose to chin, an eye's its opening.
    """
    factors = np.ones((len(actor), 3))
    for region, ids in REGIONS.items():
        across = _width(character, ids) / _width(actor, ids)
        up = _height(character, region) / _height(actor, region)
        factors[list(ids)] = across, up, (across * up) ** 0.5
    return motion_cm * factors


def _width(points: Array, ids: tuple[int, ...]) -> float:
    return float(np.ptp(points[list(ids), 0]))


def _height(points: Array, region: str) -> float:
    if region.startswith("eye"):
        upper, lower = LIDS[region.removeprefix("eye_")]
        return _apart(points, upper, lower)
    if region.startswith("brow"):
        return _apart(points, LANDMARKS[region], LANDMARKS[region.replace("brow", "eye")])
    if region == "nose":
        return float(np.ptp(points[list(REGIONS["nose"]), 1]))
    return _apart(points, LANDMARKS["nose_base"], LANDMARKS["chin"])


def _apart(points: Array, upper: tuple[int, ...], lower: tuple[int, ...]) -> float:
    return float(points[list(upper), 1].mean() - points[list(lower), 1].mean())


def explained(mesh_cm: Array, truth_cm: Array) -> float:
    """1 - residual / motion of displacements (T, 68, 3): energies over points, coordinates and frames."""
    return 1.0 - float(np.sum((mesh_cm - truth_cm) ** 2) / np.sum(truth_cm**2))


def mesh_figures(truth: TruthMotion, rest: Array, points: dict[str, Array], time_s: Array) -> dict[str, Any]:
    """The figures of one clip: explained by way of baking, contacts by way, and the lag of the mouth's opening.

    rest (68, 3) and points {way: (N, 68, 3)} of the mesh in one unit; time_s (N,) of the baked frames.
    """
    nearest = np.abs(time_s[None] - truth.time_s[:, None]).argmin(1)
    wanted = in_proportions(truth.motion_cm, truth.neutral_cm, rest)
    figures: dict[str, Any] = {"explained": {}, "contact": {}}
    for way, moved in points.items():
        figures["explained"][way] = explained(moved[nearest] - rest, wanted)
        figures["contact"][way] = contact_figures(truth, rest, moved[nearest])
    if "measured" in points:
        ours, theirs = points["measured"][nearest], truth.neutral_cm + truth.motion_cm
        figures["lag_frames"] = lag_frames(_lip_gap(ours), _lip_gap(theirs))
    return figures


def contact_figures(truth: TruthMotion, rest: Array, moved: Array) -> dict[str, Any]:
    """Blinks and lip contacts of the truth, and what the mesh (T, 68, 3) reaches in each.

    blinks: how many; least_closure: the least of their highest closures; lips: how many contacts; widest_gap: the
    widest of their narrowest gaps over the mouth's width; *_met: how many reach 95 % and 2 %.
    """
    near = max(1, round(NEAR_S / float(np.median(np.diff(truth.time_s)))))
    closures = [
        max(closure(moved, rest, side)[max(first - near, 0) : last + near + 1])
        for side in LIDS
        for first, last in runs(truth.blinks[side] >= TRUTH_SHUT)
    ]
    width = np.linalg.norm(rest[LANDMARKS["mouth_left"][0]] - rest[LANDMARKS["mouth_right"][0]])
    narrow = [
        float(min(_lip_gap(moved)[max(first - near, 0) : last + near + 1]) / width)
        for first, last in runs(_lips_meet(truth))
    ]
    return {
        "blinks": len(closures),
        "blinks_met": int(sum(value >= MESH_SHUT for value in closures)),
        "least_closure": float(min(closures, default=1.0)),
        "lips": len(narrow),
        "lips_met": int(sum(value <= LIPS_MET for value in narrow)),
        "widest_gap": float(max(narrow, default=0.0)),
    }


def closure(points: Array, rest: Array, side: str) -> Array:
    """(T,) how far an eye is shut against its rest: 0 open as there, 1 shut."""
    upper, lower = LIDS[side]
    opening = (points[:, list(upper), 1] - points[:, list(lower), 1]).mean(1)
    return 1.0 - opening / _apart(rest, upper, lower)


def _lips_meet(truth: TruthMotion) -> npt.NDArray[np.bool_]:
    """(T,) whether the truth's inner lips touch."""
    faces = truth.neutral_cm + truth.motion_cm
    corners = faces[:, LANDMARKS["mouth_left"][0]] - faces[:, LANDMARKS["mouth_right"][0]]
    return _lip_gap(faces) <= LIPS_MET * np.linalg.norm(corners, axis=1)


def _lip_gap(points: Array) -> Array:
    """(T,) the mean height between the inner lips, none where they overlap."""
    return np.maximum(points[:, list(LIPS[0]), 1] - points[:, list(LIPS[1]), 1], 0.0).mean(1)


def runs(held: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last place of every run of true values."""
    edges = np.diff(np.concatenate([[0], held.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))


def lag_frames(ours: Array, theirs: Array) -> int:
    """By how many frames `ours` comes later, at the peak of the (normalised) cross-correlation."""
    reach = min(LARGEST_LAG, len(ours) - 3)
    fits: dict[int, float] = {}
    for lag in range(-reach, reach + 1):
        shifted = ours[max(lag, 0) : len(ours) + min(lag, 0)], theirs[max(-lag, 0) : len(theirs) - max(lag, 0)]
        moves = min(np.std(shifted[0]), np.std(shifted[1])) > 0.0
        fits[lag] = float(np.corrcoef(*shifted)[0, 1]) if moves else 0.0
    return max(fits, key=lambda lag: (fits[lag], -abs(lag)))


def jitter_percent(points: Array) -> float:
    """Root mean square of the landmark points about their means, in percent of the face's height (brows to chin)."""
    middle = points.mean(0)
    height = middle[list(LANDMARKS["brow_right"] + LANDMARKS["brow_left"]), 1].max() - middle[LANDMARKS["chin"][0], 1]
    return float(100.0 * np.sqrt(((points - middle) ** 2).sum(-1).mean()) / height)
