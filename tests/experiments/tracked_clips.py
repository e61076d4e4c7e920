# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of the tracker on rendered clips: `python -m tests.experiments.tracked_clips FOLDER [KIND ...] [face=...]`.

FOLDER holds what `made_clips` wrote. For each clip: frames lost, frames on somebody else, landmark errors, jitter
against the truth. No clip of anybody is read.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from blender_addon.core.array_types import FloatArray
from fomm_engine.face import weights
from fomm_engine.face.default_tracker import default_tracker
from fomm_engine.face.tracker import TrackerSettings
from fomm_engine.video.reader import VideoReader
from fomm_engine.wire.names import LANDMARKS

INNER, EYES, MOUTH = (list(LANDMARKS["inner51"]), list(range(36, 48)), list(range(48, 68)))


def tracked(video: Path, **settings: Any) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """((T, 70, 2) points, NaN where lost, (T, 70) sigmas, (T, 3, 3) rotations, usual seconds of a frame)."""
    torch.set_num_threads(1)
    folder = settings.pop("folder", weights.WEIGHTS_FOLDER)
    tracker = default_tracker(TrackerSettings(**settings), folder=Path(folder))
    points, sigmas, rotations, spent = [], [], [], []
    for frame in VideoReader(video):
        begin = time.process_time()
        face = tracker.track(frame.image)
        spent.append(time.process_time() - begin)
        points.append(np.full((70, 2), np.nan) if face is None else face.points_px)
        sigmas.append(np.full(70, np.nan) if face is None else face.sigma_px)
        rotations.append(np.eye(3) if face is None else face.rotation)
    return np.array(points), np.array(sigmas), np.array(rotations), float(np.median(spent))


def figures(video: Path, points: FloatArray) -> dict[str, float]:
    """The figures of a clip, or of its first frames: errors in percent of the outer eye distance."""
    with np.load(video.with_name(video.stem + ".gt.npz")) as truth:
        everybody = truth["others"].astype(float)[:, : len(points)]
        present, size = truth["detected"][: len(points)], truth["landmarks68"].astype(float)[: len(points)]
    unit = np.maximum(
        np.linalg.norm(size[:, 36] - size[:, 45], axis=1), 0.6 * np.linalg.norm(size[:, 27] - size[:, 8], axis=1)
    )[:, None]
    found = np.isfinite(points[:, 0, 0])
    used = present & found
    error = np.linalg.norm(points[None, :, :68] - everybody, axis=-1) / unit * 100  # (P, T, 68)
    nearest = np.where(used, np.nan_to_num(error[:, :, INNER].mean(-1), nan=1e9).argmin(0), -1)
    person = int(np.bincount(nearest[used]).argmax()) if used.any() else 0
    own = error[person][used & (nearest == person)]
    bend = np.diff((points[:, :68] - everybody[person]) / unit[..., None] * 100, n=2, axis=0)
    jitter = np.sqrt((bend[np.isfinite(bend).all((1, 2))] ** 2).sum(-1) / 6)  # of white noise: its deviation
    return {
        "lost": float((present & ~found).sum()),
        "imagined": float((~present & found).sum()),
        "person": float(person),
        "switched": float((used & (nearest != person)).sum()),
        "nme": float(own[:, INNER].mean()),
        "eyes": float(own[:, EYES].mean()),
        "mouth": float(own[:, MOUTH].mean()),
        "jitter": float(jitter[:, INNER].mean()),
    }


def main(arguments: list[str]) -> None:
    """Nothing; prints a row for each clip."""
    options: dict[str, Any] = dict(a.split("=") for a in arguments[1:] if "=" in a)
    names = [a for a in arguments[1:] if "=" not in a]
    for video in sorted(Path(arguments[0]).glob("*.mp4")):
        if names and video.stem not in names:
            continue
        points, _, _, seconds = tracked(video, **options)
        row = "  ".join(f"{name} {value:6.2f}" for name, value in figures(video, points).items())
        lost = np.flatnonzero(~np.isfinite(points[:, 0, 0]))
        sys.stdout.write(f"{video.stem:9s} {row}  {1000 * seconds:5.1f} ms  without: {lost.tolist()}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
