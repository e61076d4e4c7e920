# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on enabled in this Blender, and for each test a fresh scene, a small character, a take, an engine."""

import json
import os
import shutil
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
def quiet_desk(addon):
    """No job is left running after the test, and nothing listens to the next one."""
    from blender_addon.blender.engine_jobs import jobs, unfinished

    yield
    jobs.DESK.close()
    jobs.DESK.listener, jobs.DESK.stop_asked, jobs.DESK.times = None, lambda: False, None
    unfinished.OFFERS.forget()


class FakeEngine:
    """An engine in the preferences that does as it is told; see fake_engine.py."""

    def __init__(self, folder, take):
        self.folder, self.take = folder, str(take)
        shutil.copyfile(Path(__file__).with_name("fake_engine.py"), folder / "fake_engine.py")
        self.python = folder / "python"
        self.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/fake_engine.py" "$@"\n')
        self.python.chmod(0o755)
        self.behave("ok")

    def behave(self, mode, steps=3, sleep_s=0.01):
        settings = {"take": self.take, "mode": mode, "steps": steps, "sleep_s": sleep_s}
        (self.folder / "fake_engine.json").write_text(json.dumps(settings))

    def is_gone(self):
        try:
            os.kill(int((self.folder / "fake_engine.pid").read_text()), 0)
        except ProcessLookupError:
            return True
        return False


@pytest.fixture
def fake_engine(scene, take_path, tmp_path):
    """The preferences with an engine that is a small script of ours."""
    if os.name != "posix":
        pytest.skip("the stand-in for the engine's interpreter is a shell script")
    folder = tmp_path / "engine"
    folder.mkdir()
    engine = FakeEngine(folder, take_path)
    bpy.context.preferences.addons[PACKAGE].preferences.engine_python = str(engine.python)
    return engine


@pytest.fixture(scope="session")
def video(tmp_path_factory, addon):
    """A film of 12 frames at 29.97 fps that Blender itself has rendered."""
    from blender_addon.blender import compat
    from blender_addon.blender.baking import retarget_settings

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=False)
    scene, path = bpy.context.scene, tmp_path_factory.mktemp("video") / "clip ä.mp4"
    compat.set_render_engine(scene, "CYCLES")  # Workbench needs EGL, which not every machine has
    compat.set_movie_output(scene)
    retarget_settings.set_scene_rate(scene, (30000, 1001))
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x, scene.render.resolution_y, scene.frame_end = 64, 48, 12
    scene.render.filepath, scene.render.use_file_extension = str(path), False
    bpy.ops.render.render(animation=True)
    return path


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
