# SPDX-License-Identifier: GPL-3.0-or-later
"""The animate job: frames, times and sound of the driving video are kept, with a checkpoint and as a preview."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from fomm_engine.bench.reference import random_networks
from fomm_engine.jobs import animate
from fomm_engine.model.config import GeneratorSettings, HourglassSettings, KeypointSettings, ModelConfig
from fomm_engine.model.config import MotionSettings as NetworkMotion
from fomm_engine.model.weights import save_networks
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.video.ffmpeg import ffmpeg_path
from fomm_engine.video.reader import Frame, VideoReader, probe
from fomm_engine.wire.capture import Capture, write_capture
from fomm_engine.wire.errors import Cancelled, UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.motion_tracks import read_motion
from fomm_engine.wire.names import KEYPOINTS, MODELS, TRACKS

SIDE = 64
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
# So small that a frame costs milliseconds; the real one differs in width alone.
SMALL = ModelConfig(
    "small",
    image_size=SIDE,
    keypoint_detector=KeypointSettings(HourglassSettings(4, 16, 2)),
    dense_motion=NetworkMotion(HourglassSettings(4, 16, 2)),
    generator=GeneratorSettings(4, 16, 2, 1),
)
WHOLE = {"source_crop": "whole", "driving_crop": "whole"}  # nobody looks for faces in test patterns
DRIVINGS: dict[str, list[str]] = {
    "film": ["testsrc=s=160x120:r=24000/1001:d=0.4"],
    "ntsc with sound": ["testsrc=s=160x120:r=30000/1001:d=0.4", "-f", "lavfi", "-i", "sine=d=0.4", "-c:a", "aac"],
    "fast": ["testsrc=s=160x120:r=60:d=0.2"],
    "uneven": ["testsrc=s=160x120:r=25:d=2", "-vf", "select='lt(n,4)+not(mod(n,9))'", "-fps_mode", "passthrough"],
    "odd": ["testsrc=s=101x75:r=25:d=0.2", "-vf", "crop=101:75:exact=1,format=yuv444p"],
    "rotated": ["testsrc=s=160x120:r=25:d=0.2"],
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
    if kind == "rotated":
        flat = make(folder / "driving.mp4", *DRIVINGS[kind], *H264).rename(folder / "flat.mp4")
        turn = ["-y", "-loglevel", "error", "-display_rotation", "90", "-i", str(flat), "-c", "copy"]
        subprocess.run([ffmpeg_path(), *turn, str(folder / "driving.mp4")], check=True, stdin=subprocess.DEVNULL)
        return folder / "driving.mp4"
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
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_networks(random_networks(11, SMALL), path)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    cv2.imwrite(str(tmp_path / "source.png"), cv2.resize(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8), (200, 160)))
    return tmp_path / "source.png"


def job(source: Path, video: Path, weights: Path | str, **options: Any) -> Job:
    inputs = {"source": str(source), "driving": str(video)}
    return Job("animate", inputs, str(video.with_name("out.mp4")), {"size": SIDE, **WHOLE, **options}, str(weights))


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
    for options in ({}, {"align_corners": False}, {"relative": False}, {"best_frame": 5}):
        animate.run(job(source, video, checkpoint, **options), reporter())
        pictures.append(frames_of(tmp_path / "out.mp4")[-1].image.astype(int))
    for other in pictures[1:]:
        assert np.abs(pictures[0] - other).max() > 3


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


def test_a_part_keeps_its_frames_and_its_sound(tmp_path: Path, source: Path, checkpoint: Path) -> None:
    video = driving(tmp_path, "ntsc with sound")
    out = animate.run(job(source, video, checkpoint, start_s=0.1, end_s=0.3), reporter())
    wanted = [frame.time_s for frame in frames_of(video) if 0.1 <= frame.time_s <= 0.3]
    assert [frame.time_s for frame in frames_of(out)] == pytest.approx([at - wanted[0] for at in wanted], abs=1e-6)
    assert probe(out).audio_offset_s == pytest.approx(0, abs=0.025)  # one packet of AAC
    heard = subprocess.run([ffmpeg_path(), "-i", str(out), "-f", "s16le", "-"], capture_output=True, check=True).stdout
    assert len(heard) / 2 / 44100 == pytest.approx(0.2, abs=0.05)
    with pytest.raises(UserError) as caught:
        animate.run(job(source, video, checkpoint, start_s=5.0), reporter())
    assert caught.value.code == "empty-range"


def test_sound_that_an_mp4_cannot_hold_goes_into_another_film(tmp_path: Path, source: Path, checkpoint: Path) -> None:
    sound = ["-f", "lavfi", "-i", "sine=d=0.2", "-c:a", "pcm_s16le"]
    video = make(tmp_path / "driving.mkv", "testsrc=s=64x64:r=25:d=0.2", *sound, *H264)
    ears = Ears()
    out = animate.run(job(source, video, checkpoint), Reporter(ears, CancelFlag()))
    assert out == tmp_path / "out.mov"
    assert sound_hash(out) == sound_hash(video)
    assert "container" in [fields["code"] for kind, fields in ears.heard if kind == "warn"]
    silent = animate.run(job(source, video, checkpoint, sound=False), reporter())
    assert (silent, probe(silent).has_audio) == (tmp_path / "out.mp4", False)


def test_everything_at_once(tmp_path: Path, source: Path, checkpoint: Path) -> None:
    """Film, comparison, pictures with the source's alpha moving along, sound and keypoints."""
    video = driving(tmp_path, "ntsc with sound")
    picture = cv2.imread(str(source))
    alpha = np.zeros((*picture.shape[:2], 1), np.uint8)
    alpha[40:120, 50:150] = 255
    cv2.imwrite(str(source), np.concatenate([picture, alpha], 2))
    options = {"format": "both", "comparison": True, "keypoints": True, "occlusion": True, "deformation": True}
    out = animate.run(job(source, video, checkpoint, **options), reporter())
    count = len(frames_of(video))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"driving.mp4", "source.png", *(f"out{end}" for end in (".mp4", ".comparison.mp4", "_frames"))} | {
        "out.motion.npz"
    }
    beside = frames_of(tmp_path / "out.comparison.mp4")
    assert (len(beside), beside[0].image.shape) == (count, (64, 86 + 64, 3))
    assert np.abs(beside[-1].image[:, 86:].astype(int) - frames_of(out)[-1].image).mean() < 4
    pictures = sorted((tmp_path / "out_frames").glob("*.png"))
    layers = cv2.imread(str(pictures[-1]), cv2.IMREAD_UNCHANGED)
    assert (len(pictures), layers.shape) == (count, (64, 64, 4))
    assert layers[..., 3].min() < 20 and layers[..., 3].max() > 235
    times = json.loads((tmp_path / "out_frames" / "frames.json").read_text())
    assert times["time_s"] == pytest.approx([frame.time_s for frame in frames_of(video)])
    assert sound_hash(tmp_path / "out_frames" / times["sound"]) == sound_hash(video)
    motion = read_motion(tmp_path / "out.motion.npz")
    shapes = {name: value.shape for name, value in motion.tracks.items()}
    assert shapes["driving_jacobian"] == (count, 10, 2, 2)
    assert (shapes["occlusion"], shapes["deformation"]) == ((count, 16, 16), (count, 16, 16, 2))
    assert motion.tracks["normalised_value"][0] == pytest.approx(motion.models["source_value"], abs=1e-6)


