# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole path without windows: two performances, two characters, bake, render; undone, redone, saved and loaded;
stopped at every stage, and the engine killed."""

import os
import signal
import time
from pathlib import Path

import bpy
import pytest
from tiny_character import make_character
from tiny_take import write_tiny_take

from blender_addon.blender import compat
from blender_addon.blender.engine_jobs import jobs, status
from blender_addon.engine.process import CancelTimes

SLOW = {"steps": 10_000, "sleep_s": 0.02}


pytestmark = pytest.mark.usefixtures("quiet_desk")


@pytest.fixture
def shoot(fake_engine, video, tmp_path):
    """Captures a take of its own for each name, as the user would: choose the video, press Capture."""

    def capture(name, rate):
        fake_engine.take = str(write_tiny_take(tmp_path / f"{name}.npz", rate))
        fake_engine.behave("ok")
        assert bpy.ops.understudy.import_performance(filepath=str(video)) == {"FINISHED"}
        assert bpy.ops.understudy.capture(output=str(tmp_path / f"{name}.capture.npz")) == {"FINISHED"}
        bpy.context.scene.understudy.takes[-1].name = name

    return capture


@pytest.fixture
def staged(scene, shoot):
    """Two takes, two characters, each with a take of its own, and a camera."""
    shoot("First", (30000, 1001))
    shoot("Second", (24, 1))
    for name, take in (("Ada", 0), ("Bob", 1)):
        make_character(name)
        assert bpy.ops.understudy.choose_character(object=f"{name} Rig") == {"FINISHED"}
        scene.understudy.take_index = take
    assert len(scene.understudy.performers) == 2
    small_shot(scene)
    return scene


def small_shot(scene):
    own = scene.understudy.render
    own.engine, own.width, own.height, own.samples = "CYCLES", 32, 24, 1  # Workbench needs EGL


def bake_all():
    assert bpy.ops.understudy.bake(all=True) == {"FINISHED"}


def keys_of(name):
    """Everything that is keyed on a character: {data path: its points}, bones and shapes."""
    found = {}
    for owner in (bpy.data.objects[f"{name} Rig"], bpy.data.objects[f"{name} Face"].data.shape_keys):
        for curve in compat.assigned_curves(owner):
            found[(curve.data_path, curve.array_index)] = [tuple(point.co) for point in curve.keyframe_points]
    return found


def everything():
    """What the user would miss: takes, characters, settings, results."""
    own = bpy.context.scene.understudy
    takes = [(take.name, take.frames, take.lost, take.sha256, Path(take.filepath).name) for take in own.takes]
    performers = [(one.name, one.take, one.baked, one.baked_first, one.baked_last) for one in own.performers]
    return takes, performers, own.render.width, {name: keys_of(name) for name in ("Ada", "Bob")}


def test_from_two_videos_to_the_rendered_shot(staged, tmp_path):
    bake_all()
    before = everything()
    ada, bob = before[3]["Ada"], before[3]["Bob"]
    assert len(ada) >= 52
    assert ada.keys() == bob.keys()
    jaw = ('key_blocks["jawOpen"].value', 0)
    assert ada[jaw] != bob[jaw], "each performs its own take"
    assert (ada[jaw][-1][0], bob[jaw][-1][0]) == (36.0, 45.0), "each in its own time: 1.5 s, and 45 frames at 24"
    path = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert everything() == before
    scene = bpy.context.scene
    scene.understudy.render.output = str(tmp_path / "frames")
    assert bpy.ops.understudy.render_setup() == {"FINISHED"}
    scene.frame_start, scene.frame_end, scene.cycles.use_denoising = 20, 21, False
    assert bpy.ops.understudy.render() == {"FINISHED"}
    assert sorted(file.name for file in (tmp_path / "frames").iterdir()) == ["frame_0020.png", "frame_0021.png"]


def test_each_step_is_undone_and_redone_by_itself(staged):
    bpy.ops.ed.undo_push(message="before")
    staged_state = everything()
    assert staged_state[3] == {"Ada": {}, "Bob": {}}
    bake_all()
    bpy.ops.ed.undo_push(message="bake")
    baked = everything()
    bpy.ops.understudy.duplicate_take()
    bpy.ops.ed.undo_push(message="duplicate")
    assert len(bpy.context.scene.understudy.takes) == 3
    bpy.ops.ed.undo()
    assert everything() == baked
    bpy.ops.ed.undo()
    assert everything() == staged_state
    bpy.ops.ed.redo()
    assert everything() == baked


def stop_after(holds):
    """A wish to stop that comes true with `holds`."""
    jobs.DESK.stop_asked, jobs.DESK.times = holds, CancelTimes(ask_s=0.3, terminate_s=0.2)


def job_moves():
    run = jobs.DESK.run
    return run is not None and run.session.current > 0


def test_stopped_in_the_capture_everything_stays_and_the_next_one_works(staged, fake_engine, shoot, tmp_path):
    before = everything()
    fake_engine.behave("ok", **SLOW)
    stop_after(job_moves)
    assert bpy.ops.understudy.capture(output=str(tmp_path / "third.capture.npz")) == {"CANCELLED"}
    assert everything() == before
    assert fake_engine.is_gone()
    assert list(tmp_path.glob("*third*")) == []
    jobs.DESK.stop_asked = lambda: False
    shoot("Third", (24, 1))
    assert len(bpy.context.scene.understudy.takes) == 3


def test_stopped_in_the_landmarks_nothing_is_found_and_nothing_moved(staged, fake_engine):
    before, objects = everything(), sorted(bpy.data.objects.keys())
    fake_engine.behave("ok", **SLOW)
    stop_after(job_moves)
    assert bpy.ops.understudy.find_landmarks() == {"CANCELLED"}
    assert everything() == before
    assert sorted(bpy.data.objects.keys()) == objects
    assert fake_engine.is_gone()
    assert not status.of(bpy.context).running


def test_stopped_in_the_render_whole_frames_stay(staged, tmp_path):
    bake_all()
    staged.understudy.render.output = str(tmp_path / "frames")
    bpy.ops.understudy.render_setup()
    staged.cycles.use_denoising = False
    heard = []
    jobs.DESK.listener = lambda _title, session: heard.append(session.current)
    stop_after(lambda: len(heard) >= 2)
    assert bpy.ops.understudy.render() == {"CANCELLED"}
    names = sorted(file.name for file in (tmp_path / "frames").iterdir())
    assert names == [f"frame_{staged.frame_start + number:04d}.png" for number in range(2)]


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_an_engine_killed_in_mid_capture_is_one_sentence_and_the_file_is_as_before(
    staged, fake_engine, shoot, tmp_path
):
    before = everything()
    fake_engine.behave("ok", **SLOW)
    killed = []

    def kill_it():
        if job_moves() and not killed:
            killed.append(jobs.DESK.run.pid)
            os.kill(killed[0], signal.SIGKILL)
        return False

    jobs.DESK.stop_asked = kill_it
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.understudy.capture(output=str(tmp_path / "third.capture.npz"))
    text = str(caught.value).strip().removeprefix("Error: ")
    assert text.startswith("The engine was stopped by signal 9")
    assert "\n" not in text
    assert everything() == before
    assert list(tmp_path.glob("*third*")) == []
    jobs.DESK.stop_asked = lambda: False
    shoot("Third", (24, 1))
    bake_all()


CLOSING = """
import sys, time
sys.path[:0] = [{root!r}, {tests!r}]
import bpy, addon_utils
addon_utils.enable("blender_addon", default_set=True)
from pathlib import Path
from blender_addon.blender.engine_jobs import jobs
from fomm_engine.wire.job import Job
job = Job("capture", {{"video": "/x"}}, {output!r})
run = jobs.DESK.take("Capture", lambda: jobs.start_engine(job, Path({python!r})))
while run.poll(time.monotonic()).current == 0:
    time.sleep(0.01)
print("RUNS", run.pid, flush=True)
{end}
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize(
    "end",
    ["sys.exit(0)", "bpy.ops.wm.quit_blender()", "import os; os.kill(os.getpid(), 9)"],
    ids=["python ends", "quit", "killed"],
)
def test_blender_gone_the_engine_goes(fake_engine, tmp_path, end):
    """Closed, quit, or killed without a chance to say anything: no orphan."""
    import subprocess
    import sys

    fake_engine.behave("ok", **SLOW)
    code = CLOSING.format(
        root=str(Path(__file__).resolve().parents[2]),
        tests=str(Path(__file__).parent),
        output=str(tmp_path / "x.npz"),
        python=str(fake_engine.python),
        end=end,
    )
    user = tmp_path / "user"
    user.mkdir()
    done = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(user)},
    )
    try:
        words = next(line for line in done.stdout if line.startswith("RUNS")).split()
        assert int(words[1]) == int((fake_engine.folder / "fake_engine.pid").read_text())
        until = time.monotonic() + 10.0
        while not fake_engine.is_gone() and time.monotonic() < until:
            time.sleep(0.05)
        assert fake_engine.is_gone()
        assert not (tmp_path / "x.npz").exists()
    finally:
        done.kill()
        done.communicate()
