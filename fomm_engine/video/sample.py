# SPDX-License-Identifier: GPL-3.0-or-later
"""A few pictures from all over a video, without reading what lies between."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fomm_engine.video.ffmpeg import input_arguments, start, stop
from fomm_engine.video.probe import VideoInfo

Image = NDArray[np.uint8]


def sampled_pictures(
    path: Path, info: VideoInfo, count: int, part_s: tuple[float, float | None] = (0.0, None)
) -> Iterator[Image]:
    """Up to `count` pictures (H,W,3) uint8 RGB, upright, near evenly spaced times of the part (start, end) of `path`.

    Takes key frames, which decode alone: quick in a video of any length, and no matter if they are not quite in place.
    """
    start_s, end_s = part_s
    length_s = max((info.duration_s if end_s is None else min(end_s, info.duration_s)) - start_s, 0.0)
    for number in range(count):
        picture = _picture_near(path, info, start_s + length_s * number / count)
        if picture is not None:
            yield picture


def _picture_near(path: Path, info: VideoInfo, time_s: float) -> Image | None:
    seek = ["-noaccurate_seek", "-ss", f"{time_s:.3f}", "-skip_frame", "nokey", *input_arguments(path)]
    shape = f"scale={info.width}:{info.height},format=rgb24"
    process = start(
        ["-loglevel", "quiet", *seek, "-map", "0:v:0", "-frames:v", "1", "-vf", shape, "-f", "rawvideo", "pipe:1"]
    )
    try:
        raw, _ = process.communicate()
    finally:
        stop(process)
    if len(raw) != info.width * info.height * 3:
        return None
    return np.frombuffer(raw, np.uint8).reshape(info.height, info.width, 3)
