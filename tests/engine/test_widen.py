# SPDX-License-Identifier: GPL-3.0-or-later
"""A film made 1920x1080: every frame at its time, the picture in the middle, the sound as it was."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from fomm_engine.jobs.widen import run
from fomm_engine.stdio import CancelFlag, EventSink, Reporter
from fomm_engine.video.ffmpeg import ffmpeg_path
from fomm_engine.video.probe import probe
from fomm_engine.video.reader import VideoReader
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job


class Quiet(EventSink):
    """A sink that says nothing."""

    def __init__(self) -> None:
        pass

    def emit(self, kind: str, **fields: object) -> None:
        """Nothing."""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    picture = ["-f", "lavfi", "-i", "color=red:s=64x64:r=30000/1001:d=0.2", "-f", "lavfi", "-i", "sine=d=0.2"]
    command = [ffmpeg_path(), "-y", "-loglevel", "error", *picture, "-c:a", "aac", str(path)]
    subprocess.run(command, check=True)
    return path


def widened(film: Path, output: Path) -> Path:
    return run(Job("widen", {"film": str(film)}, str(output)), Reporter(Quiet(), CancelFlag()))


def test_a_square_film_stands_in_the_middle_of_1080_lines_with_its_sound(film: Path, tmp_path: Path) -> None:
    info = probe(widened(film, tmp_path / "wide.mp4"))
    assert (info.width, info.height, info.frame_rate) == (1920, 1080, (30000, 1001))
    assert (info.has_audio, info.audio_codec) == (True, "aac")
    with VideoReader(film) as before, VideoReader(tmp_path / "wide.mp4") as after:
        old, new = list(before), list(after)
    assert [frame.time_s for frame in new] == pytest.approx([frame.time_s for frame in old], abs=1e-3)
    columns = np.flatnonzero(new[0].image[540, :, 0] > 128)
    assert (columns.min(), columns.max()) == pytest.approx((420, 1499), abs=2)
    assert (new[0].image[0, 960, 0] > 128) and (new[0].image[1079, 960, 0] > 128)


def test_a_film_does_not_replace_itself(film: Path) -> None:
    with pytest.raises(UserError, match="is the film itself"):
        widened(film, film)
    assert probe(film).width == 64
