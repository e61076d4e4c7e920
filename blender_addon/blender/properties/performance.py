# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance video: its facts, which part of it is captured, and where it stands in the scene."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..compat import BLEND_RELATIVE


def rate_of(own: UnderstudyPerformance) -> float:
    """Frames per second of the video."""
    return own.rate_num / max(1, own.rate_den)


def _keep_in_order(own: UnderstudyPerformance, _context: bpy.types.Context) -> None:
    """Nothing; the part that is captured lies inside the video and has at least one frame."""
    if own.frames < 1:
        return
    first = min(max(1, own.trim_in), own.frames)
    last = min(max(first, own.trim_out), own.frames)
    # Written only where it differs: writing calls this again.
    if own.trim_in != first:
        own.trim_in = first
    if own.trim_out != last:
        own.trim_out = last


def _in_s(own: UnderstudyPerformance) -> float:
    return (own.trim_in - 1) / rate_of(own)


def _set_in_s(own: UnderstudyPerformance, seconds: float) -> None:
    own.trim_in = round(seconds * rate_of(own)) + 1


def _out_s(own: UnderstudyPerformance) -> float:
    return own.trim_out / rate_of(own)


def _set_out_s(own: UnderstudyPerformance, seconds: float) -> None:
    own.trim_out = round(seconds * rate_of(own))


class UnderstudyPerformance(bpy.types.PropertyGroup):
    """The performance video that is captured next."""

    filepath: StringProperty(
        name="Video", description="The video of the actor's face", subtype="FILE_PATH", options=BLEND_RELATIVE
    )
    width: IntProperty(name="Width", description="Pixels across, as the video is seen")
    height: IntProperty(name="Height", description="Pixels down, as the video is seen")
    frames: IntProperty(name="Frames", description="How many frames the video has")
    rate_num: IntProperty(name="Frame Rate", description="Frames in so many seconds", default=24)
    rate_den: IntProperty(name="Seconds", description="The seconds of the frame rate", default=1)
    average_fps: FloatProperty(name="Average Rate", description="Frames per second where the rate varies")
    is_variable: BoolProperty(name="Variable Rate", description="Whether the video's frames come unevenly")
    sound: EnumProperty(
        name="Sound",
        description="Whether the video has sound",
        items=(
            ("UNKNOWN", "Unknown", "The file does not tell"),
            ("YES", "With Sound", "The video has sound"),
            ("NO", "No Sound", "The video has no sound"),
        ),
        default="UNKNOWN",
    )
    turn: IntProperty(
        name="Turn", description="Quarter turns, clockwise, that this Blender does not make when it shows the video"
    )
    trim_in: IntProperty(
        name="In", description="First frame that is captured, counted from 1", default=1, min=1, update=_keep_in_order
    )
    trim_out: IntProperty(
        name="Out", description="Last frame that is captured, counted from 1", default=1, min=1, update=_keep_in_order
    )
    trim_in_s: FloatProperty(
        name="In",
        description="Where the part that is captured begins, in seconds",
        min=0.0,
        precision=2,
        step=10,
        get=_in_s,
        set=_set_in_s,
    )
    trim_out_s: FloatProperty(
        name="Out",
        description="Where the part that is captured ends, in seconds",
        min=0.0,
        precision=2,
        step=10,
        get=_out_s,
        set=_set_out_s,
    )
    show_landmarks: BoolProperty(
        name="Show Landmarks",
        description="Draw the take's points over the video, wherever it is seen; green is sure, red is a guess",
        default=False,
    )
    # Where the video stands: what the user deletes or unlinks is no longer there.
    image: PointerProperty(name="Image", description="The video, as the scene shows it", type=bpy.types.Image)
    camera: PointerProperty(
        name="Camera", description="The camera that has it in its background", type=bpy.types.Camera
    )
    plane: PointerProperty(name="Plane", description="The plane that shows it", type=bpy.types.Object)
    stand: StringProperty(name="In Step", description="What the video in the scene was put in step with, as JSON")


CLASSES: tuple[type, ...] = (UnderstudyPerformance,)
