# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs through the commands: captured, failed, crashed, cancelled; never more than one, and none left behind."""

import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from blender_addon.blender.engine_jobs import jobs, status
from blender_addon.blender.operators.base import JobCommand
from blender_addon.engine.process import CancelTimes
from blender_addon.engine.session import Phase, Session
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.unfinished import parts_folder

pytestmark = pytest.mark.usefixtures("quiet_desk")


@pytest.fixture
def chosen(scene, video):
    bpy.ops.understudy.import_performance(filepath=str(video))
    return scene.understudy


def capture(tmp_path):
    return bpy.ops.understudy.capture(output=str(tmp_path / "take.capture.npz"))


def test_a_capture_becomes_a_take(fake_engine, chosen, tmp_path, video):
    heard = []
    jobs.DESK.listener = lambda title, session: heard.append((title, session.current))
    assert capture(tmp_path) == {"FINISHED"}
    take = chosen.takes[0]
    assert (take.frames, take.lost, take.sha256, take.video) == (45, 2, "ab" * 32, str(video))
    state = status.of(bpy.context)
    assert "Captured 45 frames, 2 without a face. The picture is soft." in state.said
    assert not state.running
    assert heard[0][0] == "Capture"
    assert fake_engine.is_gone()


def test_without_an_output_the_take_goes_beside_the_blend_under_a_free_name(fake_engine, chosen, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.understudy.capture()
    bpy.ops.understudy.capture()
    names = sorted(path.name for path in (tmp_path / "takes").iterdir())
    assert names == ["clip ä-2.capture.npz", "clip ä.capture.npz"]
    assert len(bpy.context.scene.understudy.takes) == 2


def test_an_engine_that_fails_gives_its_own_sentence(fake_engine, chosen, tmp_path):
    fake_engine.behave("fail")
    with pytest.raises(RuntimeError, match=r"No face was found\. Film the face larger\."):
        capture(tmp_path)
    assert len(chosen.takes) == 0
    assert status.of(bpy.context).error_code == "no-face"


def test_an_engine_that_crashes_is_one_sentence_and_the_tail_is_kept(fake_engine, chosen, tmp_path):
    fake_engine.behave("crash")
    with pytest.raises(RuntimeError) as caught:
        capture(tmp_path)
    text = str(caught.value).strip().removeprefix("Error: ")
    assert text.startswith("The engine was stopped by signal 6 before it was done. Try again;")
    assert "\n" not in text
    assert "bad_alloc" in status.of(bpy.context).detail
    assert list(tmp_path.glob("*.npz")) == []


def stop_when_running(after_s=0.3):
    """A stop_asked that says True some time after the first progress."""
    seen = []

    def asked():
        if jobs.DESK.run is not None and jobs.DESK.run.session.current > 0:
            seen.append(time.monotonic())
        return bool(seen) and time.monotonic() - seen[0] > after_s

    return asked


@pytest.mark.parametrize("mode", ["ok", "deaf"])
def test_a_capture_can_be_stopped_whether_the_engine_listens_or_not(fake_engine, chosen, tmp_path, mode):
    fake_engine.behave(mode, steps=10_000, sleep_s=0.02)
    jobs.DESK.stop_asked, jobs.DESK.times = stop_when_running(), CancelTimes(ask_s=0.3, terminate_s=0.2)
    started = time.monotonic()
    assert capture(tmp_path) == {"CANCELLED"}
    assert time.monotonic() - started < 15.0
    assert fake_engine.is_gone()
    assert not (tmp_path / "take.capture.npz").exists()
    assert len(chosen.takes) == 0
    assert "nothing was changed" in status.of(bpy.context).said


def test_a_stopped_capture_says_that_what_was_tracked_is_kept(fake_engine, chosen, tmp_path):
    from fomm_engine.resuming.parts import PartsFolder

    bpy.context.preferences.addons["blender_addon"].preferences.takes_folder = str(tmp_path)
    job = Job("capture", {"video": chosen.performance.filepath}, str(tmp_path / "take.capture.npz"))
    PartsFolder(parts_folder(Path(job.output)), {"video": "x"}).remember_progress(job, 3, 12)
    fake_engine.behave("ok", steps=10_000, sleep_s=0.02)
    jobs.DESK.stop_asked, jobs.DESK.times = stop_when_running(), CancelTimes(ask_s=0.3, terminate_s=0.2)
    assert capture(tmp_path) == {"CANCELLED"}
    assert "what was tracked is kept" in status.of(bpy.context).said


def start_long_job(fake_engine, tmp_path):
    fake_engine.behave("ok", steps=10_000, sleep_s=0.02)
    job = Job("capture", {"video": "/x"}, str(tmp_path / "x.npz"))
    run = jobs.DESK.take("Capture", lambda: jobs.start_engine(job, Path(fake_engine.python)))
    while run.poll(time.monotonic()).current == 0:
        time.sleep(0.01)
    return run


def test_only_one_job_at_a_time(fake_engine, chosen, tmp_path):
    start_long_job(fake_engine, tmp_path)
    with pytest.raises(RuntimeError, match="Another job is still running"):
        bpy.ops.understudy.capture()
    with pytest.raises(UserError, match="Capture is still running"):
        jobs.DESK.take("Check", lambda: None)


def test_the_cancel_button_stops_the_job(fake_engine, tmp_path):
    run = start_long_job(fake_engine, tmp_path)
    assert bpy.ops.understudy.cancel() == {"FINISHED"}
    assert jobs.DESK.wait().phase is Phase.CANCELLED
    assert fake_engine.is_gone()
    assert run.session.is_final
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.understudy.cancel()


def test_loading_another_file_ends_the_job(fake_engine, tmp_path):
    start_long_job(fake_engine, tmp_path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert not jobs.DESK.busy
    assert fake_engine.is_gone()


def test_unregistering_ends_the_job(addon, fake_engine, tmp_path):
    start_long_job(fake_engine, tmp_path)
    addon.unregister()
    try:
        assert fake_engine.is_gone()
    finally:
        addon.register()


def test_polling_a_running_job_takes_less_than_a_millisecond(fake_engine, tmp_path):
    run = start_long_job(fake_engine, tmp_path)
    started = time.thread_time()
    for _ in range(200):
        run.poll(time.monotonic())
    assert (time.thread_time() - started) / 200 < 0.001


def test_a_missing_engine_is_one_sentence(scene, chosen, tmp_path):
    with pytest.raises(RuntimeError, match="The engine is not installed yet"):
        capture(tmp_path)
    bpy.context.preferences.addons["blender_addon"].preferences.engine_python = str(tmp_path / "nowhere")
    with pytest.raises(RuntimeError, match="There is no engine at"):
        capture(tmp_path)


def test_a_real_engine_that_has_no_such_output_folder_says_so(engine, chosen, tmp_path):
    with pytest.raises(RuntimeError, match="There is no folder"):
        bpy.ops.understudy.capture(output=str(tmp_path / "none" / "take.capture.npz"))


def test_a_portrait_needs_a_picture_and_a_performance(scene, fake_engine, tmp_path):
    with pytest.raises(RuntimeError, match="Choose a performance video first"):
        bpy.ops.understudy.animate_portrait()
    with pytest.raises(RuntimeError, match="There is no file"):
        bpy.ops.understudy.choose_portrait(filepath=str(tmp_path / "none.png"))


def test_a_portrait_becomes_a_film_that_blender_shows(fake_engine, chosen, take_path, video, tmp_path):
    fake_engine.take = str(video)  # what the stand-in copies to the job's output
    fake_engine.behave("ok")
    (tmp_path / "face.png").write_bytes(b"x")
    bpy.ops.understudy.choose_portrait(filepath=str(tmp_path / "face.png"))
    bpy.ops.understudy.animate_portrait(output=str(tmp_path / "face.mp4"))
    assert chosen.portrait.result == str(tmp_path / "face.mp4")
    image = next(image for image in bpy.data.images if image.filepath == str(tmp_path / "face.mp4"))
    assert (image.source, image.frame_duration) == ("MOVIE", 12)


@pytest.mark.parametrize(
    ("session", "line"),
    [
        (Session(0.0), "Starting the engine"),
        (
            Session(0.0, phase=Phase.RUNNING, stage="track", current=30, total=150, seconds_left=8.2),
            "Tracking the face 30/150, 8 s left",
        ),
        (Session(0.0, phase=Phase.RUNNING, stage="solve", seconds_left=130.0), "Solving the take, 2 min left"),
        (Session(0.0, phase=Phase.CANCELLING, stage="track"), "Stopping"),
    ],
)
def test_the_line_about_a_job(session, line):
    assert status.session_line(session) == line


def test_installing_waits_for_online_access(scene):
    if bpy.app.online_access:
        pytest.skip("this Blender may go online")
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.understudy.install_engine()


class StandIn(JobCommand):
    """A command outside Blender's registry: its modal steps can be called, which background mode never does."""

    job_title = "Capture"

    def __init__(self):
        self.reports, self.accepted = [], []

    def report(self, kind, text):
        self.reports.append((kind, text))

    def accept(self, context, session):
        self.accepted.append(session.output)
        return "Done."


def drive(command, wanted=None, seconds=20.0):
    """The result of the first modal step that ends the command, or the status when it shows `wanted`."""
    until, tick = time.monotonic() + seconds, SimpleNamespace(type="TIMER")
    while time.monotonic() < until:
        result = command.modal(bpy.context, tick)
        state = status.of(bpy.context)
        if result != {"PASS_THROUGH"} or (wanted and wanted(state)):
            return result, state
        time.sleep(0.02)
    pytest.fail("the command did not come to its end")


def test_the_timer_follows_a_job_to_its_end(fake_engine, tmp_path):
    command, run = StandIn(), start_long_job(fake_engine, tmp_path)
    result, state = drive(command, lambda shown: shown.fraction > 0)
    assert result == {"PASS_THROUGH"}
    assert state.running
    assert "Tracking the face" in state.line
    assert command.modal(bpy.context, SimpleNamespace(type="MOUSEMOVE")) == {"PASS_THROUGH"}
    bpy.ops.understudy.cancel()
    result, state = drive(command)
    assert (result, state.running, command.accepted) == ({"CANCELLED"}, False, [])
    assert run.session.phase is Phase.CANCELLED
    assert command.modal(bpy.context, SimpleNamespace(type="TIMER")) == {"CANCELLED"}


@pytest.mark.parametrize(("mode", "result"), [("ok", {"FINISHED"}), ("crash", {"CANCELLED"})])
def test_the_timer_settles_a_job_once(fake_engine, tmp_path, mode, result):
    fake_engine.behave(mode)
    command, output = StandIn(), str(tmp_path / "x.npz")
    jobs.DESK.take(
        "Capture", lambda: jobs.start_engine(Job("capture", {"video": "/x"}, output), Path(fake_engine.python))
    )
    assert drive(command)[0] == result
    assert command.accepted == ([output] if mode == "ok" else [])
    assert len(command.reports) == 1
    assert not jobs.DESK.busy


def test_blender_closing_ends_the_job(fake_engine, tmp_path):
    start_long_job(fake_engine, tmp_path)
    StandIn().cancel(bpy.context)
    assert fake_engine.is_gone()
    assert not status.of(bpy.context).running
