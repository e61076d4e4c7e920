# SPDX-License-Identifier: GPL-3.0-or-later
"""The animate job: frames, times and sound of the driving video are kept, with a checkpoint and as a preview."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from fomm_engine.jobs import animate
from fomm_engine.model.config import GeneratorSettings, HourglassSettings, KeypointSettings, ModelConfig
from fomm_engine.model.config import MotionSettings as NetworkMotion
from fomm_engine.model.generator import Generator
from fomm_engine.model.keypoints import KPDetector
from fomm_engine.model.weights import Networks, save_networks
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.video.ffmpeg import ffmpeg_path
from fomm_engine.video.reader import Frame, VideoReader, probe
from fomm_engine.wire.capture import Capture, write_capture
from fomm_engine.wire.errors import Cancelled, UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.names import KEYPOINTS, MODELS, TRACKS

SIDE = 64
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
SMALL = ModelConfig(
    "small",
    keypoint_detector=KeypointSettings(HourglassSettings(4, 16, 3)),
    dense_motion=NetworkMotion(HourglassSettings(4, 16, 3)),
    generator=GeneratorSettings(4, 16, 2, 1),
)
DRIVINGS: dict[str, list[str]] = {
    "film": ["testsrc=s=160x120:r=24000/1001:d=0.4"],
    "ntsc with sound": ["testsrc=s=160x120:r=30000/1001:d=0.4", "-f", "lavfi", "-i", "sine=d=0.4", "-c:a", "aac"],
    "fast": ["testsrc=s=160x120:r=60:d=0.2"],
    "uneven": ["testsrc=s=160x120:r=25:d=2", "-vf", "select='lt(n,4)+not(mod(n,9))'", "-fps_mode", "passthrough"],
    "odd": ["testsrc=s=101x75:r=25:d=0.2", "-vf", "crop=101:75:exact=1,format=yuv444p"],
    "one frame": ["testsrc=s=64x64:r=25", "-frames:v", "1"],
}


class Ears:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []

    def emit(self, kind: str, **fields: Any) -> None:
        self.heard.append((kind, fields))


def make(path: Path, *arguments: str) -> Path:
    command = [ffmpeg_path(), "-y", "-loglevel", "error", "-f", "lavfi", "-i", *arguments, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def driving(folder: Path, kind: str) -> Path:
    extra = [] if kind == "odd" else ["-pix_fmt", "yuv420p"]
    return make(folder / "driving.mp4", *DRIVINGS[kind], "-c:v", "libx264", *extra)


def frames_of(path: Path) -> list[Frame]:
    with VideoReader(path) as reader:
        return list(reader)


def sound_hash(path: Path) -> str:
    command = [ffmpeg_path(), "-loglevel", "error", "-i", str(path), "-map", "0:a:0", "-c", "copy", "-f", "data", "-"]
    return hashlib.sha256(subprocess.run(command, check=True, capture_output=True).stdout).hexdigest()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    torch.manual_seed(11)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_networks(Networks(SMALL, Generator(SMALL), KPDetector(SMALL)), path)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    cv2.imwrite(str(tmp_path / "source.png"), cv2.resize(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8), (200, 160)))
    return tmp_path / "source.png"


def job(source: Path, video: Path, weights: Path | str, **options: Any) -> Job:
    inputs = {"source": str(source), "driving": str(video)}
    return Job("animate", inputs, str(video.with_name("out.mp4")), {"size": SIDE, **options}, str(weights))


def reporter() -> Reporter:
    return Reporter(Ears(), CancelFlag())


@pytest.mark.parametrize("kind", DRIVINGS)
def test_frames_times_and_sound_are_the_driving_videos(
    tmp_path: Path, source: Path, checkpoint: Path, kind: str
) -> None:
    video = driving(tmp_path, kind)
    out = animate.run(job(source, video, checkpoint), reporter())
    before, after = frames_of(video), frames_of(out)
    assert len(after) == len(before)
    assert [frame.time_s for frame in after] == pytest.approx([frame.time_s for frame in before], abs=1e-6)
    assert after[0].image.shape == (SIDE, SIDE, 3)
    if kind != "uneven":
        assert probe(out).frame_rate == probe(video).frame_rate
    assert probe(out).has_audio == ("sound" in kind)
    if "sound" in kind:
        assert sound_hash(out) == sound_hash(video)


def test_options_reach_the_network(tmp_path: Path, source: Path, checkpoint: Path) -> None:
    video = driving(tmp_path, "film")
    pictures: list[np.ndarray] = []
    for options in ({}, {"align_corners": False}, {"relative": False}):
        animate.run(job(source, video, checkpoint, **options), reporter())
        pictures.append(frames_of(tmp_path / "out.mp4")[-1].image.astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() > 3
    assert np.abs(pictures[0] - pictures[2]).max() > 3


def test_cancelling_leaves_nothing_behind(tmp_path: Path, source: Path, checkpoint: Path) -> None:
    video = driving(tmp_path, "film")
    flag = CancelFlag()

    class Stopper(Ears):
        def emit(self, kind: str, **fields: Any) -> None:
            if kind == "progress" and fields["stage"] == "animate":
                flag.set()

    with pytest.raises(Cancelled):
        animate.run(job(source, video, checkpoint), Reporter(Stopper(), flag))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["driving.mp4", "source.png"]


def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path: Path, source: Path, checkpoint: Path) -> None:
    video = driving(tmp_path, "one frame")
    good = job(source, video, checkpoint)
    wrong = {
        "bad-option": job(source, video, checkpoint, size=63),
        "unknown-option": job(source, video, checkpoint, best=1),
        "picture-missing": job(tmp_path / "gone.png", video, checkpoint),
        "video-missing": job(source, tmp_path / "gone.mp4", checkpoint),
        "video-unreadable": job(source, source.with_name("text.mp4"), checkpoint),
        "weights-missing": job(source, video, tmp_path / "gone.pth.tar"),
        "output-is-input": Job("animate", good.input, str(video), good.options, good.weights),
        "no-driving": Job("animate", {"source": str(source)}, good.output, good.options, good.weights),
    }
    (tmp_path / "text.mp4").write_text("hello")
    for code, asked in wrong.items():
        with pytest.raises(UserError) as caught:
            animate.run(asked, reporter())
        assert caught.value.code == code
    assert not (tmp_path / "out.mp4").exists()
    assert frames_of(video)


def take_of(path: Path, values: np.ndarray, valid: np.ndarray) -> Path:
    """A take whose keypoints are `values` (T,10,2), all else at rest; Jacobians are the unit matrix."""
    count = len(values)
    tracks = {name: np.zeros((count, *shape), np.float32) for name, shape in TRACKS.items()}
    tracks["fomm_value"] = values.astype(np.float32)
    tracks["fomm_jacobian"][:] = np.eye(2)
    tracks["head_rotation"][:] = np.eye(3)
    models = {name: np.zeros(shape, np.float32) for name, shape in MODELS.items()}
    header = {"neutral": {"frame": 0, "reason": "made so"}, "crop": {"x": 32, "y": 32, "size": 64}}
    write_capture(Capture(header, np.arange(count) * 1001 / 30000, valid, tracks, models), path)
    return path


@pytest.mark.filterwarnings("ignore:__array_wrap__")  # numpy on a tensor, in the face finder
def test_the_default_weights_show_a_preview(tmp_path: Path, shared_data: Path) -> None:
    """A real portrait nods: it moves by as much, says that it is a preview, and keeps the clip's frames and sound."""
    video = driving(tmp_path, "ntsc with sound")
    count = len(frames_of(video))
    rest = np.random.default_rng(3).uniform(-0.4, 0.4, (len(KEYPOINTS), 2))
    shift = np.linspace(0, 0.15, count)
    values = rest + np.stack([shift, 0 * shift], -1)[:, None]
    valid = np.arange(count) != 5
    values[5] = 0
    asked = job(shared_data / "portraits" / "00.png", video, "default", adapt_scale=False, size=128)
    asked.input["take"] = str(take_of(tmp_path / "t.capture.npz", values, valid))
    ears = Ears()
    out = animate.run(asked, Reporter(ears, CancelFlag()))
    assert [fields["code"] for kind, fields in ears.heard if kind == "warn"] == ["preview"]
    images = [frame.image.astype(np.float32).mean(2) for frame in frames_of(out)]
    assert len(images) == count
    assert probe(out).frame_rate == (30000, 1001)
    assert sound_hash(out) == sound_hash(video)
    middle = (slice(40, 90), slice(40, 90))
    moved = [cv2.phaseCorrelate(images[0][middle], image[middle])[0][0] for image in images]
    assert moved == pytest.approx(shift * 64, abs=1.5)
    lost = np.abs(images[5] - (images[4] + images[6]) / 2).mean()
    assert lost < 6  # the frame without a face lies between its neighbours
