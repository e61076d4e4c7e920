# SPDX-License-Identifier: GPL-3.0-or-later
"""When Blender changes the frame, saves, renders, undoes or loads: what the previews do then."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from .live import LIVE, after_undo, before_undo


@persistent
def _frame_changed(scene: bpy.types.Scene, *_: Any) -> None:
    if LIVE.sessions:
        LIVE.shown(scene)


@persistent
def _saving(*_: Any) -> None:
    LIVE.pause()


@persistent
def _saved(*_: Any) -> None:
    LIVE.resume()


@persistent
def _ending(*_: Any) -> None:
    LIVE.end_all()


@persistent
def _loading(*_: Any) -> None:
    LIVE.drop_all()


@persistent
def _loaded(*_: Any) -> None:
    """A file that was saved by itself in the middle of a preview: quit, crash, autosave."""
    LIVE.pause()


@persistent
def _undoing(*_: Any) -> None:
    before_undo()


@persistent
def _undone(*_: Any) -> None:
    after_undo()


def _wanted() -> list[tuple[Any, Any]]:
    lists = bpy.app.handlers
    found = [
        (lists.frame_change_post, _frame_changed),
        (lists.save_pre, _saving),
        (lists.save_post, _saved),
        (lists.render_init, _ending),
        (lists.load_pre, _loading),
        (lists.load_post, _loaded),
        (lists.undo_pre, _undoing),
        (lists.redo_pre, _undoing),
        (lists.undo_post, _undone),
        (lists.redo_post, _undone),
    ]
    return [*found, (lists.save_post_fail, _saved)] if hasattr(lists, "save_post_fail") else found


def register() -> None:
    """Nothing; the previews follow what Blender does."""
    for own, handler in _wanted():
        own.append(handler)


def unregister() -> None:
    """Nothing; all previews are off, and nothing of them is left in Blender."""
    LIVE.end_all()
    for own, handler in _wanted():
        own.remove(handler)
