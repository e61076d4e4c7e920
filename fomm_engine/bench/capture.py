# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a face is captured on one core at 640x480: decoding alone, the net alone, the whole, and loading."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from fomm_engine.face import weights
from fomm_engine.face.default_tracker import default_tracker
from fomm_engine.face.detect import image_tensor
from fomm_engine.face.fast_landmarks import fast_landmark_net
from fomm_engine.face.fast_regions import fast_region_nets
from fomm_engine.face.nets import LANDMARK_INPUT_SIZE
from fomm_engine.face.packed import has_bfloat16
from fomm_engine.face.recording import Recorder
from fomm_engine.face.regions import EYE_PATCH_PX, MOUTH_PATCH_PX
from fomm_engine.face.take import solved_take
from fomm_engine.face.tracker import FaceTracker
from fomm_engine.video.reader import VideoReader
from fomm_engine.video.writer import VideoWriter

Image = npt.NDArray[Any]
PERFORMANCE = Path(__file__).resolve().parents[2] / "rigs" / "performances" / "monologue.mp4"
SIZE = (640, 480)
NET_ROUNDS = 60
GOAL_PER_S = 120.0
PEER_PER_S = (250.0, 350.0)  # MediaPipe's whole tracker on such a core, as measured elsewhere


@dataclass(frozen=True)
class CaptureBenchSettings:
    """frames: of the video that is tracked. video: None: the project's own performance, at 640x480."""

    frames: int = 150
    video: Path | None = None


def measure_capture(settings: CaptureBenchSettings | None = None) -> dict[str, Any]:
    """{"capture": {part: {"ms", "per_s"}}, "load_s", ...}: processor time of one thread, medians over frames.

    `decode` is ffmpeg's (it runs beside the engine, on another core where there is one), `read` what the engine spends
    on receiving a frame, `track` all that is done with a frame, `net` the landmark net's share of that, `close` that of
    the nets for eyes and mouth (where there are any), `solve` the whole-take solve's share of a frame. `whole` = read +
    track + solve; `one core` adds decode.
    """
    settings = settings or CaptureBenchSettings()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    begin = time.process_time()
    tracker = default_tracker()
    prior, regressor = weights.load_face_prior(), weights.load_arkit_regressor()
    load_s = time.process_time() - begin
    with tempfile.TemporaryDirectory() as folder:
        video = settings.video or _enlarged(Path(folder) / "face.mp4", settings.frames)
        images, parts = _decoded(video, settings.frames)
    recorder, parts["track"] = _tracked(images, tracker)
    parts.update(_nets_alone())
    begin = time.process_time()
    recording = recorder.recording()
    size = images[0].shape[1], images[0].shape[0]
    solved_take(recording, size, prior, regressor, None, lambda _done, _total: None)
    parts["solve"] = (time.process_time() - begin) / len(images)
    parts["whole"] = parts["read"] + parts["track"] + parts["solve"]
    parts["one core"] = parts["whole"] + parts["decode"]
    return {
        "capture": {name: {"ms": 1000 * seconds, "per_s": 1 / max(seconds, 1e-9)} for name, seconds in parts.items()},
        "load_s": load_s,
        "lost": int((~recording.valid).sum()),
        "frames": len(images),
        "size": list(size),
        "precision": "bfloat16" if has_bfloat16() else "float32",
        "goal_per_s": GOAL_PER_S,
        "peer_per_s": list(PEER_PER_S),
    }


def capture_table(report: dict[str, Any]) -> str:
    """The figures for people."""
    width, height = report["size"]
    rows = [f"{report['frames']} frames of {width}x{height}, one thread, {report['precision']} convolutions"]
    whole = report["capture"]["whole"]["ms"]
    for name, part in report["capture"].items():
        rows.append(f"{name:9}{part['ms']:8.2f} ms {part['per_s']:8.0f} a second {part['ms'] / whole:6.2f} of whole")
    speed, peer = report["capture"]["whole"]["per_s"], report["peer_per_s"]
    share = f"{speed / peer[1]:.2f} to {speed / peer[0]:.2f}"
    rows.append(f"goal {report['goal_per_s']:.0f} a second; {share} of MediaPipe's speed")
    rows.append(f"weights loaded in {report['load_s']:.2f} s; frames lost: {report['lost']}")
    return "\n".join(rows) + "\n"


def _enlarged(video: Path, count: int) -> Path:
    """The project's performance as a 640x480 video, the wall continued to both sides."""
    with VideoReader(PERFORMANCE) as reader, VideoWriter(video, SIZE, frame_rate=reader.info.frame_rate) as writer:
        side = SIZE[1]
        margin = (SIZE[0] - side) // 2
        for frame in reader:
            if frame.index == count:
                break
            picture = cv2.resize(frame.image, (side, side), interpolation=cv2.INTER_CUBIC)
            writer.write(np.pad(np.asarray(picture, np.uint8), ((0, 0), (margin, margin), (0, 0)), mode="edge"))
    return video


def _decoded(video: Path, count: int) -> tuple[list[Image], dict[str, float]]:
    """The first frames, and the seconds a frame of ffmpeg and of the engine that reads from it."""
    own, children = time.process_time(), _children_s()
    images: list[Image] = []
    with VideoReader(video) as reader:
        own, children = time.process_time(), _children_s()  # after the probe
        for frame in reader:
            images.append(frame.image)
            if len(images) == count:
                break
    frames = len(images)
    return images, {"decode": (_children_s() - children) / frames, "read": (time.process_time() - own) / frames}


def _children_s() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def _tracked(images: list[Image], tracker: FaceTracker) -> tuple[Recorder, float]:
    recorder, seconds = Recorder(), list[float]()
    for index, image in enumerate(images):
        begin = time.process_time()
        recorder.add(index / 30, tracker.track(image))
        seconds.append(time.process_time() - begin)
    return recorder, _usual(seconds)


def _nets_alone() -> dict[str, float]:
    """Seconds of the nets as the tracker calls them in a frame."""
    net, regions = fast_landmark_net(weights.load_landmark_net()), weights.load_region_nets()
    face = _grey(2 if regions is None else 1, LANDMARK_INPUT_SIZE)  # as the tracker's default
    parts = {"net": _alone(lambda: net(face))}
    if regions is not None:
        close, eyes, mouth = fast_region_nets(regions), _grey(2, EYE_PATCH_PX), _grey(1, MOUTH_PATCH_PX)
        parts["close"] = _alone(lambda: close(eyes, mouth))
    return parts


def _grey(count: int, side_px: int) -> torch.Tensor:
    return image_tensor([np.full((side_px, side_px, 3), 90, np.uint8)] * count)


def _alone(look: Callable[[], object]) -> float:
    seconds: list[float] = []
    with torch.inference_mode():
        for _ in range(NET_ROUNDS):
            begin = time.process_time()
            look()
            seconds.append(time.process_time() - begin)
    return _usual(seconds)


def _usual(seconds: list[float]) -> float:
    """The median after the first frame, which looks for the face in the whole picture."""
    return median(seconds[1:] or seconds)
