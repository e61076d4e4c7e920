# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong around a capture in Blender, done for real: the takes that were there stay, and work can go on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import bpy
import pytest
from tiny_take import write_tiny_take

from blender_addon.blender import paths
from blender_addon.blender.engine_jobs import jobs, status, unfinished
from fomm_engine.wire.unfinished import parts_folder

HERE = Path(__file__).resolve().parent
MONOLOGUE = HERE.parents[1] / "rigs" / "performances" / "monologue.mp4"
LAST_FRAME = 45
WITHIN_S = 300.0  # on a machine that does other things too


pytestmark = pytest.mark.usefixtures("quiet_desk")


@pytest.fixture
def chosen(scene, video, tmp_path):
    """A scene with a video, an earlier take in its list, and a takes folder of its own."""
    folder = tmp_path / "takes"
    folder.mkdir()
    bpy.context.preferences.addons["blender_addon"].preferences.takes_folder = str(folder)
    bpy.ops.understudy.import_performance(filepath=str(video))
    bpy.ops.understudy.import_take(filepath=str(write_tiny_take(folder / "earlier.capture.npz")))
    return scene.understudy


def shown() -> str:
    """What the panel says."""
    state = status.of(bpy.context)
    return f"{state.said} {state.hint}".strip()


def wait_for(condition, what: str) -> None:
    until = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.2)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def require_earlier_take(own) -> None:
    assert [take.name for take in own.takes] == ["earlier"]
    assert Path(bpy.path.abspath(own.takes[0].filepath)).is_file()


def require_next_run_works(fake_engine, own) -> None:
    fake_engine.behave("ok")
    assert bpy.ops.understudy.capture() == {"FINISHED"}
    assert len(own.takes) == 2


def test_blender_killed_in_mid_capture(engine, scene, tmp_path, fault_record):
    folder = tmp_path / "takes"
    folder.mkdir()
    script = [sys.executable, str(HERE / "killed_blender.py")]
    other = subprocess.Popen([*script, str(engine), str(MONOLOGUE), str(folder), str(LAST_FRAME)])
    stand = parts_folder(folder / "monologue.capture.npz") / "checkpoint.npz"
    wait_for(lambda: stand.is_file() or other.poll() is not None, "no checkpoint came")
    assert other.poll() is None, "the other Blender ended by itself"
    other.send_signal(signal.SIGKILL)
    other.wait()
    pid = int((folder / "engine.pid").read_text())
    wait_for(lambda: is_gone(pid), "the engine outlives its Blender")
    assert not (folder / "monologue.capture.npz").exists()

    bpy.context.preferences.addons["blender_addon"].preferences.takes_folder = str(folder)
    unfinished.OFFERS.forget()
    (left,) = unfinished.OFFERS.of(scene)
    heard = []
    jobs.DESK.listener = lambda _, session: heard.append(status.session_line(session))
    assert bpy.ops.understudy.continue_capture() == {"FINISHED"}
    (take,) = scene.understudy.takes
    assert (take.name, take.frames) == ("monologue", LAST_FRAME)
    assert unfinished.OFFERS.of(scene) == []
    assert not stand.parent.exists()
    fault_record(
        group="add-on",
        fault="Blender killed (SIGKILL) in mid-capture",
        done="Continue Capture in the next Blender",
        user_saw=f"The capture of monologue.mp4 stopped at frame {left.done} of {left.total}. Then: {shown()}",
        survived="every tracked frame; the engine ended by itself; the take is in the list",
    )


def start_capture(fake_engine, own):
    """The run of a capture that goes on until it is ended."""
    fake_engine.behave("ok", steps=10_000, sleep_s=0.02)
    from fomm_engine.wire.job import Job

    output = Path(own.takes[0].filepath).with_name("new.capture.npz")
    job = Job("capture", {"video": own.performance.filepath}, str(output))
    run = jobs.DESK.take("Capture", lambda: jobs.start_engine(job, Path(fake_engine.python)))
    while run.poll(time.monotonic()).current == 0:
        time.sleep(0.01)
    return run


def test_the_add_on_is_disabled_in_mid_capture(addon, fake_engine, chosen, tmp_path, fault_record):
    start_capture(fake_engine, chosen)
    addon.unregister()
    try:
        assert fake_engine.is_gone()
    finally:
        addon.register()
    own = bpy.context.scene.understudy
    require_earlier_take(own)
    require_next_run_works(fake_engine, own)
    fault_record(
        group="add-on",
        fault="The add-on disabled in mid-capture",
        done="disabled, enabled, and captured again",
        user_saw=shown(),
        survived="the earlier take and the list; the engine was ended; the next capture works",
    )


def test_another_file_is_opened_in_mid_capture(fake_engine, chosen, tmp_path, fault_record):
    start_capture(fake_engine, chosen)
    earlier = Path(bpy.path.abspath(chosen.takes[0].filepath))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert fake_engine.is_gone()
    assert not jobs.DESK.busy
    assert earlier.is_file()
    fault_record(
        group="add-on",
        fault="Another .blend opened in mid-capture",
        done="the file was opened while the engine tracked",
        user_saw="The new file, and no job in its panel",
        survived="the earlier take; no engine is left",
    )


