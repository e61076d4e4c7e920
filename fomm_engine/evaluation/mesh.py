# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip's mesh figures from end to end: its take and a still one put on the character in Blender, then measured."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fomm_engine.evaluation.clips import DEFAULT_CHARACTER
from fomm_engine.evaluation.mesh_figures import jitter_percent, mesh_figures, truth_motion
from fomm_engine.evaluation.studio import run_program
from fomm_engine.jobs.capture import run as capture
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.video.reader import VideoReader
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.archive import read_arrays
from fomm_engine.wire.job import Job

PROGRAM = "fomm_engine.evaluation.in_blender.mesh_study"
STILL_FRAMES = 45
CAMERA_NOISE = 2.5  # standard deviation of a pixel's value, of 255: a phone indoors
SEED = 11
TRUTH_KEYS = ("landmarks68_cam", "head_t", "weights")


def has_mesh_truth(truth: Path) -> bool:
    """Whether a clip's truth holds the 3D landmarks that mesh figures need."""
    if not truth.is_file():
        return False
    with np.load(truth, allow_pickle=False) as archive:
        return set(TRUTH_KEYS) <= set(archive.files)


def names_landmarks(character: str | None) -> bool:
    """Whether the character is the project's own, whose builder says which vertices the landmarks are."""
    return character in (None, DEFAULT_CHARACTER)


def study(video: Path, take: Path, character: Path, *, python: Path, folder: Path) -> dict[str, Any]:
    """The mesh figures of a clip (see `mesh_figures`), and `still_jitter_percent` of one frame repeated with noise.

    character: a builder whose mesh names its landmark vertices; python: one that can import bpy. Raises UserError where
    Blender or the capture ends without a result.
    """
    still = _still_take(video, folder)
    job, out = folder / "study.json", folder / "study.npz"
    takes = {"clip": str(take), "still": str(still)}
    job.write_text(
        json.dumps({"character": str(character), "engine_python": sys.executable, "takes": takes}), encoding="ascii"
    )
    run_program(PROGRAM, [str(job), str(out)], python)
    arrays = read_arrays(out)
    points = {name.partition(".")[2]: value for name, value in arrays.items() if name.startswith("clip.")}
    time_s = points.pop("time_s")
    figures = mesh_figures(truth_motion(video.with_name(video.stem + ".gt.npz")), arrays["rest"], points, time_s)
    return figures | {"still_jitter_percent": jitter_percent(arrays["still.measured"])}


def _still_take(video: Path, folder: Path) -> Path:
    """The capture of the clip's first frame, repeated with a camera's noise."""
    with VideoReader(video) as reader:
        first = next(iter(reader)).image
        rate = reader.info.frame_rate
    noise, path = np.random.default_rng(SEED), folder / "still.mp4"
    with VideoWriter(path, (first.shape[1], first.shape[0]), frame_rate=rate) as writer:
        for _ in range(STILL_FRAMES):
            noisy = first + noise.normal(0.0, CAMERA_NOISE, first.shape)
            writer.write(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    take = folder / "still.capture.npz"
    return capture(Job("capture", {"video": str(path)}, str(take)), Reporter(_Quiet(), CancelFlag()))


class _Quiet:
    """Hears a job's events and keeps them to itself."""

    def emit(self, kind: str, **fields: Any) -> None:
        """Nothing."""
