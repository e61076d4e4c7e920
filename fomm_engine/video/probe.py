# SPDX-License-Identifier: GPL-3.0-or-later
"""What a video file holds, without decoding more than its first frames."""

import itertools
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from fomm_engine.video.ffmpeg import StreamTimes, input_arguments, messages, output_lines
from fomm_engine.wire.errors import UserError

PROBE_FRAMES = 48  # enough to see a variable rate begin, few enough to decode in a blink
_STANDARD_RATES = (
    *(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 120, 240)),
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120)),  # the NTSC family: 23.976, 29.97, 59.94, 119.88
)
_RATE_TOLERANCE = Fraction(1, 5000)  # 30 and 30000/1001 differ by 1/1000
_HIGHEST_RATE = 1000
_MOST_PIXELS = 2**28  # 16k squares; 800 MB a picture
_DURATION = re.compile(r"^  Duration: (\d+):(\d+):(\d+)\.(\d+)")
_STREAM = re.compile(r"^  Stream #0:\d+.*?: (Video|Audio): (\w+)")
_ROTATION = re.compile(r"Display Matrix: rotation of (-?[\d.]+) degrees")
_FOCAL_35MM = re.compile(r"focal_?length\.?_?(?:in_?)?35mm_?(?:equivalent|film)?\s*:\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_PACKET = re.compile(r"^0, +-?\d+, +(-?\d+),")
_PACKET_BASE = re.compile(r"^#tb 0: (\d+)/(\d+)")
_AUDIO_TIME = re.compile(r"n:\d+ pts:(-?\d+) .*? rate:(\d+) ")
_TEXT_FORMATS = ("tty", "ansi", "bin", "xbin", "adf", "idf")  # ffmpeg draws text files as pictures of text


@dataclass(frozen=True)
class VideoInfo:
    """A video file's facts.

    width, height: pixels as shown, after rotation and with square pixels. frame_rate: exact fraction (num, den).
    frames_estimate: from the stated duration; only decoding tells the true count. audio_offset_s: time of the first
    sound minus time of the first picture. start_s: the first picture's own time stamp. rotation_deg: counter-clockwise
    turn that the file asks for (already applied to all frames). focal_35mm: focal length as the camera states it,
    in mm for the diagonal of 35 mm film, 0 where it says nothing.
    """

    width: int
    height: int
    frame_rate: tuple[int, int]
    frames_estimate: int
    duration_s: float
    has_audio: bool
    audio_offset_s: float
    rotation_deg: float
    audio_codec: str = ""
    start_s: float = 0.0
    focal_35mm: float = 0.0


def probe(path: Path | str) -> VideoInfo:
    """The facts of the video in `path`.

    Raises UserError: "video-missing" (no such file), "video-unreadable" (no video that ffmpeg can decode),
    "video-empty" (nothing in it, or no picture), "video-too-large".
    """
    path = Path(path)
    _require_file(path)
    decode = ["-map", "0:v:0", "-an", "-frames:v", str(PROBE_FRAMES), "-fps_mode", "passthrough"]
    lines = messages(["-copyts", *input_arguments(path), *decode, "-vf", "showinfo=checksum=0", "-f", "null", "-"])
    header = _header(lines)
    _require_video(path, header)
    stream = StreamTimes()
    times = [time for line in lines for time in stream.times_in(line)]
    _require_size(path, shown_size(stream.size, stream.sample_aspect))
    if not times:
        raise UserError("video-unreadable", f"No frame of {path.name} can be decoded.", _last_complaint(lines))
    return _info(path, header, stream, times)


def audio_start_s(path: Path) -> float | None:
    """The time stamp in seconds of the first decoded sound of `path`; None where there is none that decodes."""
    decode = ["-map", "0:a:0", "-vn", "-frames:a", "1", "-af", "ashowinfo", "-f", "null", "-"]
    for line in messages(["-copyts", *input_arguments(path), *decode]):
        found = _AUDIO_TIME.search(line)
        if found:
            return int(found[1]) / int(found[2])
    return None


def audio_codec(path: Path) -> str:
    """The name of the first audio stream's codec as ffmpeg calls it, "" where there is no audio stream."""
    lines = _header(messages(input_arguments(path)))
    return _codec(lines, "Audio")


def evenly_timed(path: Path, info: VideoInfo) -> bool:
    """Whether every picture of `path` stands where its frame rate puts it, give or take the container's rounding.

    Reads all packets' time stamps without decoding them: as fast as the disk.
    """
    base, stamps = Fraction(0), array("q")
    for line in output_lines([*input_arguments(path), "-map", "0:v:0", "-c", "copy", "-f", "framecrc", "-"]):
        if found := _PACKET.match(line):
            stamps.append(int(found[1]))
        elif found := _PACKET_BASE.match(line):
            base = Fraction(int(found[1]), int(found[2]))
    if not stamps or not base:
        return True
    step = Fraction(info.frame_rate[1], info.frame_rate[0])
    tolerance = max(base * 3 / 2, step / 100)
    ordered = sorted(stamps)  # packets come in the order of decoding
    return all(abs((stamp - ordered[0]) * base - index * step) <= tolerance for index, stamp in enumerate(ordered))


def standard_rate(rate: Fraction) -> Fraction:
    """The broadcast rate that `rate` (frames per second) is meant to be, or `rate` itself where none is near.

    Containers with coarse time stamps round: 2997/100 is meant as 30000/1001.
    """
    for standard in _STANDARD_RATES:
        if abs(rate - standard) <= standard * _RATE_TOLERANCE:
            return standard
    return rate.limit_denominator(1001)


def _require_file(path: Path) -> None:
    if not path.exists():
        raise UserError("video-missing", f"There is no file {path}.", "Check the path.")
    if not path.is_file():
        raise UserError("video-unreadable", f"{path} is not a file.", "Choose a video file.")
    try:
        with path.open("rb") as file:
            empty = file.read(1) == b""
    except OSError as error:
        raise UserError(
            "video-unreadable", f"{path} cannot be opened: {error.strerror}.", "Check its rights."
        ) from error
    if empty:
        raise UserError("video-empty", f"{path.name} is empty (0 bytes).", "Copy or record the video again.")


def _require_video(path: Path, header: Sequence[str]) -> None:
    text = any(line.startswith(f"Input #0, {name},") for line in header for name in _TEXT_FORMATS)
    codecs = _codec(header, "Video"), _codec(header, "Audio")
    if text or not any(codecs):
        hint = "Any video that ffmpeg reads will do: mp4, mov, mkv, webm, avi, gif."
        raise UserError("video-unreadable", f"{path.name} is not a video that can be read.", hint)
    if not codecs[0]:
        raise UserError("video-empty", f"{path.name} holds sound but no picture.", "Choose a file with a video track.")


def _require_size(path: Path, size: tuple[int, int]) -> None:
    """Raises UserError("video-too-large") before anything of a picture's size is asked for: a file may claim any."""
    if size[0] * size[1] > _MOST_PIXELS:
        hint = "Scale it down first; 1920 x 1080 is plenty for a face."
        raise UserError("video-too-large", f"The pictures of {path.name} are {size[0]} x {size[1]} pixels large.", hint)


def _header(lines: Sequence[str]) -> list[str]:
    """The lines about the input: everything that precedes the mapping of its streams to outputs."""
    ends = ("Stream mapping:", "Output #", "Stream map ", "At least one output")
    for number, line in enumerate(lines):
        if line.startswith(ends):
            return list(lines[:number])
    return list(lines)


def _codec(header: Sequence[str], kind: str) -> str:
    found = (match for match in map(_STREAM.search, header) if match and match[1] == kind)
    first = next(found, None)
    return first[2] if first else ""


def _last_complaint(lines: Sequence[str]) -> str:
    said = [re.sub(r"^\[[^\]]*\] ", "", line).strip() for line in lines if "rror" in line or "nvalid" in line]
    return f"ffmpeg says: {said[0]}" if said else "The file may be damaged."


def _info(path: Path, header: Sequence[str], stream: StreamTimes, times: list[Fraction | None]) -> VideoInfo:
    rate = _frame_rate(stream.frame_rate, times)
    duration_s = _duration_s(header) or len(times) / float(rate)
    codec = _codec(header, "Audio")
    sound_s = audio_start_s(path) if codec else None
    picture_s = float(times[0] or 0)
    width, height = shown_size(stream.size, stream.sample_aspect)
    rotations = [float(match[1]) for match in map(_ROTATION.search, header) if match]
    whole = len(times) < PROBE_FRAMES
    return VideoInfo(
        width=width,
        height=height,
        frame_rate=(rate.numerator, rate.denominator),
        frames_estimate=len(times) if whole else max(len(times), round(duration_s * rate)),
        duration_s=duration_s,
        has_audio=sound_s is not None,
        audio_offset_s=0.0 if sound_s is None else sound_s - picture_s,
        rotation_deg=rotations[0] if rotations else 0.0,
        audio_codec=codec if sound_s is not None else "",
        start_s=picture_s,
        focal_35mm=_focal_35mm(header),
    )


def _focal_35mm(header: Sequence[str]) -> float:
    """What QuickTime's key com.apple.quicktime.camera.focal_length.35mm_equivalent or Exif's namesake says, else 0."""
    return next((float(found[1]) for found in map(_FOCAL_35MM.search, header) if found), 0.0)


def shown_size(size: tuple[int, int], sample_aspect: Fraction) -> tuple[int, int]:
    """(width, height) in square pixels of a picture of `size` whose pixels are `sample_aspect` wider than high."""
    return max(1, round(size[0] * sample_aspect)), size[1]


def _duration_s(header: Sequence[str]) -> float:
    for line in header:
        match = _DURATION.search(line)
        if match:
            hours, minutes, seconds, hundredths = (int(group) for group in match.groups())
            return hours * 3600 + minutes * 60 + seconds + hundredths / 10 ** len(match[4])
    return 0.0


def _frame_rate(stated: Fraction, times: list[Fraction | None]) -> Fraction:
    """The rate the container states where it is credible, else the one that the time stamps show."""
    if 0 < stated <= _HIGHEST_RATE:
        return standard_rate(stated)
    known = [time for time in times if time is not None]
    steps = sorted(later - earlier for earlier, later in itertools.pairwise(known) if later > earlier)
    return standard_rate(1 / steps[len(steps) // 2]) if steps else Fraction(25)
