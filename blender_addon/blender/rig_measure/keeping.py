# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that is kept with a character: on its main object, or in the scene where the object comes from another file.

Blender saves no new custom properties of library overrides, so those of an override would be gone in the next session.
"""

from __future__ import annotations

from typing import Any

import bpy


def put(main: bpy.types.Object, name: str, text: str) -> None:
    """Nothing; the text is kept under this name."""
    if not _is_foreign(main):
        main[name] = text
        return
    scene: Any = bpy.context.scene
    if name not in scene:
        scene[name] = {}
    scene[name][main.name] = text


def get(main: bpy.types.Object, name: str) -> str:
    """The text that is kept under a name; empty where there is none."""
    found: Any = main.get(name, "")
    if isinstance(found, str) and found:
        return found
    for scene in bpy.data.scenes:
        entries: Any = scene.get(name)
        if entries is not None and main.name in entries:
            return str(entries[main.name])
    return ""


def drop(main: bpy.types.Object, name: str) -> None:
    """Nothing; no text is kept under this name."""
    if name in main:
        del main[name]
    for scene in bpy.data.scenes:
        entries: Any = scene.get(name)
        if entries is not None and main.name in entries:
            del entries[main.name]


def _is_foreign(main: bpy.types.Object) -> bool:
    return main.override_library is not None or main.library is not None
