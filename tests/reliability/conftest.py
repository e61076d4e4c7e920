# SPDX-License-Identifier: GPL-3.0-or-later
"""A short video of the project's own performance, and the take that an undisturbed capture makes of it."""

import shutil
from itertools import islice
from pathlib import Path

import pytest
import torch

from fomm_engine.video.reader import VideoReader
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.job import Job
from tests.reliability.engines import forked, last_of

FRAMES, SIDE = 12, 160


def capture_job(video: Path, output: Path, **options: object) -> Job:
    """A capture with a checkpoint after every frame."""
    return Job("capture", {"video": str(video)}, str(output), {"checkpoint_s": 0.0, **options})


@pytest.fixture(scope="session")
def clip(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen frames, 160 px a side."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoReader(project_root / "rigs" / "performances" / "monologue.mp4", max_side=SIDE) as reader:
        pictures = [frame.image for frame in islice(reader, FRAMES)]
    with VideoWriter(path, (SIDE, SIDE), frame_rate=(30000, 1001)) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


@pytest.fixture(scope="session")
def undisturbed(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The take of the clip, as a file's content: captures that were disturbed must end with the same."""
    output = tmp_path_factory.mktemp("undisturbed") / "whole.capture.npz"
    engine = forked(capture_job(clip, output), output.parent)
    assert last_of(engine.finish())["status"] == "ok"
    return output.read_bytes()


@pytest.fixture
def video(clip: Path, tmp_path: Path) -> Path:
    """A copy of the clip that a test may do anything to."""
    return Path(shutil.copyfile(clip, tmp_path / "performance.mp4"))