def test_pictures_alone(tmp_path: Path, source: Path, checkpoint: Path) -> None:
    video = driving(tmp_path, "one frame")
    asked = job(source, video, checkpoint, format="png", alpha="face", layout="1080p")
    for _ in range(2):  # an earlier result is replaced
        assert animate.run(asked, reporter()) == tmp_path / "out_frames" / "frames.json"
    layers = cv2.imread(str(tmp_path / "out_frames" / "000000.png"), cv2.IMREAD_UNCHANGED)
    assert layers.shape == (1080, 1920, 4)
    assert layers[:, :420].max() == 0 and layers[540, 960, 3] == 255
    (tmp_path / "out_frames" / "holiday.png").write_bytes(b"x")
    with pytest.raises(UserError, match="holds other files"):
        animate.run(asked, reporter())


def test_several_sources_and_drivings_in_one_go(tmp_path: Path, source: Path, checkpoint: Path) -> None:
    """Every source moves as every video; one that cannot be read does not stop the others."""
    videos = [driving(tmp_path, kind).rename(tmp_path / f"{kind}.mp4") for kind in ("one frame", "film")]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    asked = job(source, videos[0], checkpoint)
    asked.input.update({"driving_2": str(videos[1]), "source_2": str(broken)})
    ears = Ears()
    listed = json.loads(animate.run(asked, Reporter(ears, CancelFlag())).read_text())["films"]
    made = [Path(entry["film"]) for entry in listed if "film" in entry]
    assert [path.name for path in made] == ["out source one frame.mp4", "out source film.mp4"]
    assert [len(frames_of(path)) for path in made] == [1, len(frames_of(videos[1]))]
    assert [entry["failed"] for entry in listed if "failed" in entry] == ["picture-unreadable"] * 2
    assert [fields["code"] for kind, fields in ears.heard if kind == "warn"] == ["film-failed"] * 2


def test_a_frame_of_a_video_is_a_source(tmp_path: Path, checkpoint: Path) -> None:
    video = driving(tmp_path, "film")
    looks = [
        frames_of(animate.run(job(video, video, checkpoint, source_frame=number), reporter()))[0].image.astype(int)
        for number in (0, 9)
    ]
    assert np.abs(looks[0] - looks[1]).max() > 3
    with pytest.raises(UserError, match="has no frame 99"):
        animate.run(job(video, video, checkpoint, source_frame=99), reporter())


def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path: Path, source: Path, checkpoint: Path) -> None:
    video = driving(tmp_path, "one frame")
    good = job(source, video, checkpoint)
    wrong = {
        "bad-option": job(source, video, checkpoint, size=63),
        "unknown-option": job(source, video, checkpoint, best=1),
        "bad-input": Job("animate", {**good.input, "music": "x"}, good.output, good.options, good.weights),
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
    for name, value in (("layout", "round"), ("best_frame", 3), ("end_s", -1.0), ("best_frame", 0.5)):
        with pytest.raises(UserError) as caught:
            animate.run(job(source, video, checkpoint, **{name: value}), reporter())
        assert caught.value.code == "bad-option"
    assert not list(tmp_path.glob("out*"))
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
