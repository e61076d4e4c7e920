# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: where the engine lives, and the user's own folders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..engine.install import environment_python, installed_package
from . import jobs, paths, status
from .compat import BLEND_RELATIVE


class UnderstudyPreferences(bpy.types.AddonPreferences):
    """The engine and the folders; drawn in Blender's preferences."""

    bl_idname = paths.PACKAGE

    engine_python: StringProperty(
        name="Engine",
        description="Python of an environment that has the engine (its folder will do); empty for the installed one",
        subtype="FILE_PATH",
        options=BLEND_RELATIVE,
    )
    engine_folder: StringProperty(
        name="Install To",
        description="Where the engine's environment is made; empty for the extension's own folder",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )
    device: EnumProperty(
        name="Build",
        description="Which build of PyTorch the engine gets",
        items=(
            ("CPU", "CPU", "Runs everywhere; the smallest download"),
            ("CUDA", "CUDA", "For NVIDIA cards; a large download"),
            ("METAL", "Metal", "For Apple's own processors"),
        ),
        default="METAL" if sys.platform == "darwin" else "CPU",
    )
    takes_folder: StringProperty(
        name="Takes",
        description="Where new takes are written; empty for a folder beside the .blend",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; lays out the engine's state, its choices, and the folders."""
        layout = self.layout
        layout.use_property_split = True
        _draw_engine(self, layout, context)
        layout.separator()
        layout.prop(self, "takes_folder")


def _draw_engine(own: UnderstudyPreferences, layout: Any, context: bpy.types.Context) -> None:
    state = status.of(context)
    ready = engine_python(context).is_file()
    text = "The engine is installed" if ready else "The engine is not installed yet"
    layout.label(text=text, icon="CHECKMARK" if ready else "INFO")
    layout.prop(own, "device")
    layout.prop(own, "engine_folder")
    row = layout.row()
    row.operator("understudy.install_engine", icon="IMPORT")
    row.operator("understudy.check_engine", icon="VIEWZOOM")
    if not bpy.app.online_access:
        layout.label(text="Allow Online Access (System) to install", icon="INTERNET_OFFLINE")
    layout.prop(own, "engine_python", text="Or Use")
    if jobs.DESK.busy:
        layout.progress(factor=state.fraction, text=state.line)
        layout.operator("understudy.cancel", icon="X")
    elif state.said:
        layout.label(text=state.said, icon="ERROR" if state.is_error else "INFO")


def get(context: bpy.types.Context) -> UnderstudyPreferences | None:
    """The preferences, None where the add-on was registered without being enabled."""
    addon = context.preferences.addons.get(paths.PACKAGE)
    return addon.preferences if addon is not None else None


def engine_folder(context: bpy.types.Context) -> Path:
    """The folder of the engine's own environment, whether it is there already or not."""
    own = get(context)
    if own is not None and own.engine_folder:
        return Path(bpy.path.abspath(own.engine_folder)) / "understudy-engine"
    return paths.user_folder("engine", create=False) / "understudy-engine"


def engine_python(context: bpy.types.Context) -> Path:
    """The engine's interpreter: the chosen one, else the installed one's; Path() where there is none."""
    own = get(context)
    if own is not None and own.engine_python:
        return environment_python(Path(bpy.path.abspath(own.engine_python)))
    folder = engine_folder(context)
    return environment_python(folder) if installed_package(folder) else Path()


def has_engine(context: bpy.types.Context) -> bool:
    """Whether an engine was installed or chosen."""
    return bool(engine_python(context).name)


def takes_folder(context: bpy.types.Context) -> Path:
    """The folder where new takes go, made where it is missing."""
    own = get(context)
    return paths.takes_folder(own.takes_folder if own is not None else "")
