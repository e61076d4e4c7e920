# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance video: what Blender can say about it, and where it stands in the scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from fomm_engine.wire.errors import UserError

from ..core.timing import rate_from_number
from . import compat, properties

SOUND_STRIP = "Understudy Performance"


@dataclass(frozen=True)
class VideoFacts:
    """Size in pixels, frame rate (num, den) and length in frames, as the file's container states them."""

    width: int
    height: int
    frame_rate: tuple[int, int]
    frames: int


def read_video_facts(path: Path) -> VideoFacts:
    """What Blender reads of the video.

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
        return _facts_of(clip, path)
    finally:
        bpy.data.movieclips.remove(clip)


def choose_performance(scene: bpy.types.Scene, path: Path) -> VideoFacts:
    """The facts of the video, which the scene's performance is from now on."""
    facts = read_video_facts(path)
    own = properties.of(scene).performance
    own.filepath = str(path)
    own.width, own.height, own.frames = facts.width, facts.height, facts.frames
    own.rate_num, own.rate_den = facts.frame_rate
    return facts


def add_sound(scene: bpy.types.Scene, video: Path, *, start_frame: int) -> bool:
    """Whether the scene now plays the performance's sound from `start_frame`; the strip of an earlier call goes.

    False where the video has no sound or this build cannot play any.
    """
    if not compat.can_mix_sound():
        return False
    strips = compat.sequencer_strips(scene)
    for strip in [strip for strip in strips if strip.name.startswith(SOUND_STRIP)]:
        strips.remove(strip)
    channel = 1 + max((strip.channel for strip in strips), default=0)
    try:
        strip = strips.new_sound(SOUND_STRIP, str(video), channel, start_frame)
    except RuntimeError:
        return False
    if strip.frame_final_duration > 1:
        return True
    strips.remove(strip)  # Blender makes a strip of one frame for a file without sound
    return False


def _facts_of(clip: bpy.types.MovieClip, path: Path) -> VideoFacts:
    if clip.source != "MOVIE" or clip.fps <= 0 or clip.frame_duration < 1:
        raise _unreadable(path)
    width, height = clip.size
    return VideoFacts(width, height, rate_from_number(clip.fps), clip.frame_duration)


def _unreadable(path: Path) -> UserError:
    hint = "Choose a video, for example MP4, MOV, AVI or WebM."
    return UserError("video-unreadable", f"{path.name} is not a video that can be read.", hint)
