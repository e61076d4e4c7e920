# SPDX-License-Identifier: GPL-3.0-or-later
"""Video in and out: rates, times, rotation, damage, cancelling; all clips are made here by ffmpeg."""

import hashlib
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from fomm_engine.video.ffmpeg import ffmpeg_path
from fomm_engine.video.picture import largest_square, read_picture, square_of
from fomm_engine.video.probe import evenly_timed, standard_rate
from fomm_engine.video.reader import Frame, VideoReader, probe
from fomm_engine.video.sound import Sound, container_for
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.errors import UserError

H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


def make(path: Path, *arguments: str) -> Path:
    """`path`, written by ffmpeg with `arguments`."""
    subprocess.run(
        [ffmpeg_path(), "-y", "-loglevel", "error", *arguments, str(path)], check=True, stdin=subprocess.DEVNULL
    )
    return path


def clip(
    path: Path, *, rate: str = "30000/1001", size: str = "160x120", seconds: float = 1, sound: bool = False
) -> Path:
    """A test pattern with a running clock, and a tone where `sound` is set."""
    picture = ["-f", "lavfi", "-i", f"testsrc=s={size}:r={rate}:d={seconds}"]
    tone = ["-f", "lavfi", "-i", f"sine=d={seconds}", "-c:a", "aac"] if sound else []
    return make(path, *picture, *tone, *H264)


def frames_of(path: Path, max_side: int | None = None) -> list[Frame]:
    with VideoReader(path, max_side) as reader:
        return list(reader)


def sound_hash(path: Path) -> str:
    """A hash of the first audio track's packets, untouched by the container around them."""
    command = [ffmpeg_path(), "-loglevel", "error", "-i", str(path), "-map", "0:a:0", "-c", "copy", "-f", "data", "-"]
    return hashlib.sha256(subprocess.run(command, check=True, capture_output=True).stdout).hexdigest()


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    ("rate", "exact"), [("24000/1001", (24000, 1001)), ("30000/1001", (30000, 1001)), ("30", (30, 1)), ("60", (60, 1))]
)
def test_rate_is_an_exact_fraction_and_times_follow_it(
    tmp_path: Path, suffix: str, rate: str, exact: tuple[int, int]
) -> None:
    path = clip(tmp_path / f"a.{suffix}", rate=rate)
    info, frames = probe(path), frames_of(path)
    expected = np.arange(len(frames)) * exact[1] / exact[0]
    assert info.frame_rate == exact
    assert len(frames) == info.frames_estimate == pytest.approx(exact[0] / exact[1], abs=1)
    tolerance = 1e-9 if suffix == "mp4" else 0.0011  # Matroska counts milliseconds
    assert np.abs([frame.time_s for frame in frames] - expected).max() < tolerance
    assert [frame.index for frame in frames] == list(range(len(frames)))


def test_variable_rate_keeps_every_frame_at_its_own_time(tmp_path: Path) -> None:
    keep = "select='lt(n,10)+not(mod(n,3))'"
    source = ["-f", "lavfi", "-i", "testsrc=s=101x75:r=25:d=2", "-vf", keep, "-fps_mode", "passthrough"]
    path = make(tmp_path / "vfr.mp4", *source, "-c:v", "libx264", "-pix_fmt", "yuv444p")
    kept = [n for n in range(50) if n < 10 or n % 3 == 0]
    frames = frames_of(path)
    assert [round(frame.time_s * 25, 6) for frame in frames] == kept
    assert frames[0].image.shape == (75, 101, 3)


def test_times_stay_exact_late_in_a_long_recording(tmp_path: Path) -> None:
    path = make(
        tmp_path / "late.mkv", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1", *H264, "-output_ts_offset", "36000"
    )
    assert probe(path).start_s == pytest.approx(36000)
    assert [frame.time_s for frame in frames_of(path)][:3] == pytest.approx([0, 0.04, 0.08], abs=1e-9)


def test_rotation_is_applied(tmp_path: Path) -> None:
    flat = clip(tmp_path / "flat.mp4")
    turned = make(tmp_path / "turned.mp4", "-display_rotation", "90", "-i", str(flat), "-c", "copy")
    info = probe(turned)
    assert (info.width, info.height, abs(info.rotation_deg)) == (120, 160, 90)
    upright = np.rot90(frames_of(flat)[0].image)
    assert np.abs(frames_of(turned)[0].image.astype(int) - upright).mean() < 3


def test_pixels_become_square(tmp_path: Path) -> None:
    path = make(tmp_path / "wide.mp4", "-f", "lavfi", "-i", "testsrc=s=120x96:r=25:d=0.2", "-vf", "setsar=4/3", *H264)
    assert (probe(path).width, probe(path).height) == (160, 96)
    assert frames_of(path)[0].image.shape == (96, 160, 3)


