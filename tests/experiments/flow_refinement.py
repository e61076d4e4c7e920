# SPDX-License-Identifier: GPL-3.0-or-later
"""Would optical flow between frames earn its place? `python -m tests.experiments.flow_refinement FOLDER [KIND ...]`.

FOLDER holds what `made_clips` wrote. Each frame's points are mixed with those of the frame before, carried on by
Lucas-Kanade where it agrees with the net; prints error, jitter and the depth of blinks for several shares.
"""

import sys
import time
from pathlib import Path

import numpy as np

from blender_addon.core.array_types import FloatArray
from fomm_engine.face.flow import FlowSettings, FlowSteadier
from fomm_engine.face.look import FrameFace
from fomm_engine.video.reader import VideoReader

from .track_quality import LIDS, blink_depths, gap, track_of
from .tracked_clips import figures

SHARES = (0.0, 0.3, 0.5, 0.7)


def refined(video: Path, track: dict[str, FloatArray], share: float) -> tuple[FloatArray, float]:
    """((T, 70, 2) points mixed with the flow's opinion, usual seconds a frame)."""
    steadier, result, spent = FlowSteadier(FlowSettings(share=share)), track["points"].copy(), list[float]()
    for frame in VideoReader(video):
        points, sigma = track["points"][frame.index], track["sigma"][frame.index]
        if not np.isfinite(points).all():
            steadier.forget()
            continue
        begin = time.process_time()
        result[frame.index] = steadier.steadied(frame.image, FrameFace(points, sigma, np.eye(3), 0.0)).points_px
        spent.append(time.process_time() - begin)
    return result, float(np.median(spent))


def main(arguments: list[str]) -> None:
    """Nothing; prints the comparison."""
    for name in arguments[1:]:
        video = Path(arguments[0]) / f"{name}.mp4"
        track = track_of(video)
        with np.load(video.with_name(f"{name}.gt.npz")) as archive:
            truth = archive["landmarks68"].astype(float)
        for share in SHARES:
            mixed, seconds = refined(video, track, share)
            scores = figures(video, mixed)
            seen = np.isfinite(mixed[:, 0, 0])
            depths = np.round(blink_depths(gap(mixed[seen], LIDS), gap(truth[seen], LIDS)), 2).tolist()
            row = f"error {scores['nme']:.2f} %, jitter {scores['jitter']:.2f} %, blinks closed by {depths}"
            sys.stdout.write(f"{name:9s} share {share:.1f}: {row}, {1000 * seconds:.1f} ms\n")


if __name__ == "__main__":
    main(sys.argv[1:])
