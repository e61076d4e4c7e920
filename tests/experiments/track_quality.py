# SPDX-License-Identifier: GPL-3.0-or-later
"""Lag, blinks and honesty of sigma on rendered clips: `python -m tests.experiments.track_quality FOLDER [KIND ...]`.

FOLDER holds what `made_clips` wrote; tracks are kept beside the clips (KIND.track.npz) and used again. Prints, for
lids, lips and yaw, the shift in frames at which ours follows the truth best; how much of each blink is seen; and, in
bins of the stated sigma, the error that was made (one axis, root mean square and median, in sigmas).
"""

import sys
from pathlib import Path

import numpy as np

from blender_addon.core.array_types import FloatArray
from fomm_engine.evaluation.metrics import euler_deg

from .tracked_clips import tracked

LIDS, LIPS = ((37, 41), (38, 40), (43, 47), (44, 46)), ((61, 67), (62, 66), (63, 65))
BINS = np.array([0.0, 0.006, 0.009, 0.013, 0.019, 0.027, 0.039, 0.055, 0.08, 1.0])  # of sigma over outer eye distance


def track_of(video: Path) -> dict[str, FloatArray]:
    """points, sigma, rotation of a clip's frames, from the kept file where there is one."""
    kept = video.with_name(video.stem + ".track.npz")
    if not kept.exists():
        points, sigma, rotation, _ = tracked(video, steady=False)
        np.savez(kept, points=points, sigma=sigma, rotation=rotation)
    with np.load(kept) as archive:
        return {name: archive[name] for name in archive.files}


def gap(points: FloatArray, pairs: tuple[tuple[int, int], ...]) -> FloatArray:
    """(T,) mean vertical distance of pairs, over the outer eye distance."""
    size = np.linalg.norm(points[:, 36] - points[:, 45], axis=1)
    return np.mean([points[:, low, 1] - points[:, up, 1] for up, low in pairs], axis=0) / size


def lag(ours: FloatArray, truth: FloatArray) -> float:
    """The shift in frames, to a tenth, that makes ours agree best with the truth; NaN where the truth hardly moves."""
    if truth.std() < 0.01:
        return float("nan")
    shifts, frames = np.arange(-3, 3.01, 0.1), np.arange(len(truth))
    inner = slice(4, -4)
    scores = [np.corrcoef(np.interp(frames + shift, frames, ours)[inner], truth[inner])[0, 1] for shift in shifts]
    return float(shifts[int(np.argmax(scores))])


def blink_depths(ours: FloatArray, truth: FloatArray) -> list[float]:
    """For each blink in the truth: how far ours closes, over how far the truth does."""
    closed = truth < 0.35 * np.percentile(truth, 80)
    starts = np.flatnonzero(np.diff(np.r_[0, closed.astype(int)]) == 1)
    depths: list[float] = []
    for start in starts:
        near = slice(max(0, start - 2), start + 12)
        closed_by = [1 - float(each[near].min() / np.percentile(each, 80)) for each in (ours, truth)]
        depths.append(closed_by[0] / closed_by[1])
    return depths


def main(arguments: list[str]) -> None:
    """Nothing; prints the figures."""
    stated, made = [], []
    for video in sorted(Path(arguments[0]).glob("*.mp4")):
        if arguments[1:] and video.stem not in arguments[1:]:
            continue
        track = track_of(video)
        with np.load(video.with_name(video.stem + ".gt.npz")) as archive:
            truth, turn = archive["landmarks68"].astype(float), archive["head_R"]
        seen = np.isfinite(track["points"][:, 0, 0])
        points, truth, turn = track["points"][seen], truth[seen], turn[seen]
        size = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)[:, None]
        stated.append((track["sigma"][seen][:, :68] / size).ravel())
        made.append(((points[:, :68] - truth) / size[..., None]).reshape(-1, 2))
        yaw = euler_deg(track["rotation"][seen])[:, 0], euler_deg(turn)[:, 0]
        lags = [lag(gap(points, pairs), gap(truth, pairs)) for pairs in (LIDS, LIPS)] + [lag(*yaw)]
        depths = blink_depths(gap(points, LIDS), gap(truth, LIDS))
        sys.stdout.write(f"{video.stem:9s} lag lids {lags[0]:+.1f} lips {lags[1]:+.1f} yaw {lags[2]:+.1f} frames; ")
        sys.stdout.write(f"blinks closed by {np.round(depths, 2).tolist()}\n")
    _print_bins(np.concatenate(stated), np.concatenate(made))


def _print_bins(stated: FloatArray, made: FloatArray) -> None:
    which = np.digitize(stated, BINS)
    for number in range(1, len(BINS)):
        used = which == number
        if used.sum() < 50:
            continue
        sigma, error = stated[used][:, None], made[used]
        root = float(np.sqrt(np.mean(error**2))) / float(np.sqrt(np.mean(sigma**2)))
        usual = float(np.median(np.abs(error) / sigma)) / 0.6745
        row = f"sigma {100 * sigma.mean():5.2f} %: error {100 * float(np.sqrt(np.mean(error**2))):5.2f} % rms"
        sys.stdout.write(f"{row}, {root:.2f} sigmas rms, {usual:.2f} by the median ({used.sum()} points)\n")


if __name__ == "__main__":
    main(sys.argv[1:])