def test_max_side_scales_down_and_never_up(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", seconds=0.2)
    assert frames_of(path, 80)[0].image.shape == (60, 80, 3)
    assert frames_of(path, 1000)[0].image.shape == (120, 160, 3)


def test_colours_survive(tmp_path: Path) -> None:
    path = make(tmp_path / "red.mp4", "-f", "lavfi", "-i", "color=0xC83214:s=64x64:d=0.2", *H264)
    assert np.abs(frames_of(path)[0].image.reshape(-1, 3).mean(0) - [0xC8, 0x32, 0x14]).max() < 4


def test_one_frame_and_moving_pictures_of_other_kinds(tmp_path: Path) -> None:
    one = make(tmp_path / "one.mp4", "-f", "lavfi", "-i", "testsrc=s=64x64:r=25", "-frames:v", "1", *H264)
    gif = make(tmp_path / "a.gif", "-f", "lavfi", "-i", "testsrc=s=64x64:r=10:d=0.5")
    assert (probe(one).frames_estimate, len(frames_of(one))) == (1, 1)
    assert (probe(gif).frame_rate, len(frames_of(gif))) == ((10, 1), 5)


def test_sound_and_its_place_are_found(tmp_path: Path) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=s=64x64:r=25:d=2"]
    late = ["-itsoffset", "0.5", "-f", "lavfi", "-i", "sine=d=1"]
    info = probe(make(tmp_path / "late.mkv", *picture, *late, *H264, "-c:a", "pcm_s16le"))
    assert info.has_audio
    assert info.audio_offset_s == pytest.approx(0.5, abs=0.002)
    assert not probe(clip(tmp_path / "mute.mp4")).has_audio


def test_truncated_file_gives_what_there_is_and_a_note(tmp_path: Path) -> None:
    whole = make(
        tmp_path / "whole.mp4", "-i", str(clip(tmp_path / "a.mp4", seconds=4)), "-c", "copy", "-movflags", "+faststart"
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with VideoReader(cut) as reader:
        count = sum(1 for _ in reader)
    assert 10 < count < 110
    assert "cut short" in reader.notes[0]
    assert str(count) in reader.notes[0]
    with VideoReader(whole) as reader:
        assert sum(1 for _ in reader) == 120
    assert reader.notes == ()


def test_files_that_are_no_video_say_so(tmp_path: Path) -> None:
    contents = {
        "empty.mp4": b"",
        "text.mp4": b"hello",
        "story.txt": b"Once upon a time.\n" * 200,
        "dust.mp4": bytes(range(256)) * 50,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    tone = make(tmp_path / "tone.m4a", "-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac")
    headless = tmp_path / "headless.mp4"
    headless.write_bytes(clip(tmp_path / "a.mp4").read_bytes()[:2000])
    expected = {
        "empty.mp4": "video-empty",
        "text.mp4": "video-unreadable",
        "story.txt": "video-unreadable",
        "dust.mp4": "video-unreadable",
    }
    expected |= {
        "gone.mp4": "video-missing",
        ".": "video-unreadable",
        tone.name: "video-empty",
        headless.name: "video-unreadable",
    }
    for name, code in expected.items():
        with pytest.raises(UserError) as caught:
            VideoReader(tmp_path / name)
        assert caught.value.code == code, name
        assert caught.value.message.endswith(".")
        assert "\n" not in caught.value.message


def test_closing_early_stops_ffmpeg_at_once(tmp_path: Path) -> None:
    path = clip(tmp_path / "long.mp4", size="640x480", seconds=60, rate="30")
    reader = VideoReader(path)
    frames = iter(reader)
    next(frames)
    process = reader._process  # noqa: SLF001 - the test is about this very process
    assert process is not None
    assert process.poll() is None
    begin = time.monotonic()
    reader.close()
    assert time.monotonic() - begin < 0.5
    assert process.poll() is not None  # reaped: no zombie
    assert next(frames, None) is None


def test_a_reader_can_be_read_twice(tmp_path: Path) -> None:
    with VideoReader(clip(tmp_path / "a.mp4", seconds=0.3)) as reader:
        assert [frame.time_s for frame in reader] == [frame.time_s for frame in reader]


def test_what_is_written_is_what_was_given(tmp_path: Path) -> None:
    grey = np.linspace(0, 255, 12).astype(np.uint8)
    path = tmp_path / "out.mp4"
    with VideoWriter(path, (64, 48), frame_rate=(30000, 1001)) as writer:
        for level in grey:
            writer.write(np.full((48, 64, 3), level, np.uint8))
        assert not path.exists()
    frames = frames_of(path)
    assert probe(path).frame_rate == (30000, 1001)
    assert np.abs([frame.image.mean() for frame in frames] - grey.astype(float)).max() < 3
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(12) * 1001 / 30000, abs=1e-9)
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_odd_sizes_gain_one_repeated_pixel(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    with VideoWriter(path, (101, 75), frame_rate=(25, 1)) as writer:
        writer.write(np.full((75, 101, 3), 200, np.uint8))
    image = frames_of(path)[0].image
    assert image.shape == (76, 102, 3)
    assert image.min() > 195


@pytest.mark.parametrize("offset", ["0.5", "0"])
def test_sound_is_copied_and_stays_in_its_place(tmp_path: Path, offset: str) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=s=64x64:r=25:d=1.5"]
    source = make(
        tmp_path / "s.mp4", *picture, "-itsoffset", offset, "-f", "lavfi", "-i", "sine=d=1", *H264, "-c:a", "aac"
    )
    out = tmp_path / "out.mp4"
    with VideoWriter(out, (64, 64), frame_rate=(25, 1), sound=Sound(source)) as writer:
        for frame in frames_of(source):
            writer.write(frame.image)
    assert sound_hash(out) == sound_hash(source)
    assert probe(out).audio_offset_s == pytest.approx(probe(source).audio_offset_s, abs=0.03)
    assert len(frames_of(out)) == len(frames_of(source))


def test_sound_of_other_kinds_is_encoded_and_silence_is_no_error(tmp_path: Path) -> None:
    pcm = make(tmp_path / "s.wav", "-f", "lavfi", "-i", "sine=d=0.5")
    for name, source in (("pcm.mp4", pcm), ("mute.mp4", clip(tmp_path / "mute_in.mp4", seconds=0.2))):
        with VideoWriter(tmp_path / name, (64, 64), frame_rate=(25, 1), sound=Sound(source)) as writer:
            writer.write(np.zeros((64, 64, 3), np.uint8))
    assert probe(tmp_path / "pcm.mp4").audio_codec == "aac"
    assert not probe(tmp_path / "mute.mp4").has_audio


@pytest.mark.parametrize(
    ("codec", "suffix"), [("pcm_s16le", ".mov"), ("libopus", ".mp4"), ("libvorbis", ".mp4"), ("wmav2", ".mkv")]
)
def test_every_kind_of_sound_finds_a_container_that_holds_it_as_it_is(tmp_path: Path, codec: str, suffix: str) -> None:
    source = make(tmp_path / "s.mkv", "-f", "lavfi", "-i", "sine=d=0.5", "-c:a", codec)
    assert container_for(".mp4", codec.removeprefix("lib")) == suffix
    out = tmp_path / f"out{suffix}"
    with VideoWriter(out, (64, 64), frame_rate=(25, 1), sound=Sound(source, encoded=False)) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    assert sound_hash(out) == sound_hash(source)
    if suffix != ".mp4":
        with pytest.raises(UserError, match="cannot hold") as caught:
            VideoWriter(tmp_path / "no.mp4", (64, 64), frame_rate=(25, 1), sound=Sound(source, encoded=False))
        assert caught.value.code == "sound-unfit"


def test_a_part_of_the_sound_is_cut_without_encoding_it(tmp_path: Path) -> None:
    """One packet of this PCM is 1024 samples, 64 ms; a click every half second shows where the part comes from."""
    click = "aevalsrc='if(lt(mod(t,0.5),0.02),0.8,0)':s=16000:d=3"
    source = make(tmp_path / "s.mov", "-f", "lavfi", "-i", click, "-c:a", "pcm_s16le")
    out, whole = tmp_path / "out.mov", tmp_path / "whole.raw"
    with VideoWriter(
        out, (64, 64), frame_rate=(25, 1), sound=Sound(source, offset_s=-1.2, length_s=1.0, encoded=False)
    ) as writer:
        for _ in range(25):
            writer.write(np.zeros((64, 64, 3), np.uint8))
    samples = [
        np.frombuffer(make(raw, "-i", str(path), "-f", "s16le").read_bytes(), np.int16)
        for path, raw in ((source, whole), (out, tmp_path / "part.raw"))
    ]
    first = round((1.2 + probe(out).audio_offset_s) * 16000)
    assert first == pytest.approx(1.2 * 16000, abs=1024)
    assert len(samples[1]) == pytest.approx(16000, abs=1024)
    assert (samples[1] == samples[0][first : first + len(samples[1])]).all()


def test_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"earlier work")
    with (  # noqa: PT012 - the block is what fails
        pytest.raises(RuntimeError, match="midway"),
        VideoWriter(tmp_path / "out.mp4", (64, 64), frame_rate=(25, 1)) as writer,
    ):
        writer.write(np.zeros((64, 64, 3), np.uint8))
        raise RuntimeError("midway")
    assert (tmp_path / "out.mp4").read_bytes() == b"earlier work"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_unwritable_outputs_and_empty_films_say_so(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="cannot be written") as caught,
        VideoWriter(tmp_path / "no" / "o.mp4", (64, 64), frame_rate=(25, 1)),
    ):
        pass
    assert caught.value.code == "output-unwritable"
    with pytest.raises(UserError, match="no pictures"), VideoWriter(tmp_path / "o.mp4", (64, 64), frame_rate=(25, 1)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_dead_encoder_is_reported(tmp_path: Path) -> None:
    with (  # noqa: PT012 - the block is what fails
        pytest.raises(UserError) as caught,
        VideoWriter(tmp_path / "o.mp4", (64, 64), frame_rate=(25, 1)) as writer,
    ):
        process = writer._process  # noqa: SLF001 - the test kills this very process
        assert process is not None
        process.kill()
        process.wait()
        for _ in range(50):
            writer.write(np.zeros((64, 64, 3), np.uint8))
    assert caught.value.code == "video-write-failed"
    assert list(tmp_path.iterdir()) == []


def test_pictures_with_times_of_their_own_keep_them(tmp_path: Path) -> None:
    times = [5.0, 5.04, 5.08, 5.2, 5.36, 5.3701]
    path = tmp_path / "uneven.mp4"
    with VideoWriter(path, (63, 48), frame_rate=None) as writer:
        for index, time_s in enumerate(times):
            writer.write(np.full((48, 63, 3), index * 40, np.uint8), time_s)
    frames = frames_of(path)
    assert [frame.time_s for frame in frames] == pytest.approx([t - 5 for t in times], abs=1e-6)
    assert [frame.image.mean() for frame in frames] == pytest.approx(np.arange(6) * 40, abs=3)
    assert not evenly_timed(path, probe(path))


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_even_and_uneven_times_are_told_apart(tmp_path: Path, suffix: str) -> None:
    even = clip(tmp_path / f"even.{suffix}", seconds=4)
    source = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=4", "-vf", "select='lt(n,60)+not(mod(n,3))'"]
    uneven = make(tmp_path / f"uneven.{suffix}", *source, "-fps_mode", "passthrough", *H264)
    assert evenly_timed(even, probe(even))
    assert not evenly_timed(uneven, probe(uneven))


def test_a_picture_comes_from_an_image_or_from_a_video(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    alpha = np.full((20, 30, 1), 255, np.uint8)
    alpha[:10] = 0
    cv2.imwrite(str(tmp_path / "a.png"), np.concatenate([rgb[..., ::-1], alpha], 2))
    cv2.imwrite(str(tmp_path / "grey.png"), rgb[..., 0])
    cv2.imwrite(str(tmp_path / "deep.png"), rgb[..., ::-1].astype(np.uint16) * 257)
    seen = read_picture(tmp_path / "a.png")
    assert (seen[:10] == 128).all()
    assert (seen[10:] == rgb[10:]).all()
    assert (read_picture(tmp_path / "grey.png") == rgb[..., :1]).all()
    assert (read_picture(tmp_path / "deep.png") == rgb).all()
    assert read_picture(clip(tmp_path / "a.mp4", seconds=0.1)).shape == (120, 160, 3)


def test_what_is_no_picture_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    for name, code in (("gone.png", "missing"), ("text.png", "unreadable"), ("empty.png", "unreadable")):
        with pytest.raises(UserError) as caught:
            read_picture(tmp_path / name)
        assert caught.value.code == f"picture-{code}"


def test_squares_stay_inside_the_picture() -> None:
    assert largest_square((160, 120)) == (80, 60, 120)
    assert largest_square((160, 120), (10, 100), 60) == (30, 90, 60)
    image = np.zeros((120, 160, 3), np.uint8)
    image[60:, :60] = 200
    assert (square_of(image, (30, 90, 60), 30) == 200).all()


@pytest.mark.parametrize(
    ("stated", "meant"), [("2997/100", "30000/1001"), ("23976/1000", "24000/1001"), ("50/3", "50/3"), ("30", "30")]
)
def test_standard_rates_are_recognised(stated: str, meant: str) -> None:
    assert standard_rate(Fraction(stated)) == Fraction(meant)
