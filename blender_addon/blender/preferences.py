# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: where the engine lives, and the user's own folders."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import CollectionProperty, EnumProperty, StringProperty

from ..engine.builds import runnable, this_machine
from ..engine.install import ENVIRONMENT, environment_python, installed
from . import paths
from .compat import BLEND_RELATIVE


def _check_soon(_own: UnderstudyPreferences, _context: bpy.types.Context) -> None:
    from .engine_jobs import engine_check

    engine_check.soon()


class UnderstudyFolder(bpy.types.PropertyGroup):
    """A folder of the user's that the galleries show"""

    path: StringProperty(
        name="Folder", description="A folder of pictures or videos", subtype="DIR_PATH", options=BLEND_RELATIVE
    )


class UnderstudyPreferences(bpy.types.AddonPreferences):
    """The engine and the folders; drawn in Blender's preferences."""

    bl_idname = paths.PACKAGE

    engine_python: StringProperty(
        name="Engine",
        description="Python of an environment that has the engine (its folder will do); empty for the installed one",
        subtype="FILE_PATH",
        options=BLEND_RELATIVE,
        update=_check_soon,
    )
    engine_folder: StringProperty(
        name="Install To",
        description="Where the engine's environment is made; empty for the extension's own folder",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )
    wheels_folder: StringProperty(
        name="Wheels",
        description="A folder of downloaded Python wheels to install from, without any network; empty for the network",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )
    device: EnumProperty(
        name="Build",
        description="Which build of PyTorch the engine gets; what suits this machine is chosen already",
        items=(
            ("CPU", "CPU", "Runs everywhere; the smallest download"),
            ("CUDA", "CUDA", "For NVIDIA cards; a large download"),
            ("METAL", "Metal", "For Apple's own processors"),
        ),
        default=runnable(this_machine())[0],
    )
    takes_folder: StringProperty(
        name="Takes",
        description="Where new takes are written; empty for a folder beside the .blend",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )
    models_folder: StringProperty(
        name="Models",
        description="Where downloaded models are kept; empty for the extension's own folder, which goes with it",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )
    gallery_folders: CollectionProperty(type=UnderstudyFolder)

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; lays out the engine's state, its choices, and the folders."""
        from .panels.preferences import draw_preferences

        draw_preferences(self.layout, context)


def get(context: bpy.types.Context) -> UnderstudyPreferences | None:
    """The preferences, None where the add-on was registered without being enabled."""
    addon = context.preferences.addons.get(paths.PACKAGE)
    return addon.preferences if addon is not None else None


def engine_folder(context: bpy.types.Context) -> Path:
    """The folder of the engine's own environment, whether it is there already or not."""
    own = get(context)
    if own is not None and own.engine_folder:
        return Path(bpy.path.abspath(own.engine_folder)) / ENVIRONMENT
    return paths.user_folder("engine", create=False) / ENVIRONMENT


def engine_python(context: bpy.types.Context) -> Path:
    """The engine's interpreter: the chosen one, else the installed one's; Path() where there is none."""
    own = get(context)
    if own is not None and own.engine_python:
        return environment_python(Path(bpy.path.abspath(own.engine_python)))
    folder = engine_folder(context)
    return environment_python(folder) if installed(folder) else Path()


def has_engine(context: bpy.types.Context) -> bool:
    """Whether an engine was installed or chosen."""
    from .engine_jobs import engine_state

    return engine_state.state(context).works


def wheels_folder(context: bpy.types.Context) -> Path | None:
    """The folder to install from without any network, None for the network."""
    own = get(context)
    return Path(bpy.path.abspath(own.wheels_folder)) if own is not None and own.wheels_folder else None


def may_install(context: bpy.types.Context) -> bool:
    """Whether the installation has a place to install from: Blender may go online, or there is a folder of wheels."""
    return bpy.app.online_access or wheels_folder(context) is not None


def takes_folder(context: bpy.types.Context) -> Path:
    """The folder where new takes go, made where it is missing."""
    own = get(context)
    return paths.takes_folder(own.takes_folder if own is not None else "")


def models_folder(context: bpy.types.Context) -> Path:
    """Where downloaded weights are kept: the chosen folder, else the extension's own."""
    own = get(context)
    return Path(bpy.path.abspath(own.models_folder)) if own is not None and own.models_folder else paths.models_folder()


CLASSES: tuple[type, ...] = (UnderstudyFolder, UnderstudyPreferences)
