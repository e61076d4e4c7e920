# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures that did not come to their end: Blender was closed, the engine was killed, or they were cancelled."""

from __future__ import annotations

import time
from pathlib import Path

import bpy

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.unfinished import Unfinished, unfinished_in

from ..capturing import take_files

_REMEMBERED_S = 2.0


class Offers:
    """The unfinished captures of the takes folder; panels are drawn far more often than the disk is asked."""

    def __init__(self) -> None:
        self._asked_at_s, self._folder, self._found = -_REMEMBERED_S, Path(), list[Unfinished]()

    def of(self, scene: bpy.types.Scene) -> list[Unfinished]:
        """Those that can go on, the newest first."""
        now_s = time.monotonic()
        if now_s - self._asked_at_s >= _REMEMBERED_S:
            self._asked_at_s, self._found = now_s, found_for(scene)
        return self._found

    def forget(self) -> None:
        """Nothing; the disk is asked again next time."""
        self._asked_at_s = -_REMEMBERED_S


OFFERS = Offers()


def found_for(scene: bpy.types.Scene) -> list[Unfinished]:
    """The unfinished captures in the scene's takes folder, the newest first; none where that is out of reach."""
    try:
        return unfinished_in(take_files.folder_of(scene), "capture")
    except UserError:
        return []


def require(scene: bpy.types.Scene, folder: str) -> Unfinished:
    """The unfinished capture whose parts lie in `folder`, or the newest for "".

    Raises UserError("nothing-unfinished").
    """
    found = [each for each in found_for(scene) if folder in ("", str(each.folder))]
    if not found:
        raise UserError("nothing-unfinished", "There is no unfinished capture any more.", "Capture the video again.")
    return found[0]


def video_name(left: Unfinished) -> str:
    """The name of the video that was captured."""
    return Path(left.job.input.get("video", "")).name
