# SPDX-License-Identifier: GPL-3.0-or-later
"""What the list of takes shows of each captured performance."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from ..compat import BLEND_RELATIVE


class UnderstudyCalibration(bpy.types.PropertyGroup):
    """What counts as 0 and 1 of every channel for one actor; `name` is the actor's."""

    data: StringProperty(name="Ranges", description="The ranges of the channels, as JSON")
    take: StringProperty(name="Take", description="The range-of-motion take that they came from")


class UnderstudyTake(bpy.types.PropertyGroup):
    """One captured performance; the capture file holds the data, this is what the list shows."""

    filepath: StringProperty(name="Take", description="The capture file", subtype="FILE_PATH", options=BLEND_RELATIVE)
    video: StringProperty(
        name="Video", description="The performance it was captured from", subtype="FILE_PATH", options=BLEND_RELATIVE
    )
    actor: StringProperty(name="Actor", description="Whose face it is; takes of one actor share a calibration")
    landmarks: BoolProperty(
        name="Landmarks", description="Whether the take knows the face's points, or channels alone", default=True
    )
    uid: StringProperty(name="Mark", description="By this the characters that perform the take remember it")
    sha256: StringProperty(name="Checksum", description="Of the capture file, to find it again whatever its name")
    frames: IntProperty(name="Frames", description="How many frames the take has")
    lost: IntProperty(name="Lost Frames", description="Frames on which no face was found")
    rate_num: IntProperty(name="Frame Rate", description="Frames in so many seconds", default=24)
    rate_den: IntProperty(name="Seconds", description="The seconds of the frame rate", default=1)
    start_s: FloatProperty(name="Begins", description="Where in the video the take begins, in seconds")
    duration_s: FloatProperty(
        name="Length",
        description="Seconds from the first frame to the end of the last",
        subtype="TIME",
        unit="TIME_ABSOLUTE",
    )
    sound_offset_s: FloatProperty(
        name="Sound Offset", description="Seconds by which the sound begins after the picture"
    )
    bytes: IntProperty(name="Size", description="Bytes of the capture file, to tell it from another of the same name")
    absolute: StringProperty(
        name="Last Place", description="Where the capture file was last, for a scene that is appended elsewhere"
    )
    video_absolute: StringProperty(name="Last Place of the Video", description="Where the video was last")
    strip: StringProperty(name="Confidence", description="How sure the tracking is over time, one letter each")
    outline: StringProperty(name="Outline", description="The face at rest, for a take without a video, as JSON")
