# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine in the add-on: installed, checked in words, chosen, updated, removed; and what stands in the way."""

import json
from pathlib import Path

import bpy
import pytest
from test_registration import drawn, labels_in, operators_in

from blender_addon.blender import panels, preferences
from blender_addon.blender.engine_jobs import engine_check, engine_state, jobs, status
from blender_addon.blender.engine_jobs.engine_state import EngineState
from blender_addon.engine import install, pythons
from blender_addon.engine.builds import runnable, this_machine

REPORT = {
    "engine": "0.1.0",
    "python": "3.11.7",
    "problems": [],
    "packages": {"torch": "2.13.0+cpu"},
    "device": {"best": "cpu", "name": "x86_64", "cuda_build": "", "threads": 1, "cores": 16},
    "decoder": {"ffmpeg": "7.1-essentials"},
    "weights": {"a": "1", "b": "2"},
    "speed": {"landmark_frames_per_s": 123.4},
}


@pytest.fixture(autouse=True)
def quiet(scene):
    yield
    jobs.DESK.close()
    engine_check.keep(bpy.context, [])
    own = preferences.get(bpy.context)
    own.wheels_folder = own.engine_folder = ""
    engine_state.forget()


@pytest.fixture
def own(scene, tmp_path):
    """The preferences, with the engine's folder in a temporary place."""
    own = preferences.get(bpy.context)
    own.engine_folder = str(tmp_path / "to")
    engine_state.forget()
    return own


@pytest.fixture
def installer(own, fake_engine, tmp_path, monkeypatch):
    """An installation whose process is a small script of ours; it leaves a note as the real one does."""
    own.engine_python = ""
    note = tmp_path / "note.json"
    note.write_text(json.dumps({"package": "fomm_engine-0.1.0-py3-none-any.whl", "bytes": 0, "device": "CPU"}))
    fake_engine.take = str(note)
    fake_engine.behave("ok")
    monkeypatch.setattr(pythons, "candidates", lambda _: [str(fake_engine.python)])
    monkeypatch.setattr(pythons, "probe", lambda _: (3, 11))
    monkeypatch.setattr(install, "require_room", lambda *_: None)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "torch-2.13.0-py3-none-any.whl").touch()
    own.wheels_folder = str(tmp_path / "wheels")
    return fake_engine


def engine_panel():
    return drawn(panels.engine.UNDERSTUDY_PT_engine)


def test_installing_makes_the_engine_usable_and_removing_takes_it_away(installer, own, tmp_path):
    folder = tmp_path / "to" / install.ENVIRONMENT
    assert engine_state.state(bpy.context) is EngineState.MISSING
    assert bpy.ops.understudy.install_engine() == {"FINISHED"}
    assert "The engine is installed in" in status.of(bpy.context).said
    assert (folder / install.NOTE).is_file()
    python = install.environment_python(folder)
    python.parent.mkdir(parents=True)
    python.touch()
    engine_state.forget()
    assert engine_state.state(bpy.context) is EngineState.READY
    assert preferences.engine_python(bpy.context) == python
    assert bpy.ops.understudy.remove_engine() == {"FINISHED"}
    assert list((tmp_path / "to").iterdir()) == []
    assert engine_state.state(bpy.context) is EngineState.MISSING


def test_what_was_stopped_is_said_and_can_be_gone_on_with(installer, own, tmp_path):
    installer.behave("ok", steps=10_000, sleep_s=0.02)
    jobs.DESK.stop_asked = lambda: jobs.DESK.run is not None and jobs.DESK.run.session.current > 0
    try:
        assert bpy.ops.understudy.install_engine() == {"CANCELLED"}
    finally:
        jobs.DESK.stop_asked = lambda: False
    assert installer.is_gone()
    engine_state.forget()
    assert engine_state.state(bpy.context) is EngineState.BEGUN
    layout = engine_panel()
    assert "what is downloaded" in labels_in(layout)
    texts = [call.kwargs.get("text") for call in layout.operator.call_args_list]
    assert "Go On Installing" in texts


