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
    sha256: StringProperty(name="Checksum")
    frames: IntProperty(name="Frames")
    lost: IntProperty(name="Lost Frames", description="Frames on which no face was found")
    rate_num: IntProperty(default=24)
    rate_den: IntProperty(default=1)
    duration_s: FloatProperty(name="Length", subtype="TIME", unit="TIME_ABSOLUTE")
