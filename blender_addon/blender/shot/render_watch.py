# SPDX-License-Identifier: GPL-3.0-or-later
"""How a render in Blender's own window goes and ends, told in the panel; a still is saved when it is done.

Blender calls the handlers from the thread that renders. They only note what they saw; a timer on the main thread says
it and saves.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine.session import Failure
from .. import compat
from ..engine_jobs import status
from ..translation import said
from . import rendering

TICK_S = 0.25


@dataclass
class _Watched:
    """One render: which scene, what is written where, and what the handlers have seen."""

    scene: str
    still: Path | None
    total: int
    written: int = 0
    ended: str = ""


_watched: list[_Watched] = []  # none or one: Blender renders one thing at a time


def watch(scene: bpy.types.Scene, *, still: bool) -> None:
    """Nothing; the render that starts next is watched."""
    forget()
    total = 1 if still else len(range(scene.frame_start, scene.frame_end + 1, scene.frame_step))
    _watched.append(_Watched(scene.name, rendering.still_path(scene) if still else None, total))
    for own, handler in _handlers():
        own.append(handler)
    bpy.app.timers.register(_tick, first_interval=TICK_S)


def forget() -> None:
    """Nothing; no render is watched any more."""
    _watched.clear()
    for own, handler in _handlers():
        if handler in own:
            own.remove(handler)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)


def _wrote(*_: Any) -> None:
    for one in _watched:
        one.written += 1


def _completed(*_: Any) -> None:
    for one in _watched:
        one.ended = "complete"


def _cancelled(*_: Any) -> None:
    for one in _watched:
        one.ended = "cancel"


def _handlers() -> list[tuple[Any, Any]]:
    lists = bpy.app.handlers
    return [(lists.render_post, _wrote), (lists.render_complete, _completed), (lists.render_cancel, _cancelled)]


def _tick() -> float | None:
    if not _watched:
        return None
    one, context = _watched[0], bpy.context
    if not one.ended:
        status.say(status.of(context), said("Rendering: {done} of {total}.", done=one.written, total=one.total))
        status.redraw(context)
        return TICK_S
    forget()
    _conclude(one, context)
    status.redraw(context)
    return None


def _conclude(one: _Watched, context: bpy.types.Context) -> None:
    """Nothing; the user reads how it ended."""
    state, scene = status.of(context), bpy.data.scenes.get(one.scene)
    if one.ended == "cancel":
        status.say(state, said("The render was stopped after {count} frames.", count=one.written))
    elif one.still is None or scene is None:
        folder = Path(bpy.path.abspath(scene.render.filepath)).parent if scene is not None else ""
        status.say(state, said("Rendered {count} frames to {folder}.", count=one.written, folder=folder))
    else:
        _save(state, scene, one.still)


def _save(state: Any, scene: bpy.types.Scene, path: Path) -> None:
    result = bpy.data.images.get("Render Result")
    try:
        with compat.as_image_output(scene):
            result.save_render(str(path), scene=scene)  # type: ignore[union-attr]
    except (RuntimeError, AttributeError) as error:
        message = said("The still is in the render window, but could not be saved to {path}.", path=path)
        status.say_failure(state, Failure("not-writable", message, "Save it from that window.", str(error)))
        return
    status.say(state, said("Rendered {path}.", path=path))
