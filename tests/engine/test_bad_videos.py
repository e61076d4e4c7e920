# SPDX-License-Identifier: GPL-3.0-or-later
"""Every odd or broken video through the real capture job: the right take, or one clear sentence and nothing left."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fomm_engine.jobs.capture import run
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.video.ffmpeg import ffmpeg_path
from fomm_engine.wire.capture import Capture, read_capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

FRAMES = 4
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
HDR = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
ACTOR = "actor.mp4"


class Listener:
    """A sink that keeps what is said to the user."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def emit(self, kind: str, **fields: Any) -> None:
        """Keep one event's sentence."""
        if kind in ("warn", "log"):
            self.said.append(str(fields["message"]))


def ffmpeg(*arguments: str | Path) -> None:
    command = [ffmpeg_path(), "-y", "-loglevel", "error", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def actor(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames, with sound, of the project's own performance."""
    path = tmp_path_factory.mktemp("actor") / ACTOR
    clip = project_root / "rigs" / "performances" / "monologue.mp4"
    cut = ("-frames:v", FRAMES, "-t", "0.3", "-movflags", "+faststart", "-c:a", "aac")
    ffmpeg("-i", clip, *map(str, cut), *H264, path)
    return path


def converted(*arguments: str, name: str) -> Callable[[Path, Path], Path]:
    """What makes another file of the actor's."""

    def make(actor: Path, folder: Path) -> Path:
        path = folder / name
        ffmpeg("-i", actor, *arguments, path)
        return path

    return make


def generated(*arguments: str, name: str) -> Callable[[Path, Path], Path]:
    """What makes a file that has nothing of the actor."""

    def make(_actor: Path, folder: Path) -> Path:
        path = folder / name
        ffmpeg("-f", "lavfi", *arguments, path)
        return path

    return make


def bytes_of(change: Callable[[bytes], bytes], name: str) -> Callable[[Path, Path], Path]:
    """What changes the actor's file byte by byte."""

    def make(actor: Path, folder: Path) -> Path:
        path = folder / name
        path.write_bytes(change(actor.read_bytes()))
        return path

    return make


def turned(actor: Path, folder: Path) -> Path:
    path, flat = folder / "turned.mp4", folder / "flat.mp4"
    ffmpeg("-i", actor, "-vf", "transpose=2", *H264, flat)  # filmed on its side, and said so
    ffmpeg("-display_rotation", "-90", "-i", flat, "-c", "copy", path)
    return path


def cut_off(actor: Path, folder: Path) -> Path:
    path, whole = folder / "cut.mp4", folder / "whole.mp4"
    ffmpeg("-stream_loop", "2", "-i", actor, "-movflags", "+faststart", "-g", "1", *H264, whole)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    return path


@dataclass(frozen=True)
class Good:
    """A video that gives a take: its frames, its pictures' size, and a word of what is said beside it."""

    make: Callable[[Path, Path], Path]
    frames: int | tuple[int, int] = FRAMES
    size: tuple[int, int] = (384, 384)
    sound: bool = True
    said: str = ""


VARIABLE = "select='not(eq(n,2))'"
GOOD = {
    "the wrong extension (.jpg)": Good(bytes_of(lambda data: data, "actor.jpg")),
    "no extension": Good(bytes_of(lambda data: data, "actor")),
    "no sound": Good(converted("-an", "-c", "copy", name="mute.mp4"), sound=False),
    "one frame": Good(converted("-frames:v", "1", "-an", *H264, name="one.mp4"), 1, sound=False),
    "a picture that is called a video": Good(
        converted("-frames:v", "1", "-f", "image2", "-c:v", "png", "-update", "1", name="still.mp4"), 1, sound=False
    ),
    "10-bit HDR (PQ, BT.2020)": Good(
        converted("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=0",
                  *HDR, name="hdr.mp4")
    ),
    "alpha (VP9)": Good(
        converted("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuva420p", "-an",
                  name="alpha.webm"), sound=False
    ),
    "alpha (QuickTime Animation)": Good(
        converted("-c:v", "qtrle", "-pix_fmt", "argb", "-an", name="alpha.mov"), sound=False
    ),
    "a variable rate": Good(
        converted("-vf", VARIABLE, "-fps_mode", "passthrough", *H264, name="variable.mp4"), FRAMES - 1
    ),
    "a rotation in the container": Good(turned),
    "interlaced": Good(converted("-vf", "tinterlace=interleave_top", "-flags", "+ildct+ilme", *H264, name="laced.mp4"),
                       FRAMES // 2),
    "8K pictures": Good(
        converted("-frames:v", "1", "-vf", "scale=7680:4320:force_original_aspect_ratio=increase,crop=7680:4320", "-an",
                  *H264, name="8k.mp4"), 1, (7680, 4320), sound=False
    ),
    "16k pictures": Good(
        converted("-frames:v", "1", "-vf", "scale=2304:2304,pad=16384:2304:7000:0", "-an", *H264, name="16k.mp4"), 1,
        (16384, 2304), sound=False
    ),
    "grey pictures": Good(converted("-pix_fmt", "gray", "-c:v", "ffv1", "-an", name="grey.mkv"), sound=False),
    "a second, smaller video track": Good(
        converted("-map", "0:v", "-map", "0:v", "-map", "0:a", *H264, "-s:v:1", "64x48", name="two.mp4")
    ),
    "cut off in the middle": Good(cut_off, (2, 11), said="damaged or cut short"),
}  # fmt: skip
BAD = {
    "0 bytes": (bytes_of(lambda _data: b"", "empty.mp4"), "video-empty"),
    "cut off before its index": (bytes_of(lambda data: data[:200], "head.mp4"), "video-unreadable"),
    "noise under a video's name": (
        bytes_of(lambda data: np.random.default_rng(1).bytes(len(data)), "noise.mp4"),
        "video-unreadable",
    ),
    "a video's head and noise behind it": (
        bytes_of(lambda data: data[:64] + np.random.default_rng(2).bytes(4000), "half.mp4"),
        "video-unreadable",
    ),
    "text under a video's name": (bytes_of(lambda _data: b"#EXTM3U\nhttp://x/\n" * 9, "list.mp4"), "video-unreadable"),
    "a playlist that names another file": (
        bytes_of(lambda _data: b"ffconcat version 1.0\nfile actor.mp4\n", "list.ffconcat"),
        "video-unreadable",
    ),
    "sound alone": (converted("-vn", "-c:a", "copy", name="sound.m4a"), "video-empty"),
    "1 pixel": (generated("-i", "color=red:s=1x1:d=0.2", "-c:v", "ffv1", name="dot.mkv"), "no-face"),
    "2 x 2000 pixels": (generated("-i", "testsrc=s=2x2000:d=0.2", *H264, name="thin.mp4"), "no-face"),
    "pixels that claim to be 100 times wider than high": (
        generated("-i", "testsrc=s=16000x200:d=0.04", "-vf", "setsar=100", *H264, name="wide.mp4"),
        "video-too-large",
    ),
    "nobody in it": (generated("-i", "mandelbrot=s=320x240", "-frames:v", "4", *H264, name="nobody.mp4"), "no-face"),
}  # fmt: skip


def captured(video: Path, output: Path) -> tuple[Capture, list[str]]:
    listener = Listener()
    path = run(Job("capture", {"video": str(video)}, str(output)), Reporter(listener, CancelFlag()))
    return read_capture(path), listener.said


@pytest.mark.parametrize("what", GOOD)
def test_an_odd_video_gives_the_right_take(what: str, actor: Path, tmp_path: Path, fault_record: Any) -> None:
    expected = GOOD[what]
    video = expected.make(actor, tmp_path)
    take, told = captured(video, tmp_path / "a.capture.npz")
    least, most = (expected.frames, expected.frames) if isinstance(expected.frames, int) else expected.frames
    assert least <= take.frame_count <= most
    assert take.valid.all()
    source = take.header["source"]
    assert (source["width"], source["height"]) == expected.size
    assert take.header["audio"]["present"] == expected.sound
    points = take.tracks["landmarks_px"].mean(0)
    assert (points.mean(0) / expected.size < 0.8).all() and (points.mean(0) / expected.size > 0.2).all()
    assert points[36:48, 1].max() < points[48:60, 1].min(), "the eyes are above the mouth"
    said = " ".join(told)
    assert expected.said in said if expected.said else not said
    if what == "a variable rate":
        gaps = np.diff(take.time_s)
        np.testing.assert_allclose(gaps / gaps.min(), [1, 2], atol=0.05)
    fault_record(
        group="video",
        fault=f"A video with {what}" if not what.startswith(("cut", "the", "a ")) else f"A video: {what}",
        done="captured",
        user_saw=f"a take of {take.frame_count} frames, {expected.size[0]} x {expected.size[1]}; {said or 'no remark'}",
        survived="every frame that decodes, at its own time, upright",
    )


@pytest.mark.parametrize("what", BAD)
def test_a_bad_video_gives_one_sentence_and_leaves_nothing(
    what: str, actor: Path, tmp_path: Path, fault_record: Any
) -> None:
    make, code = BAD[what]
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    with pytest.raises(UserError) as caught:
        captured(make(actor, folder), out / "a.capture.npz")
    assert caught.value.code == code
    assert caught.value.message.endswith(".") and caught.value.hint.endswith(".")
    assert list(out.iterdir()) == []
    fault_record(
        group="video",
        fault=f"A video: {what}",
        done="captured",
        user_saw=str(caught.value),
        survived="nothing is left beside where the take would have been",
    )
