# SPDX-License-Identifier: GPL-3.0-or-later
"""Films in the Image Editor, in step with the playhead whatever the scene's frame rate is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..capturing import performance

_KEY = "understudy_film"  # on the image: frames per second, how many, and the scene's frame at which it begins


def show_film(context: bpy.types.Context, path: Path, *, start_frame: int = 1) -> bpy.types.Image:
    """The film as Blender's image, shown in every open Image Editor; in a window of its own where there is none."""
    image = next((known for known in bpy.data.images if bpy.path.abspath(known.filepath) == str(path)), None)
    if image is None:
        image = bpy.data.images.load(str(path))
    else:
        image.reload()  # made anew under the same name
    image.source = "MOVIE"
    facts = performance.read_video_facts(path)
    image[_KEY] = {
        "fps": facts.frame_rate[0] / facts.frame_rate[1],
        "frames": facts.frames,
        "start": start_frame,
    }
    if not bpy.app.background:
        for area in list(_editors(context)) or _new_editor(context):
            _put(area.spaces.active, image, context.scene)
    return image


def film_frame(scene: bpy.types.Scene, image: bpy.types.Image) -> int:
    """Which frame of the film, from 1, is shown at the scene's current frame."""
    known = image[_KEY]
    render = scene.render
    time_s = (scene.frame_current - known["start"]) * render.fps_base / render.fps
    # Half a step of slack: where the rates are equal, rounding must not show the frame before.
    return max(1, min(known["frames"], int(time_s * known["fps"] + 1.0 + 0.01)))


@persistent
def follow(scene: bpy.types.Scene, *_: Any) -> None:
    """Nothing; every editor that shows a film of ours shows the frame of the playhead's time."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        if window.scene != scene:
            continue
        for area in window.screen.areas:
            space = area.spaces.active
            if area.type == "IMAGE_EDITOR" and space.image is not None and _KEY in space.image:
                _set_frame(space.image_user, scene, space.image)


def start() -> None:
    """Nothing; films follow the playhead from now on."""
    bpy.app.handlers.frame_change_post.append(follow)


def stop() -> None:
    """Nothing; they do no longer."""
    if follow in bpy.app.handlers.frame_change_post:
        bpy.app.handlers.frame_change_post.remove(follow)


def _put(space: bpy.types.SpaceImageEditor, image: bpy.types.Image, scene: bpy.types.Scene) -> None:
    user = space.image_user
    user.frame_duration, user.use_cyclic, user.use_auto_refresh = image[_KEY]["frames"], False, True
    _set_frame(user, scene, image)
    space.image = image  # last: each setting before has made Blender forget which frame it shows


def _set_frame(user: bpy.types.ImageUser, scene: bpy.types.Scene, image: bpy.types.Image) -> None:
    """Nothing; Blender counts from frame_start and adds the offset: so the film's own frame stands in the offset."""
    user.frame_start, user.frame_offset = scene.frame_current, film_frame(scene, image) - 1


def _editors(context: bpy.types.Context) -> Iterator[bpy.types.Area]:
    for window in context.window_manager.windows:
        yield from (area for area in window.screen.areas if area.type == "IMAGE_EDITOR")


def _new_editor(context: bpy.types.Context) -> list[bpy.types.Area]:
    """The one area of a new, smaller window; none where the system opens no window."""
    manager = context.window_manager
    before = {window.as_pointer() for window in manager.windows}
    window = context.window or manager.windows[0]
    area = max(window.screen.areas, key=lambda known: known.width * known.height)
    with context.temp_override(window=window, area=area):
        bpy.ops.screen.area_dupli("INVOKE_DEFAULT")
    made = [area for window in manager.windows if window.as_pointer() not in before for area in window.screen.areas]
    for area in made:
        area.type = "IMAGE_EDITOR"
    return made[:1]
