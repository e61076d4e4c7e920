# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether there is an engine: looked up on the disk once a second at most, since panels ask at every drawing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import bpy

from ...engine import install
from .. import paths, preferences

_FRESH_S = 1.0


class EngineState(Enum):
    """MISSING: none. BEGUN: half installed. OLD: of another version of the extension. BROKEN: its Python is gone.
    READY: installed by the extension. CHOSEN: an environment of the user's own."""

    MISSING = "missing"
    BEGUN = "begun"
    OLD = "old"
    BROKEN = "broken"
    READY = "ready"
    CHOSEN = "chosen"

    @property
    def works(self) -> bool:
        """Whether jobs can be started."""
        return self in (EngineState.OLD, EngineState.READY, EngineState.CHOSEN)


@dataclass
class _Memory:
    """The last look: of what, when, and what was seen."""

    of: tuple[str, str] = ("", "")
    at_s: float = -_FRESH_S
    state: EngineState = EngineState.MISSING


_MEMORY = _Memory()


def state(context: bpy.types.Context) -> EngineState:
    """The engine's state, at most a second old."""
    own = preferences.get(context)
    of = (own.engine_python, own.engine_folder) if own is not None else ("", "")
    now = time.monotonic()
    if of != _MEMORY.of or now - _MEMORY.at_s > _FRESH_S:
        _MEMORY.of, _MEMORY.at_s, _MEMORY.state = of, now, _looked_up(context, chosen=bool(of[0]))
    return _MEMORY.state


def forget() -> None:
    """Nothing; the next question looks again, because something was just changed."""
    _MEMORY.at_s = -_FRESH_S


def _looked_up(context: bpy.types.Context, *, chosen: bool) -> EngineState:
    if chosen:
        return EngineState.CHOSEN if preferences.engine_python(context).is_file() else EngineState.BROKEN
    return state_of_folder(preferences.engine_folder(context), paths.engine_package())


def state_of_folder(folder: Path, package: Path) -> EngineState:
    """The state of the extension's own environment, beside the engine's package that the extension brings."""
    there = install.installed(folder)
    if there is None:
        return EngineState.BEGUN if install.is_begun(folder) else EngineState.MISSING
    if not install.environment_python(folder).is_file():
        return EngineState.BROKEN
    return EngineState.READY if there.is_of(package) else EngineState.OLD
