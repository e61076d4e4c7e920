# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance video: what its file says of it, and which part of it is captured."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import bpy

from fomm_engine.wire.errors import UserError

from ...core.movie_header import MovieHeader, read_movie_header
from ...core.timing import rate_from_number
from .. import compat, properties

ENDINGS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ogv", ".wmv", ".mts", ".m2ts")


@dataclass(frozen=True)
class VideoFacts:
    """A video as Blender plays it and as its file describes it.

    width, height: pixels as it is meant to be seen. frame_rate: (num, den) by which Blender counts its frames; that is
    the video's own where it is even. average_fps: frames per second, over the whole. is_variable: whether frames come
    unevenly. has_sound: None where the file does not tell. turn: clockwise quarter turns that Blender does not make.
    """

    width: int
    height: int
    frame_rate: tuple[int, int]
    frames: int
    average_fps: float
    is_variable: bool = False
    has_sound: bool | None = None
    turn: int = 0

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return self.frames * self.frame_rate[1] / self.frame_rate[0]


def read_video_facts(path: Path) -> VideoFacts:
    """What Blender and the file's header say of the video.

    Raises UserError("video-missing", "video-unreadable", "video-empty").
    """
    if not path.is_file():
        raise UserError("video-missing", f"There is no file {path}.", "Choose the video again.")
    if path.stat().st_size == 0:
        raise UserError("video-empty", f"{path.name} is empty.", "Copy or record it again.")
    try:
        clip = bpy.data.movieclips.load(str(path))
    except RuntimeError as error:
        raise _unreadable(path) from error
    try:
        return _facts_of(clip, path, _header_of(path))
    finally:
        bpy.data.movieclips.remove(clip)


def choose_performance(scene: bpy.types.Scene, path: Path) -> VideoFacts:
    """The facts of the video, which the scene's performance is from now on; the whole of it is captured."""
    facts = read_video_facts(path)
    own = properties.of(scene).performance
    own.filepath = str(path)
    own.width, own.height, own.frames = facts.width, facts.height, facts.frames
    own.rate_num, own.rate_den = facts.frame_rate
    own.average_fps, own.is_variable, own.turn = facts.average_fps, facts.is_variable, facts.turn
    own.sound = {None: "UNKNOWN", True: "YES", False: "NO"}[facts.has_sound]
    own.trim_out = facts.frames
    own.trim_in = 1
    return facts


def video_of(scene: bpy.types.Scene) -> Path | None:
    """Where the performance's video is, None where none is chosen."""
    chosen = properties.of(scene).performance.filepath
    return Path(bpy.path.abspath(chosen)) if chosen else None


def is_trimmed(own: properties.UnderstudyPerformance) -> bool:
    """Whether only a part of the video is captured."""
    return own.frames > 0 and (own.trim_in > 1 or own.trim_out < own.frames)


def set_trim(own: properties.UnderstudyPerformance, start_s: float, length_s: float) -> None:
    """Nothing; this part of the video is captured."""
    rate = own.rate_num / own.rate_den
    own.trim_out = max(1, round((start_s + length_s) * rate))
    own.trim_in = round(start_s * rate) + 1


def trim_options(own: properties.UnderstudyPerformance) -> dict[str, float]:
    """The capture job's `start_s` and `end_s`, empty where the whole video is captured.

    Both lie half a frame outside of the frames that are meant, so that a container's rounded clock cannot lose one.
    """
    if not is_trimmed(own):
        return {}
    step = Fraction(own.rate_den, own.rate_num)
    options = {"end_s": float((own.trim_out - Fraction(1, 2)) * step)} if own.trim_out < own.frames else {}
    return options | ({"start_s": float((own.trim_in - Fraction(3, 2)) * step)} if own.trim_in > 1 else {})


def _facts_of(clip: bpy.types.MovieClip, path: Path, header: MovieHeader | None) -> VideoFacts:
    if clip.source != "MOVIE" or clip.fps <= 0 or clip.frame_duration < 1:
        raise _unreadable(path)
    rate = rate_from_number(clip.fps)
    if header is not None and header.frame_rate is not None and not header.is_variable:
        rate = header.frame_rate.numerator, header.frame_rate.denominator
    average = rate[0] / rate[1]
    if header is not None and header.is_variable and header.frame_rate is not None:
        average = float(header.frame_rate)
    turn = _missing_turn(header)
    width, height = clip.size
    return VideoFacts(
        *((height, width) if turn % 2 else (width, height)),
        rate,
        clip.frame_duration,
        average,
        is_variable=bool(header and header.is_variable),
        has_sound=header.has_sound if header is not None else None,
        turn=turn,
    )


def _header_of(path: Path) -> MovieHeader | None:
    try:
        with path.open("rb") as stream:
            return read_movie_header(stream)
    except OSError:
        return None


def _missing_turn(header: MovieHeader | None) -> int:
    """The quarter turns that the file asks for and this Blender does not make."""
    return 0 if header is None or compat.TURNS_VIDEOS else header.rotation_deg // 90


def _unreadable(path: Path) -> UserError:
    hint = "Choose a video, for example MP4, MOV, AVI or WebM."
    return UserError("video-unreadable", f"{path.name} is not a video that can be read.", hint)
