# SPDX-License-Identifier: GPL-3.0-or-later
"""A killed animation goes on where it was and ends with the same film, byte for byte in its frames."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from fomm_engine.animate.driving import CHUNK
from fomm_engine.animate.parts import Parts
from fomm_engine.bench.reference import random_networks
from fomm_engine.model.config import GeneratorSettings, HourglassSettings, KeypointSettings, ModelConfig
from fomm_engine.model.config import MotionSettings as NetworkMotion
from fomm_engine.model.weights import save_networks
from fomm_engine.video.ffmpeg import ffmpeg_path
from fomm_engine.wire.job import Job, write_job
from fomm_engine.wire.motion_tracks import read_motion

FRAMES = 2 * CHUNK + 12
SMALL = ModelConfig(
    "small",
    image_size=64,
    keypoint_detector=KeypointSettings(HourglassSettings(4, 16, 2)),
    dense_motion=NetworkMotion(HourglassSettings(4, 16, 2)),
    generator=GeneratorSettings(4, 16, 2, 1),
)


def frame_hashes(film: Path) -> str:
    """A hash of every decoded frame with its time, and of the sound's packets."""
    video = [ffmpeg_path(), "-loglevel", "error", "-i", str(film), "-map", "0:v", "-f", "framehash", "-"]
    sound = [ffmpeg_path(), "-loglevel", "error", "-i", str(film), "-map", "0:a", "-c", "copy", "-f", "framehash", "-"]
    said = [subprocess.run(command, check=True, capture_output=True).stdout for command in (video, sound)]
    return hashlib.sha256(b"".join(said)).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with source, driving video of uneven times with sound, weights and a job; and its film, `whole.mp4`."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("resume")
    save_networks(random_networks(5, SMALL), folder / "small.safetensors")
    noise = np.random.default_rng(2).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "source.png"), cv2.resize(noise, (200, 160)))
    picture = ["-f", "lavfi", "-i", f"testsrc=s=96x64:r=25:d={FRAMES / 20}", "-f", "lavfi", "-i", "sine=d=2"]
    uneven = ["-vf", f"select='lt(n,20)+mod(n,7)',trim=end_frame={FRAMES}", "-fps_mode", "passthrough"]
    encode = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", str(folder / "driving.mp4")]
    subprocess.run([ffmpeg_path(), "-loglevel", "error", *picture, *uneven, *encode], check=True)
    run(folder, folder / "whole.mp4")
    return folder


def job_for(folder: Path, output: Path) -> Path:
    options = {"size": 64, "source_crop": "whole", "driving_crop": "follow", "keypoints": True, "format": "both"}
    inputs = {"source": str(folder / "source.png"), "driving": str(folder / "driving.mp4")}
    path = output.with_suffix(".json")
    write_job(Job("animate", inputs, str(output), options, str(folder / "small.safetensors")), path)
    return path


def start(folder: Path, output: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "fomm_engine", "run", str(job_for(folder, output)), "--events"]
    # What was found to be fastest is remembered there: every run here paints in the same way, and none tries again.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "UNDERSTUDY_MODELS": str(folder / "models")}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def run(folder: Path, output: Path) -> list[dict[str, object]]:
    """All events of a run that is left alone."""
    with start(folder, output) as process:
        assert process.stdout is not None
        events = [json.loads(line) for line in process.stdout]
    assert events[-1]["type"] == "done", events[-1]
    return events


def kill_at(folder: Path, output: Path, frames: int, how: int = signal.SIGKILL) -> None:
    """Start the job and kill it once it has told of so many frames."""
    with start(folder, output) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "progress" and event["stage"] == "animate" and event["current"] >= frames:
                break
        if how == signal.SIGKILL:
            process.send_signal(how)
        else:
            assert process.stdin is not None
            process.stdin.close()  # what a host that dies does
        process.stdout.read()


@pytest.mark.parametrize("frames", [0, CHUNK + 5, FRAMES])
def test_killed_and_run_again_it_ends_with_the_same_film(made: Path, tmp_path: Path, frames: int) -> None:
    output = tmp_path / "film.mp4"
    kill_at(made, output, frames)
    assert not output.exists() or frames == FRAMES
    events = run(made, output)
    assert frame_hashes(output) == frame_hashes(made / "whole.mp4")
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4", "film.json", "film.motion.npz", "film_frames"}
    logs = [str(event["message"]) for event in events if event["type"] == "log"]
    if frames < FRAMES:  # at the last frame it may be done, or not
        assert any("Going on after" in line for line in logs) == (frames > CHUNK)
    mine, whole = read_motion(tmp_path / "film.motion.npz"), read_motion(made / "whole.motion.npz")
    assert all((mine.tracks[name] == whole.tracks[name]).all() for name in whole.tracks)
    for number in (0, CHUNK, FRAMES - 1):
        name = f"{number:06d}.png"
        assert (tmp_path / "film_frames" / name).read_bytes() == (made / "whole_frames" / name).read_bytes()


def test_killed_twice_and_by_a_host_that_dies(made: Path, tmp_path: Path) -> None:
    output = tmp_path / "film.mp4"
    kill_at(made, output, CHUNK + 3)
    kill_at(made, output, 2 * CHUNK + 3, how=0)
    run(made, output)
    assert frame_hashes(output) == frame_hashes(made / "whole.mp4")


def test_a_damaged_part_is_made_again(made: Path, tmp_path: Path) -> None:
    output = tmp_path / "film.mp4"
    kill_at(made, output, 2 * CHUNK + 3)
    chunks = sorted((tmp_path / "film.mp4.parts").glob("film-000/chunk-*.npz"))
    chunks[-1].write_bytes(chunks[-1].read_bytes()[:1000])
    events = run(made, output)
    assert frame_hashes(output) == frame_hashes(made / "whole.mp4")
    assert any(f"Going on after {CHUNK} frames" in str(event.get("message")) for event in events)


def test_parts_of_other_inputs_are_not_used(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "parts", {"source": [1, 2]})
    parts.remember("initial", {"frame": 3})
    assert Parts(tmp_path / "parts", {"source": [1, 2]}).recall("initial") == {"frame": 3}
    assert Parts(tmp_path / "parts", {"source": [1, 3]}).recall("initial") is None
