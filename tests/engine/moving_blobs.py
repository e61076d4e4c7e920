# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny set of clips to train on: coloured blobs that move over a plain wall."""

from pathlib import Path

import cv2
import numpy as np

from fomm_engine.video.writer import VideoWriter


def blob_frames(seed: int, side: int = 32, count: int = 6) -> list[np.ndarray]:
    """(side,side,3) pictures of one blob with an eye, of colours and a path of its own."""
    rng = np.random.default_rng(seed)
    wall, body = rng.integers(20, 90, 3), rng.integers(130, 250, 3)
    start, way = rng.uniform(0.35, 0.65, 2), rng.uniform(-0.2, 0.2, 2)
    frames = []
    for index in range(count):
        image = np.full((side, side, 3), wall, np.uint8)
        x, y = (start + way * index / count) * side
        cv2.ellipse(image, ((float(x), float(y)), (side * 0.4, side * 0.3), 20.0 * index), body.tolist(), -1)
        cv2.circle(image, (round(float(x)), round(float(y))), 2, (10, 10, 10), -1)
        frames.append(image)
    return frames


def write_blobs(folder: Path, clips: int = 5) -> Path:
    """`folder` with videos and, last, a folder of frames."""
    folder.mkdir(parents=True)
    for number in range(clips - 1):
        with VideoWriter(folder / f"who{number // 2}#{number}.mp4", (32, 32), frame_rate=(10, 1)) as writer:
            for frame in blob_frames(number):
                writer.write(frame)
    (folder / "frames").mkdir()
    for index, frame in enumerate(blob_frames(clips)):
        cv2.imwrite(str(folder / "frames" / f"{index}.png"), frame[..., ::-1])
    return folder