ENDS = {
    "crash": ("The engine crashes (abort)", "was stopped by signal 6"),
    "killed": ("The engine killed (SIGKILL) under Blender", "was stopped by signal 9"),
    "newer": ("An engine of a newer major version", "Update the add-on and engine"),
    "garbage": ("The engine talks garbage, half lines and floods", "before it was done"),
    "lies": ("The engine says done, and there is no take", "There is no take at"),
    "half": ("The engine says done, and the take is half written", "only part of one"),
}


@pytest.mark.parametrize("mode", ENDS)
def test_an_engine_that_ends_badly(mode, fake_engine, chosen, take_path, tmp_path, fault_record):
    fault, words = ENDS[mode]
    fake_engine.behave(mode)
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.understudy.capture()
    assert words in str(caught.value), caught.value
    assert "Traceback" not in shown()
    said = shown()
    assert fake_engine.is_gone()
    require_earlier_take(chosen)
    require_next_run_works(fake_engine, chosen)
    fault_record(
        group="engine",
        fault=fault,
        done="a capture in Blender, then another",
        user_saw=said,
        survived="the earlier take and the list; no process left; the next capture works",
    )


def test_a_half_written_take_is_imported(chosen, tmp_path, fault_record):
    whole = Path(bpy.path.abspath(chosen.takes[0].filepath)).read_bytes()
    (tmp_path / "half.capture.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RuntimeError, match="not a take, or only part of one"):
        bpy.ops.understudy.import_take(filepath=str(tmp_path / "half.capture.npz"))
    require_earlier_take(chosen)
    fault_record(
        group="takes",
        fault="A half-written take",
        done="imported into Blender",
        user_saw=shown(),
        survived="the earlier take and the list",
    )


def test_the_takes_folder_cannot_be_written(chosen, engine, tmp_path, fault_record):
    blocked = tmp_path / "not a folder"
    blocked.write_text("x")
    with pytest.raises(RuntimeError):
        bpy.ops.understudy.capture(output=str(blocked / "take.capture.npz"))
    require_earlier_take(chosen)
    fault_record(
        group="disk and files",
        fault="The take's folder is a file",
        done="a capture in Blender",
        user_saw=shown(),
        survived="the earlier take and the list; refused before a frame is tracked",
    )


def test_the_video_is_gone_when_capture_is_pressed(fake_engine, chosen, tmp_path, fault_record):
    chosen.performance.filepath = str(tmp_path / "gone.mp4")
    with pytest.raises(RuntimeError, match="There is no file"):
        bpy.ops.understudy.capture()
    require_earlier_take(chosen)
    fault_record(
        group="video",
        fault="The video is deleted before Capture is pressed",
        done="Capture in Blender",
        user_saw=shown(),
        survived="the earlier take and the list",
    )


NAMES = {
    "CON": "_CON.capture.npz",
    "aux.2": "_aux.2.capture.npz",
    "what? a <take>: 1|2": "what_ a _take__ 1_2.capture.npz",
    "trailing. ": "trailing.capture.npz",
    "Ünïcödé 表情 🎭": "Ünïcödé 表情 🎭.capture.npz",
}


def test_names_that_no_other_system_takes(tmp_path, scene, fault_record):
    for stem, name in NAMES.items():
        assert paths.free_path(tmp_path, stem, ".capture.npz").name == name
    long = paths.free_path(tmp_path, "ä" * 250, ".capture.npz")
    assert len(os.fsencode(long.name)) <= 255
    long.touch()
    second = paths.free_path(tmp_path, "ä" * 250, ".capture.npz")
    second.touch()
    assert second != long
    fault_record(
        group="disk and files",
        fault="Videos with Windows-reserved names, forbidden letters, trailing dots, Unicode, 500 bytes",
        done="the take's name made by the panel",
        user_saw=", ".join(list(NAMES.values())[:3]),
        survived="every take has a name that every system takes",
    )


def test_an_unfinished_capture_is_discarded(engine, scene, tmp_path, fault_record):
    from fomm_engine.resuming.parts import PartsFolder
    from fomm_engine.wire.job import Job

    job = Job("capture", {"video": "/films/scene 4.mp4"}, str(tmp_path / "scene 4.capture.npz"))
    parts = PartsFolder(parts_folder(Path(job.output)), {"video": "x"})
    parts.remember_progress(job, 120, 300)
    bpy.context.preferences.addons["blender_addon"].preferences.takes_folder = str(tmp_path)
    unfinished.OFFERS.forget()
    assert [(left.done, left.total) for left in unfinished.OFFERS.of(scene)] == [(120, 300)]
    with pytest.raises(RuntimeError, match="There is no file"):
        bpy.ops.understudy.continue_capture()
    gone = shown()
    assert parts.folder.is_dir()
    assert bpy.ops.understudy.discard_capture() == {"FINISHED"}
    assert list(tmp_path.glob("*.parts")) == []
    fault_record(
        group="add-on",
        fault="The video of an unfinished capture is gone",
        done="Continue Capture, then Discard",
        user_saw=f"{gone} Then: {shown()}",
        survived="what was tracked, until the user lets it go",
    )
