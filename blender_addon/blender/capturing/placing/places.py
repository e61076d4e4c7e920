# SPDX-License-Identifier: GPL-3.0-or-later
"""The places where a video can stand: put there, taken away, and kept in step while the scene changes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.handlers import persistent

from fomm_engine.wire.errors import UserError

from ... import properties
from . import background, picture, plane, strips
from .step import heard, shown

BACKGROUND, PLANE, STRIP = "BACKGROUND", "PLANE", "STRIP"


@dataclass(frozen=True)
class PlacingOptions:
    """How the video stands: depth of the background ("BACK" or "FRONT") and its opacity; side of the character on
    which the plane is ("BESIDE", "BEHIND", "FRONT")."""

    depth: str = "BACK"
    opacity: float = 1.0
    side: str = "BESIDE"


_REMOVERS = {BACKGROUND: background.remove, PLANE: plane.remove, STRIP: strips.remove}


def placed(scene: bpy.types.Scene) -> frozenset[str]:
    """Where the video stands."""
    standing = {
        BACKGROUND: background.entry(scene) is not None,
        PLANE: plane.of(scene) is not None,
        STRIP: any(strips.of(scene, strips.VIDEO)),
    }
    return frozenset(place for place, is_there in standing.items() if is_there)


def place(scene: bpy.types.Scene, where: str, options: PlacingOptions) -> bool:
    """Whether it is heard too; the performance's video stands there, in place of an earlier one.

    Raises UserError where there is no video, or for the background no camera.
    """
    part, sound = shown(scene), False
    if where == BACKGROUND:
        background.place(scene, part, depth=options.depth, opacity=options.opacity)
    elif where == PLANE:
        plane.place(scene, part, side=options.side)
    else:
        sound = strips.place(scene, part)
    properties.of(scene).performance.stand = _wanted(scene)
    return sound


def add_sound(scene: bpy.types.Scene) -> bool:
    """Whether the scene plays the sound of the chosen take's video, in step with the bake."""
    part = heard(scene)
    if part is None or not strips.place_sound(scene, part):
        return False
    properties.of(scene).performance.stand = _wanted(scene)
    return True


def remove(scene: bpy.types.Scene, where: str) -> bool:
    """Whether the video stood there; now it does not."""
    was_there = _REMOVERS[where](scene)
    left = placed(scene)
    if not left & {BACKGROUND, PLANE}:
        picture.forget_unused(scene)
    if not left and not any(strips.of(scene, strips.SOUND)):
        properties.of(scene).performance.stand = ""
    return was_there


def follow(scene: bpy.types.Scene) -> None:
    """Nothing; the video is in step with the take, the bake's start and the scene's rate, wherever it stands."""
    properties.of(scene).performance.stand = _wanted(scene)
    if any(strips.of(scene, strips.SOUND)) and not any(strips.of(scene, strips.VIDEO)):
        add_sound(scene)
    try:
        part = shown(scene)
    except UserError:
        return  # the video is gone: what stands in the scene says so itself
    for kind in (background, plane, strips):
        kind.follow(scene, part)


def _wanted(scene: bpy.types.Scene) -> str:
    """What the video has to be in step with, as a text to compare."""
    own = properties.of(scene)
    video, take, render = own.performance, properties.chosen_take(scene), scene.render
    facts = (video.filepath, video.trim_in, video.trim_out, own.retarget.start_frame, own.retarget.time_offset_s)
    captured = (take.video, take.start_s, take.duration_s) if take is not None else ()
    return json.dumps([*facts, *captured, render.fps, round(render.fps_base, 6)], ensure_ascii=True)


@persistent
def watch(scene: bpy.types.Scene, *_: Any) -> None:
    """Nothing; called after each change of the scene, and before its frame changes: where the video's place in time was
    moved, the video follows. What is being rendered stays as it is."""
    own = properties.of(scene).performance
    if own.stand and own.stand != _wanted(scene) and not bpy.app.is_job_running("RENDER"):
        follow(scene)


def start() -> None:
    """Nothing; what stands in a scene follows it from now on."""
    for handlers in _watched():
        handlers.append(watch)


def stop() -> None:
    """Nothing; nothing follows any more."""
    for handlers in _watched():
        if watch in handlers:
            handlers.remove(watch)


def _watched() -> tuple[list[Any], list[Any]]:
    return bpy.app.handlers.depsgraph_update_post, bpy.app.handlers.frame_change_pre
