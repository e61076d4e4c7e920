# SPDX-License-Identifier: GPL-3.0-or-later
"""What the close look at eyes and mouth and the mirrored look are worth: `python -m tests.experiments.close_look FOLDER
[KIND ...] [frames=60] [weights=...]`.

FOLDER holds what `made_clips` wrote. Each way of looking follows the same frames; prints errors and jitter in percent
of the outer eye distance, how well the openings of lids and lips follow the truth (r, and the slope of ours over the
truth's), and processor time.
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
from fomm_engine.face.tracker import FaceTracker, TrackerSettings
from fomm_engine.video.reader import VideoReader

from .track_quality import LIDS, LIPS, gap
from .tracked_clips import figures

WAYS: dict[str, tuple[bool, bool]] = {  # both ways round, with a close look
    "one": (False, False),
    "mirror": (True, False),
    "close": (False, True),
    "both": (True, True),
}


def ways(folder: Path) -> dict[str, FaceTracker]:
    """A fresh tracker for each way of looking."""
    trackers: dict[str, FaceTracker] = {}
    for name, (mirrored, close) in WAYS.items():
        tracker = default_tracker(TrackerSettings(both_ways=mirrored), folder=folder)
        if not close:
            tracker._reader._close = None  # noqa: SLF001 - the default tracker always looks closely
        trackers[name] = tracker
    return trackers


def follow(video: Path, trackers: dict[str, FaceTracker], frames: int) -> dict[str, tuple[FloatArray, float]]:
    """Name -> ((T, 70, 2) points, NaN where lost, usual seconds of a frame)."""
    points: dict[str, list[FloatArray]] = {name: [] for name in trackers}
    spent: dict[str, list[float]] = {name: [] for name in trackers}
    for frame in VideoReader(video):
        if frame.index == frames:
            break
        for name, tracker in trackers.items():
            begin = time.process_time()
            face = tracker.track(frame.image)
            spent[name].append(time.process_time() - begin)
            points[name].append(np.full((70, 2), np.nan) if face is None else face.points_px)
    return {name: (np.array(points[name]), float(np.median(spent[name]))) for name in trackers}


def openings(video: Path, points: FloatArray) -> list[float]:
    """r and slope of the opening of the lids, then of the lips; NaN where the truth hardly moves."""
    with np.load(video.with_name(video.stem + ".gt.npz")) as archive:
        truth = archive["landmarks68"].astype(float)[: len(points)]
    seen = np.isfinite(points[:, 0, 0])
    found: list[float] = []
    for pairs in (LIDS, LIPS):
        ours, theirs = gap(points[seen], pairs), gap(truth[seen], pairs)
        moving = theirs.std() > 0.01
        found += (
            [float(np.corrcoef(ours, theirs)[0, 1]), float(np.polyfit(theirs, ours, 1)[0])] if moving else [np.nan] * 2
        )
    return found


def main(arguments: list[str]) -> None:
    """Nothing; prints a row for each clip and way, then the mean of each way."""
    options: dict[str, Any] = dict(a.split("=") for a in arguments[1:] if "=" in a)
    names = [a for a in arguments[1:] if "=" not in a]
    torch.set_num_threads(1)
    rows: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    sys.stdout.write("clip      way      nme  eyes mouth jitter | lids r slope, lips r slope |  ms\n")
    for video in sorted(Path(arguments[0]).glob("*.mp4")):
        if names and video.stem not in names:
            continue
        trackers = ways(Path(options.get("weights", weights.WEIGHTS_FOLDER)))
        for name, (points, seconds) in follow(video, trackers, int(options.get("frames", 60))).items():
            errors = figures(video, points)
            row = (
                [errors[key] for key in ("nme", "eyes", "mouth", "jitter")] + openings(video, points) + [1000 * seconds]
            )
            rows[name].append(row)
            sys.stdout.write(f"{video.stem:9s} {name:7s}" + " ".join(f"{value:5.2f}" for value in row) + "\n")
            sys.stdout.flush()
    for name, table in rows.items():
        sys.stdout.write(f"{'mean':9s} {name:7s}" + " ".join(f"{v:5.2f}" for v in np.nanmean(table, axis=0)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
