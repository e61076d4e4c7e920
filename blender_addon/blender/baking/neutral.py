# SPDX-License-Identifier: GPL-3.0-or-later
"""The neutral frame between the take's clock and the scene's: shown in the scene, and taken from it."""

from __future__ import annotations

import bpy
import numpy as np

from fomm_engine.wire.capture import Capture
from fomm_engine.wire.errors import UserError

from ...core.timing import SceneClock
from .. import properties
from ..capturing import takes
from . import retarget_settings


def scene_frame_of(scene: bpy.types.Scene, frame: int) -> int:
    """The scene frame that shows a frame of the chosen take. Raises UserError where the take has no such frame."""
    capture = _capture(scene)
    if not 0 <= frame < capture.frame_count:
        raise UserError("no-frame", f"The take has no frame {frame}.", f"Its last one is {capture.frame_count - 1}.")
    clock = _clock(scene)
    num, den = clock.frame_rate
    times = takes.times_of(capture)
    return clock.start_frame + round((float(times[frame]) + clock.time_offset_s) * num / den)


def take_frame_at(scene: bpy.types.Scene, scene_frame: int) -> int:
    """The take's frame that is shown at a scene frame.

    Raises UserError("outside-take", "no-face") where none is, or where it shows no face.
    """
    capture = _capture(scene)
    at_s = float(_clock(scene).time_s(np.array([scene_frame]))[0])
    times = takes.times_of(capture)
    step_s = 1.0 / max(1e-6, capture.frame_count / max(1e-6, float(times[-1] - times[0])))
    if not times[0] - step_s <= at_s <= times[-1] + step_s:
        raise UserError("outside-take", f"The take is not on frame {scene_frame}.", "Go to a frame that it covers.")
    found = int(np.abs(times - at_s).argmin())
    if not capture.valid[found]:
        raise UserError("no-face", f"The take shows no face on frame {scene_frame}.", "Choose another frame.")
    return found


def _capture(scene: bpy.types.Scene) -> Capture:
    return takes.capture_of(takes.require_chosen(scene))


def _clock(scene: bpy.types.Scene) -> SceneClock:
    own = properties.of(scene).retarget
    return SceneClock(own.start_frame, retarget_settings.scene_rate(scene), round(own.time_offset_s, 6))
