# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on enabled in this Blender, a fresh scene for each test, a small character, and a small take."""

import sys
from pathlib import Path

import addon_utils
import bpy
import pytest
from tiny_character import make_character
from tiny_take import write_tiny_take

PACKAGE = "blender_addon"
ENGINE = Path(sys.prefix).parent / "engine" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


@pytest.fixture(scope="session")
def addon():
    module = addon_utils.enable(PACKAGE, default_set=True)
    assert module is not None, "the add-on did not register"
    return module


@pytest.fixture
def scene(addon):
    """The factory scene with nothing in it; add-ons and preferences stay."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    own = bpy.context.preferences.addons[PACKAGE].preferences
    own.engine_python = own.engine_folder = own.takes_folder = ""
    return bpy.context.scene


@pytest.fixture
def engine(scene):
    """The preferences with an engine that is there (its own tests need torch; jobs of kind fake do not)."""
    if not ENGINE.is_file():
        pytest.skip(f"the engine's environment is not there: {ENGINE}")
    bpy.context.preferences.addons[PACKAGE].preferences.engine_python = str(ENGINE)
    return ENGINE


@pytest.fixture
def character(scene):
    return make_character("Ada")


@pytest.fixture(scope="session")
def take_path(tmp_path_factory):
    return write_tiny_take(tmp_path_factory.mktemp("take") / "tiny.capture.npz")


@pytest.fixture
def ready(scene, character, take_path):
    """A scene with a take and a detected character: one press from the bake."""
    bpy.ops.understudy.import_take(filepath=str(take_path))
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.understudy.choose_character()
    return scene.understudy