def test_a_newer_extension_offers_the_update(own, tmp_path):
    folder, wheel = tmp_path / "env", tmp_path / "fomm_engine-0.2.0-py3-none-any.whl"
    wheel.write_bytes(b"new")
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    note = {"package": "fomm_engine-0.1.0-py3-none-any.whl", "bytes": 3}
    (folder / install.NOTE).write_text(json.dumps(note))
    assert engine_state.state_of_folder(folder, wheel) is EngineState.OLD
    (folder / install.NOTE).write_text(json.dumps(note | {"package": wheel.name}))
    assert engine_state.state_of_folder(folder, wheel) is EngineState.READY
    (folder / "bin" / "python").unlink()
    assert engine_state.state_of_folder(folder, wheel) is EngineState.BROKEN


def test_offline_one_sentence_leads_to_the_preference(own):
    if bpy.app.online_access:
        pytest.skip("this Blender may go online")
    layout = engine_panel()
    assert "allow Online" in labels_in(layout)
    assert "extensions.userpref_show_online" in operators_in(layout)
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.understudy.install_engine()


def test_the_size_is_told_before(own):
    own.device = "CUDA"
    try:
        text = labels_in(engine_panel())
        assert "3.6 GB to download" in text
        assert ("no such graphics" in text) == ("CUDA" not in runnable(this_machine()))
    finally:
        own.property_unset("device")


def test_the_check_answers_in_words(fake_engine, tmp_path):
    report = tmp_path / "report.json"
    report.write_text(json.dumps(REPORT))
    fake_engine.take = str(report)
    fake_engine.behave("ok")
    assert bpy.ops.understudy.check_engine() == {"FINISHED"}
    text = labels_in(engine_panel())
    for words in ("PyTorch 2.13.0+cpu", "16 cores", "FFmpeg 7.1", "2 files", "123 faces"):
        assert words in text, words
    assert "{" not in text
    bpy.ops.understudy.dismiss_check()
    assert not engine_check.of(bpy.context).findings


def kinds(report, **more):
    return [kind for kind, _ in engine_check.findings_of(report, more.pop("expected", "0.1.0"), ("CPU",), **more)]


def test_the_check_says_what_to_do():
    assert set(kinds(REPORT)) == {engine_check.WELL}
    assert kinds(REPORT, expected="0.2.0")[0] == engine_check.REMARK
    broken = REPORT | {"weights": None, "problems": ["weights: landmarks.safetensors is damaged"]}
    first = engine_check.findings_of(broken, "0.1.0", ("CPU",))[0]
    assert first[0] == engine_check.WRONG
    assert "install the engine again" in first[1]
    assert "landmarks.safetensors" in first[1]
    no_card = REPORT | {"device": REPORT["device"] | {"cuda_build": "12.6"}}
    assert any("install its driver" in text for _, text in engine_check.findings_of(no_card, "0.1.0", ("CPU",)))
    unused = engine_check.findings_of(REPORT, "0.1.0", ("CUDA", "CPU"))
    assert any("the CUDA build would use it" in text for _, text in unused)


def test_an_environment_of_ones_own_is_checked_before_it_is_used(fake_engine, own, tmp_path):
    own.engine_python = ""
    environment = tmp_path / "mine"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(fake_engine.python)
    report = tmp_path / "report.json"
    report.write_text(json.dumps(REPORT | {"problems": ["packages: No package metadata was found for torch"]}))
    fake_engine.take = str(report)
    fake_engine.behave("ok")
    with pytest.raises(RuntimeError, match="The engine is incomplete"):
        bpy.ops.understudy.use_engine(directory=str(environment))
    assert own.engine_python == ""
    report.write_text(json.dumps(REPORT))
    assert bpy.ops.understudy.use_engine(directory=str(environment)) == {"FINISHED"}
    assert own.engine_python == str(environment)
    assert engine_state.state(bpy.context) is EngineState.CHOSEN


def test_engines_keep_their_files_where_uninstalling_finds_them(fake_engine, tmp_path):
    from fomm_engine.wire.job import Job

    run = jobs.start_engine(Job("capture", {}, str(tmp_path / "x")), fake_engine.python)
    try:
        environment = Path(f"/proc/{run.pid}/environ").read_text()
    except OSError:
        pytest.skip("this system does not show a process's environment")
    finally:
        run.close()
    assert f"UNDERSTUDY_MODELS={preferences.models_folder(bpy.context)}" in environment
