# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole-take solve against PnP frame by frame: `python -m tests.experiments.pose_per_frame FOLDER [KIND ...]`.

FOLDER holds what `made_clips` wrote. PnP (SQPNP, then iterative) fits the mean face's nose, eye corners, brows and jaw
to the same landmarks, once with the true lens, once with a guess of 1.2 picture widths. Errors are of yaw, pitch, roll
after their constant offset, in degrees; jitter is the root mean square of their change from frame to frame.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from blender_addon.core.array_types import FloatArray
from fomm_engine.evaluation.metrics import euler_deg
from fomm_engine.face.take_solve import KnownLens, TakeObservations, solve_take
from fomm_engine.face.weights import load_face_prior

from .track_quality import track_of

RIGID = (*range(0, 17, 2), *range(17, 36), 36, 39, 42, 45)
TURN = np.diag([1.0, -1.0, -1.0])  # from the camera's axes to OpenCV's
GUESS_WIDTHS = 1.2


def pnp_rotations(points_px: FloatArray, model_cm: FloatArray, focal_px: float, size: tuple[int, int]) -> FloatArray:
    """(T, 3, 3) camera from head, every frame on its own."""
    camera = np.array([[focal_px, 0, size[0] / 2], [0, focal_px, size[1] / 2], [0, 0, 1]])
    ids, found = list(RIGID), []
    model = np.ascontiguousarray(model_cm[ids], np.float64)
    for points in points_px:
        seen = np.ascontiguousarray(points[ids], np.float64)
        _, turn, shift = cv2.solvePnP(model, seen, camera, np.zeros(4), flags=cv2.SOLVEPNP_SQPNP)
        _, turn, _ = cv2.solvePnP(model, seen, camera, np.zeros(4), turn, shift, True, cv2.SOLVEPNP_ITERATIVE)
        found.append(TURN @ cv2.Rodrigues(turn)[0])
    return np.array(found)


def scores(rotation: FloatArray, truth: FloatArray) -> str:
    """Mean absolute error per axis and in the mean, and jitter."""
    error = euler_deg(rotation) - euler_deg(truth)
    error = error - np.median(error, axis=0)
    by_axis = np.abs(error).mean(0)
    jitter = np.sqrt((np.diff(error, axis=0) ** 2).mean())
    return f"{by_axis[0]:.2f} {by_axis[1]:.2f} {by_axis[2]:.2f} mean {by_axis.mean():.2f} jitter {jitter:.2f}"


def main(arguments: list[str]) -> None:
    """Nothing; prints the comparison."""
    prior = load_face_prior()
    for name in arguments[1:]:
        track = track_of(Path(arguments[0]) / f"{name}.mp4")
        with np.load(Path(arguments[0]) / f"{name}.gt.npz") as archive:
            truth, focal = archive["head_R"], float(archive["K"][0, 0])
            size = int(archive["size"][0]), int(archive["size"][1])
        seen = np.isfinite(track["points"][:, 0, 0])
        points, truth = track["points"][seen], truth[seen]
        rows = {
            "PnP, true lens": pnp_rotations(points, prior.neutral_cm, focal, size),
            "PnP, 1.2 widths": pnp_rotations(points, prior.neutral_cm, GUESS_WIDTHS * size[0], size),
            "net alone": track["rotation"][seen],
        }
        for row, lens in (("solve", None), ("solve, true lens", KnownLens(focal, 0.0, "truth"))):
            times = np.flatnonzero(seen) / 30
            given = TakeObservations(times, points, track["sigma"][seen], track["rotation"][seen], *size, lens)
            solution = solve_take(given, prior)
            rows[f"{row} (f {1 / solution.pose.inverse_focal:.0f} of {focal:.0f})"] = solution.pose.rotation
        for row, rotation in rows.items():
            sys.stdout.write(f"{name:9s} {row:34s} {scores(rotation, truth)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
