# SPDX-License-Identifier: GPL-3.0-or-later
"""The video in the scene's sequencer, with its sound; and the sound alone, for the render."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from ... import compat
from .step import Shown, fps_of

MARK = "understudy"  # on a strip: which of ours it is
VIDEO, SPEED, SOUND = "video", "speed", "sound"
SAME_RATE = 1e-6


def place(scene: bpy.types.Scene, part: Shown) -> bool:
    """Whether the sequencer plays the video with sound; it plays the picture in any case, in place of an earlier one.

    Where video and scene run at different rates a speed strip above the picture keeps it in time.
    """
    remove(scene)
    strips, fps = compat.sequencer_strips(scene), fps_of(scene)
    channel = _free_channel(strips)
    length = max(1, round(part.length_s * fps))
    first = round(part.first_s * part.rate)
    start = round(part.at_frame)
    strip = strips.new_movie(part.path.stem, str(part.path), channel, start - first)
    strip.frame_offset_start = first
    strip.frame_final_duration = length
    strip[MARK] = VIDEO
    _set_upright(strip, part, scene)
    if abs(part.rate / fps - 1) > SAME_RATE:
        speed = compat.add_speed_strip(strips, strip, f"{part.path.stem} speed", channel + 1, part.rate / fps)
        speed[MARK] = SPEED
    return place_sound(scene, part)


def place_sound(scene: bpy.types.Scene, part: Shown) -> bool:
    """Whether the scene plays the performance's sound; the sound strip of an earlier call goes.

    False where the video has no sound, or this build of Blender cannot play any.
    """
    strips = compat.sequencer_strips(scene)
    for strip in list(of(scene, SOUND)):
        strips.remove(strip)
    if not compat.can_mix_sound():
        return False
    fps = fps_of(scene)
    skipped = round((part.first_s - part.sound_offset_s) * fps)
    start = round(part.at_frame)
    try:
        strip = strips.new_sound(f"{part.path.stem} sound", str(part.path), _free_channel(strips), start - skipped)
    except RuntimeError:
        return False
    if strip.frame_final_duration <= 1:  # Blender makes a strip of one frame for a file without sound
        strips.remove(strip)
        return False
    strip[MARK] = SOUND
    strip.frame_offset_start = max(0, skipped)
    strip.frame_final_duration = max(1, min(strip.frame_final_duration, round(part.length_s * fps)))
    return True


def follow(scene: bpy.types.Scene, part: Shown) -> None:
    """Nothing; the strips, where there are any, are made anew for this part."""
    if any(of(scene, VIDEO)):
        place(scene, part)


def remove(scene: bpy.types.Scene) -> bool:
    """Whether there were strips of ours; they are gone, sound too."""
    found = False
    # An effect goes with the strip that it plays.
    for kind in (SPEED, VIDEO, SOUND):
        for strip in list(of(scene, kind)):
            compat.own_strips(scene).remove(strip)
            found = True
    return found


def of(scene: bpy.types.Scene, kind: str) -> Iterator[Any]:
    """The scene's strips of one kind of ours."""
    for strip in compat.own_strips(scene):
        if strip.get(MARK) == kind:
            yield strip


def _free_channel(strips: Any) -> int:
    return 1 + max((strip.channel for strip in strips), default=0)


def _set_upright(strip: Any, part: Shown, scene: bpy.types.Scene) -> None:
    """Nothing; the picture fills the frame as far as it fits, and stands upright."""
    width, height = part.upright
    scale = min(scene.render.resolution_x / width, scene.render.resolution_y / height)
    strip.transform.scale_x = strip.transform.scale_y = scale
    strip.transform.rotation = -part.turn * 1.5707963267948966
