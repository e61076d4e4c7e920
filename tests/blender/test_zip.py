# SPDX-License-Identifier: GPL-3.0-or-later
"""The built zip, installed as a user would, in a Blender of its own that knows nothing of the source tree."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = "bl_ext.user_default.understudy"
# What a machine without a display or a sound card says, whoever asks.
NOISE = re.compile("EGL|libGL|MESA|ALSA|XDG_RUNTIME|pulse", re.I)
SCRIPT = f"""
import importlib, os, sys
import bpy

zip_path, take, folder = sys.argv[1:]


def traces():
    # What of ours is in this Blender: classes, properties, handlers, parts of its own headers, previews, files.
    import bpy.utils.previews

    lists = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
    functions = [f for known in lists if isinstance(known, list) for f in known]
    functions += getattr(bpy.types.STATUSBAR_HT_header.draw, "_draw_funcs", ())
    kinds = (bpy.types.Scene, bpy.types.WindowManager, bpy.types.Object, bpy.types.Armature)
    return {{
        "classes": [name for name in dir(bpy.types) if name.lower().startswith("understudy")],
        "properties": [name for kind in kinds for name in dir(kind) if name.startswith("understudy")],
        "functions": [f.__qualname__ for f in functions if "understudy" in f.__module__],
        "previews": list(bpy.utils.previews._uuid_open),
        "files": [
            os.path.join(root, name)
            for root, folders, files in os.walk(os.environ["BLENDER_USER_RESOURCES"])
            for name in (*folders, *files)
            if "understudy" in name or "fomm" in name
        ],
    }}


before = traces()
sys.path.insert(0, folder)  # the small character; nothing else of the source tree
bpy.ops.extensions.package_install_files(filepath=zip_path, repo="user_default", enable_on_install=True)
addon = sys.modules["{MODULE}"]
wire = importlib.import_module("fomm_engine.wire.names")
assert ".local" in wire.__file__, wire.__file__
paths = importlib.import_module("{MODULE}.blender.paths")
assert paths.engine_package().suffix == ".whl", paths.engine_package()
assert paths.source_root() is None
assert len(paths.convention_files()) > 20
assert ".user" in str(paths.user_folder()), paths.user_folder()
for _ in range(2):
    bpy.ops.preferences.addon_disable(module="{MODULE}")
    left = traces()
    assert not any(left[name] for name in left if name != "files"), left
    bpy.ops.preferences.addon_enable(module="{MODULE}")
before_reload = traces()
for _ in range(2):
    bpy.ops.script.reload()
    assert traces() == before_reload, "reloading the scripts leaves something twice, or not at all"
addon = sys.modules["{MODULE}"]
from tiny_character import make_character

make_character("Ada")
assert bpy.ops.understudy.import_take(filepath=take) == {{"FINISHED"}}
assert bpy.ops.understudy.choose_character() == {{"FINISHED"}}
assert bpy.ops.understudy.bake() == {{"FINISHED"}}
# An engine with downloads, a model, and a job that is running: they go too.
paths = importlib.import_module("{MODULE}.blender.paths")
for name in ("engine/understudy-engine/bin/python", "engine/downloads/torch.whl.part", "models/vox/vox-cpk.pth.tar"):
    file = paths.user_folder() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\\nexec sleep 60\\n")
    file.chmod(0o755)
gallery = importlib.import_module("{MODULE}.blender.portrait.gallery")
assert len(gallery.PORTRAITS.read()) >= 4
jobs = importlib.import_module("{MODULE}.blender.engine_jobs.jobs")
job = importlib.import_module("fomm_engine.wire.job").Job("doctor", {{}}, "/nowhere")
python = paths.user_folder() / "engine/understudy-engine/bin/python"
run = jobs.DESK.take("Check", lambda: jobs.start_engine(job, python))
os.kill(run.pid, 0)
assert traces()["files"] != before["files"]
bpy.ops.extensions.package_uninstall(repo_index=next(
    index for index, repo in enumerate(bpy.context.preferences.extensions.repos) if repo.module == "user_default"
), pkg_id="understudy")
assert traces() == before, traces()
try:
    os.kill(run.pid, 0)
except ProcessLookupError:
    pass
else:
    raise AssertionError("the engine still runs")
print("ALL WELL")
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture
def extension_zip():
    zips = sorted((ROOT / "dist").glob("understudy-*.zip"))
    if not zips:
        pytest.skip("there is no built zip in dist/: python3 build.py package makes it")
    return zips[-1]


def test_the_built_zip_installs_runs_and_goes(extension_zip, take_path, tmp_path):
    script = tmp_path / "install.py"
    script.write_text(SCRIPT)
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    (helpers / "tiny_character.py").write_text(Path(__file__).with_name("tiny_character.py").read_text())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["BLENDER_USER_RESOURCES"] = str(tmp_path / "user")
    (tmp_path / "user").mkdir()
    done = subprocess.run(
        [sys.executable, str(script), str(extension_zip), str(take_path), str(helpers)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ALL WELL" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    lines = (done.stdout + done.stderr).splitlines()
    told = [line for line in lines if re.search("warning|error|traceback", line, re.I)]
    assert [line for line in told if not NOISE.search(line)] == []
