# SPDX-License-Identifier: GPL-3.0-or-later
"""Which picture of the video belongs to which scene frame: the rule that everything placed in the scene follows.

The take's first picture stands on the bake's start frame (and the time offset later); from there on the video runs in
its own time, whatever the scene's frame rate: at 30 fps a video of 30000/1001 skips no picture and drifts by none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import bpy

from fomm_engine.wire.errors import UserError

from ... import properties
from ...baking import retarget_settings
from ...properties.performance import rate_of
from .. import performance, take_files

FIRST_FRAME = -1_000_000  # of an image's own count, so that only the offset decides which picture is shown


@dataclass(frozen=True)
class Shown:
    """The part of a video that the scene shows.

    rate: pictures a second, as Blender counts them; frames: how many there are. size: pixels as Blender gives them;
    turn: clockwise quarter turns that it still needs. first_s, length_s: the part, in the video's time. at_frame: the
    scene frame on which it begins.
    """

    path: Path
    rate: float
    frames: int
    size: tuple[int, int]
    turn: int
    first_s: float
    length_s: float
    at_frame: float
    sound_offset_s: float = 0.0

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as it is seen."""
        return (self.size[1], self.size[0]) if self.turn % 2 else self.size

    def picture_at(self, frame: float, fps: float) -> int:
        """The number, from 0, of the picture that belongs to a scene frame; the ends are held."""
        seconds = (frame - self.at_frame) / fps + self.first_s
        return min(max(0, math.floor(seconds * self.rate + 0.5)), self.frames - 1)


def shown(scene: bpy.types.Scene) -> Shown:
    """What of the performance's video is shown, and when.

    It begins where the chosen take does, if that is of this video; where the trim does otherwise. Raises
    UserError("no-video", "video-missing").
    """
    own = properties.of(scene)
    video, path = own.performance, performance.video_of(scene)
    if path is None:
        raise UserError("no-video", "There is no performance video.", "Choose one.")
    if not path.is_file():
        raise UserError("video-missing", f"There is no file {path}.", "Choose the video again.")
    size = (video.height, video.width) if video.turn % 2 else (video.width, video.height)
    take = take_of(scene, path)
    rate = rate_of(video)
    part = (
        (take.start_s, take.duration_s)
        if take is not None
        else ((video.trim_in - 1) / rate, (video.trim_out - video.trim_in + 1) / rate)
    )
    late = round(own.retarget.time_offset_s, 6) * fps_of(scene)
    return Shown(
        path,
        rate,
        video.frames,
        size,
        video.turn,
        *part,
        own.retarget.start_frame + late,
        take.sound_offset_s if take is not None else 0.0,
    )


def heard(scene: bpy.types.Scene) -> Shown | None:
    """The chosen take's video for its sound alone, whatever the performance is; None where that is not there."""
    own, take = properties.of(scene), properties.chosen_take(scene)
    path = take_files.video_of(take) if take is not None else None
    if take is None or path is None or not path.is_file():
        return None
    at_frame = own.retarget.start_frame + round(own.retarget.time_offset_s, 6) * fps_of(scene)
    rate = take.rate_num / take.rate_den
    return Shown(path, rate, take.frames, (0, 0), 0, take.start_s, take.duration_s, at_frame, take.sound_offset_s)


def take_of(scene: bpy.types.Scene, path: Path) -> properties.UnderstudyTake | None:
    """The chosen take, where it was captured from this video."""
    take = properties.chosen_take(scene)
    video = take_files.video_of(take) if take is not None else None
    return take if video is not None and same_file(video, path) else None


def same_file(one: Path, other: Path) -> bool:
    """Whether both paths name one file; written differently they still may."""
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


def fps_of(scene: bpy.types.Scene) -> float:
    """The scene's frames per second."""
    return float(Fraction(*retarget_settings.scene_rate(scene)))


def keep_in_step(owner: bpy.types.ID, user_path: str, part: Shown, scene: bpy.types.Scene) -> None:
    """Nothing; the image user at `user_path` of `owner` shows the picture that belongs to each scene frame.

    By a driver that Blender computes without Python, and without this add-on: a file that is sent to others stays in
    step. It follows the scene's frame rate by itself; where the part begins is written into it.
    """
    user = owner.path_resolve(user_path)
    user.frame_start, user.frame_duration = FIRST_FRAME, 1
    user.use_auto_refresh, user.use_cyclic = True, False
    data_path = f"{user_path}.frame_offset"
    owner.driver_remove(data_path)
    driver = owner.driver_add(data_path).driver
    driver.type = "SCRIPTED"
    for name, setting in (("fps", "fps"), ("base", "fps_base")):
        variable = driver.variables.new()
        variable.name, target = name, variable.targets[0]
        target.id_type, target.id, target.data_path = "SCENE", scene, f"render.{setting}"
    at = f"((frame-{part.at_frame:.6g})*base/fps+{part.first_s:.6f})*{part.rate:.9g}"
    driver.expression = f"max(0,min({part.frames - 1},floor({at}+0.501)))"
