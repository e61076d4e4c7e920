# SPDX-License-Identifier: GPL-3.0-or-later
"""Real child processes: lines, ends, the cancel ladder, nothing left behind; the command; the installation."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blender_addon.engine.command import Command, clean_environment, engine_command
from blender_addon.engine.process import (
    LINE_CHARS_KEPT,
    LINES_WAITING,
    CancelLadder,
    CancelTimes,
    Ended,
    LineProcess,
    OutputLine,
)
from blender_addon.engine.run import EngineRun
from blender_addon.engine.session import Phase
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

ROOT = Path(__file__).resolve().parents[2]


def python_command(code, folder):
    return Command((sys.executable, "-u", "-c", code), clean_environment(os.environ), folder)


def collect(process, seconds=10.0):
    items, until = [], time.monotonic() + seconds
    while not (items and isinstance(items[-1], Ended)):
        assert time.monotonic() < until, f"the process did not end; it said {items}"
        items += process.poll()
        time.sleep(0.01)
    return items


def fake_run(tmp_path, times=None, **options):
    job = Job("fake", {}, str(tmp_path / "out.txt"), options)
    return EngineRun(job, Path(sys.executable), time.monotonic(), source_root=ROOT, times=times)


def finish(run, seconds=15.0):
    until = time.monotonic() + seconds
    while not run.poll(time.monotonic()).is_final:
        assert time.monotonic() < until, f"the run did not end: {run.session}"
        time.sleep(0.01)
    return run.session


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_lines_come_in_order_and_the_end_comes_last(tmp_path):
    items = collect(LineProcess(python_command("print('a'); print('b', end='')", tmp_path)))
    assert items == [OutputLine("a"), OutputLine("b"), Ended(0, ())]


def test_stderr_is_kept_for_the_end(tmp_path):
    items = collect(LineProcess(python_command("import sys; sys.stderr.write('x\\ny\\n'); sys.exit(3)", tmp_path)))
    assert items == [Ended(3, ("x", "y"))]


def test_polling_never_waits(tmp_path):
    process = LineProcess(python_command("import time; time.sleep(30)", tmp_path))
    started = time.thread_time()
    for _ in range(200):
        assert process.poll() == []
    assert (time.thread_time() - started) / 200 < 0.001
    process.close()


def test_a_flood_waits_for_the_host(tmp_path):
    process = LineProcess(python_command("while True: print('x' * 1000)", tmp_path))
    time.sleep(0.5)
    assert len(process.poll()) <= LINES_WAITING
    started_s = time.monotonic()
    process.close()
    assert time.monotonic() - started_s < 5.0
    assert is_gone(process.pid)


def test_a_line_without_an_end_comes_in_pieces(tmp_path):
    items = collect(LineProcess(python_command("print('x' * 500_000)", tmp_path)))
    lengths = [len(item.text) for item in items if isinstance(item, OutputLine)]
    assert sum(lengths) == 500_000
    assert max(lengths) == LINE_CHARS_KEPT


def test_a_flood_comes_whole_and_the_end_last(tmp_path):
    items = collect(LineProcess(python_command("for i in range(5000): print(i)", tmp_path)))
    assert [item.text for item in items[:-1]] == [str(index) for index in range(5000)]


def test_close_ends_the_process_at_once_and_waits_for_it(tmp_path):
    process = LineProcess(python_command("import time; time.sleep(30)", tmp_path))
    process.close()
    assert is_gone(process.pid)


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX")
def test_what_the_child_started_goes_with_it(tmp_path):
    code = "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    process = LineProcess(python_command(code + "; print(p.pid); time.sleep(60)", tmp_path))
    while not (lines := process.poll()):
        time.sleep(0.01)
    grandchild = int(lines[0].text)
    process.close()
    until = time.monotonic() + 5
    # The grandchild is reaped by init; until then it may show as a zombie of it.
    while not is_gone(grandchild) and Path(f"/proc/{grandchild}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_ladder_asks_then_terminates_then_kills():
    ladder = CancelLadder(CancelTimes(ask_s=3.0, terminate_s=2.0))
    assert ladder.step(0.0) == ""
    assert ladder.ask(10.0)
    assert not ladder.ask(11.0)
    steps = [ladder.step(now) for now in (10.5, 12.9, 13.0, 13.5, 15.0, 16.0)]
    assert steps == ["", "", "terminate", "", "kill", ""]


def test_a_job_that_is_done(tmp_path):
    session = finish(fake_run(tmp_path, steps=3))
    assert session.phase is Phase.DONE
    assert (tmp_path / "out.txt").read_text() == "fake\n"
    assert (session.current, session.total) == (3, 3)


def test_what_a_job_prints_is_no_event(tmp_path):
    assert finish(fake_run(tmp_path, garbage=True)).phase is Phase.DONE


def test_a_job_that_fails(tmp_path):
    session = finish(fake_run(tmp_path, fail=True))
    assert (session.phase, session.failure.code) == (Phase.FAILED, "fake-failure")


def test_a_job_that_crashes(tmp_path):
    session = finish(fake_run(tmp_path, crash=True))
    assert session.phase is Phase.CRASHED
    assert "139" in session.failure.message


def test_cancel_stops_a_job_soon_and_writes_nothing(tmp_path):
    run = fake_run(tmp_path, steps=1000, sleep_s=0.02)
    while run.poll(time.monotonic()).current < 2:
        time.sleep(0.01)
    asked = time.monotonic()
    run.cancel(asked)
    assert finish(run).phase is Phase.CANCELLED
    assert time.monotonic() - asked < 1.5
    assert not (tmp_path / "out.txt").exists()
    assert is_gone(run.pid)


def test_a_deaf_job_is_ended_by_force(tmp_path):
    run = fake_run(tmp_path, times=CancelTimes(ask_s=0.2, terminate_s=0.2), steps=2, sleep_s=30.0)
    while run.poll(time.monotonic()).current < 1:
        time.sleep(0.01)
    run.cancel(time.monotonic())
    assert finish(run, 5.0).phase is Phase.CANCELLED
    assert is_gone(run.pid)


def test_closing_a_run_leaves_neither_process_nor_folder(tmp_path):
    run = fake_run(tmp_path, steps=1000, sleep_s=0.05)
    folder = run.folder
    assert folder.is_dir()
    run.close()
    assert is_gone(run.pid)
    assert not folder.exists()
    assert run.session.phase is Phase.CANCELLED


def test_no_engine_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="There is no engine at"):
        EngineRun(Job("fake", {}, "x"), tmp_path / "python", 0.0)
    with pytest.raises(UserError, match="not installed yet"):
        EngineRun(Job("fake", {}, "x"), Path(), 0.0)


def test_blenders_python_does_not_leak():
    given = {"PYTHONHOME": "a", "PYTHONPATH": "b", "VIRTUAL_ENV": "c", "PythonStartup": "d", "HOME": "/h", "PATH": "p"}
    expected = {"HOME": "/h", "PATH": "p", "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}
    assert clean_environment(given) == expected
    command = engine_command(Path("/e/python"), Path("/j/job.json"), environment=given, directory=Path("/j"))
    assert command.arguments == ("/e/python", "-m", "fomm_engine", "run", "/j/job.json", "--events")
    assert command.environment == expected


def test_the_engines_own_interpreter_answers_within_its_environment():
    command = engine_command(Path(sys.executable), Path("none.json"), environment=os.environ, directory=ROOT)
    done = subprocess.run(
        command.arguments,
        env=dict(command.environment),
        cwd=command.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"type":"hello"' in done.stdout.splitlines()[0]
    assert '"type":"failed"' in done.stdout.splitlines()[-1]
