# SPDX-License-Identifier: GPL-3.0-or-later
"""The peak memory of the animate job, for a short and for a long driving video: it must not grow with the video."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fomm_engine.bench.reference import random_networks
from fomm_engine.model.config import GeneratorSettings, HourglassSettings, KeypointSettings, ModelConfig, MotionSettings
from fomm_engine.model.weights import save_networks
from fomm_engine.models.folder import VARIABLE
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, write_job

# Small networks on small pictures: what a frame leaves behind is counted, not what the networks weigh.
TINY = ModelConfig(
    "tiny",
    image_size=64,
    keypoint_detector=KeypointSettings(HourglassSettings(2, 8, 2)),
    dense_motion=MotionSettings(HourglassSettings(2, 8, 2)),
    generator=GeneratorSettings(4, 8, 2, 1),
)
# A process starts with the peak of the one that it was forked from: this small one stands between.
LAUNCHER = """
import pathlib, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
pathlib.Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
WHOLE = {"source_crop": "whole", "driving_crop": "whole", "size": 64}


@dataclass(frozen=True)
class MemorySettings:
    """frames of the driving videos; options of the animate jobs."""

    frames: tuple[int, ...] = (300, 3000)


def peak_memory(settings: MemorySettings) -> dict[str, float]:
    """{"peak_300_mb": ..., ...}: the largest resident set of a process that runs the job, for each length, in MiB.

    Raises UserError "bench-failed" where a job does not end well.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_networks(random_networks(2, TINY), folder / "tiny.safetensors")
        return {f"peak_{frames}_mb": _peak_mb(folder, frames) for frames in settings.frames}


def _peak_mb(folder: Path, frames: int) -> float:
    driving, output = folder / f"driving_{frames}.mp4", folder / f"film_{frames}.mp4"
    _write_video(driving, frames)
    inputs = {"source": str(driving), "driving": str(driving)}
    job = Job("animate", inputs, str(output), WHOLE, str(folder / "tiny.safetensors"))
    write_job(job, folder / "job.json")
    engine = [sys.executable, "-m", "fomm_engine", "run", str(folder / "job.json"), "--events"]
    command = [sys.executable, "-c", LAUNCHER, str(folder / "peak"), *engine]
    environment = {**os.environ, VARIABLE: str(folder / "cache")}
    with (folder / "events").open("wb") as events:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=events, env=environment)
        code = child.wait()  # with its stdin left open: the end of that would cancel the job
        if child.stdin is not None:
            child.stdin.close()
    if code != 0:
        last = (folder / "events").read_text(encoding="utf-8").strip().splitlines()[-1:]
        raise UserError("bench-failed", f"The animate job of {frames} frames failed: {''.join(last)[:300]}")
    return float((folder / "peak").read_text()) / (1024**2 if sys.platform == "darwin" else 1024)


def _write_video(path: Path, frames: int) -> None:
    """A bright square that goes round on grey."""
    with VideoWriter(path, (64, 64), frame_rate=(30, 1)) as writer:
        for index in range(frames):
            image = np.full((64, 64, 3), 90, np.uint8)
            angle_rad = index / 10
            x, y = round(28 + 12 * np.cos(angle_rad)), round(28 + 12 * np.sin(angle_rad))
            image[y : y + 8, x : x + 8] = 230
            writer.write(image, index / 30)
