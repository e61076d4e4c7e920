# SPDX-License-Identifier: GPL-3.0-or-later
"""build.py leaves no process behind and passes exit codes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from steps import processes, testing

# A child that ignores the polite signal and starts a grandchild in a session of its own.
STUBBORN_FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""
# build.py's part: it runs the family given as an argument and is interrupted from outside.
RUNNER = """
import sys
sys.path.insert(0, {steps!r})
from steps import processes, testing
from steps.terminal import EXIT_INTERRUPTED
try:
    with processes.interruptible():
        processes.run([sys.executable, "-c", sys.argv[1]])
except processes.Interrupted:
    sys.exit(EXIT_INTERRUPTED)
"""
# It makes its own file and ends when another's is there.
MEETING = """
import pathlib, sys, time
own, other = map(pathlib.Path, sys.argv[1:])
own.touch()
while not other.exists():
    time.sleep(0.01)
print(own.name)
"""
SLEEPING = """
import os, pathlib, sys, time
note = pathlib.Path(sys.argv[1] + "-")
note.write_text(str(os.getpid()))
note.rename(sys.argv[1])
time.sleep(60)
"""
FAILING = """
import pathlib, sys, time
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.01)
sys.exit(1)
"""
REFUSED = 2
# 1.2 s until the kill; the rest is for a busy machine.
LIMIT_S = 4.0


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that only waits to be reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="descendants are found through /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_whole_family_soon(project_root: Path, number: signal.Signals) -> None:
    runner = RUNNER.format(steps=str(project_root / ".ci"))
    command = [sys.executable, "-c", runner, STUBBORN_FAMILY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        assert is_alive(grandchild)
        started = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=10) == 130
        assert time.monotonic() - started < LIMIT_S
    assert not is_alive(grandchild)


def test_the_exit_code_is_the_childs() -> None:
    assert processes.run([sys.executable, "-c", "raise SystemExit(7)"]) == 7
    assert processes.run([sys.executable, "-c", "import os; os.abort()"]) == -signal.SIGABRT


def test_output_comes_as_it_is_written() -> None:
    blocks: list[bytes] = []
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    assert processes.run([sys.executable, "-c", script], on_output=blocks.append) == 0
    assert b"".join(blocks).split() == [b"out", b"err"]


def test_silence_is_reported() -> None:
    blocks: list[bytes] = []
    silences: list[float] = []
    processes.run(
        [sys.executable, "-c", "import time; time.sleep(0.5)"],
        on_output=blocks.append,
        on_idle=silences.append,
        idle_s=0.1,
    )
    assert blocks == []
    assert silences
    assert silences == sorted(silences)


def test_foreign_modules_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    assert "PYTHONPATH" not in processes.child_environment()
    assert processes.child_environment({"A": "1"})["A"] == "1"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "--video", "no_such_file.mp4"], "There is no file no_such_file.mp4."),
        (["demo", "--character", "no_such_file.blend"], "There is no file no_such_file.blend."),
        (["evaluate", "no_such_folder"], "There is no folder no_such_folder."),
        (["check", "--", "-k", "x"], "Only test takes arguments after --."),
    ],
)
def test_a_wrong_argument_gets_a_sentence_before_any_set_up(
    project_root: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    command = [sys.executable, project_root / "build.py", *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert result.returncode == REFUSED
    assert result.stderr.splitlines()[0] == sentence
    assert result.stdout == ""


def test_another_python_is_sent_away_with_a_sentence(project_root: Path) -> None:
    script = (
        "import sys, runpy; sys.version_info = (3, 9, 2, 'final', 0);"
        f"sys.argv = ['build.py', 'demo']; runpy.run_path({str(project_root / 'build.py')!r}, run_name='__main__')"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == REFUSED
    assert "needs Python 3.11, and this is Python 3.9.2" in result.stderr
    assert "Traceback" not in result.stderr


def test_runs_side_by_side_are_heard_apart(tmp_path: Path) -> None:
    heard, ended = {0: b"", 1: b"", 2: b""}, {}
    # Each of the first two waits for the other's file: one after the other they would never end.
    one, two = str(tmp_path / "1"), str(tmp_path / "2")
    commands = [[sys.executable, "-c", MEETING, one, two], [sys.executable, "-c", MEETING, two, one]]
    processes.run_side_by_side(
        [*commands, [sys.executable, "-c", "raise SystemExit(3)"]],
        at_once=2,
        on_output=lambda number, block: heard.__setitem__(number, heard[number] + block),
        on_end=lambda number, code: ended.__setitem__(number, code) is None,
    )
    assert heard == {0: b"1\n", 1: b"2\n", 2: b""}
    assert ended == {0: 0, 1: 0, 2: 3}


def test_a_failure_ends_what_runs_beside_it(tmp_path: Path) -> None:
    note = str(tmp_path / "pid")
    started_s = time.monotonic()
    processes.run_side_by_side(
        [[sys.executable, "-c", SLEEPING, note], [sys.executable, "-c", FAILING, note]],
        at_once=2,
        on_output=lambda _number, _block: None,
        on_end=lambda _number, code: code == 0,
    )
    assert time.monotonic() - started_s < 30
    assert not is_alive(int(Path(note).read_text()))


def test_later_runs_are_shown_in_their_turn(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    stage = testing.Stage([testing.Session("first", ()), testing.Session("second", ())])
    stage.hear(1, b"two\n=== 2 passed ===\n")
    assert stage.end(1, 0)
    stage.hear(0, b"one\n=== 1 passed ===\n")
    assert b"two" not in capfdbinary.readouterr().out
    assert stage.end(0, 0)
    shown = capfdbinary.readouterr().out
    assert shown.endswith(b"two\n=== 2 passed ===\n"), "pytest's closing line is the last"
    assert b"passed: first: 1 passed" in shown
    assert stage.code == 0


def test_a_failure_is_shown_when_its_turn_comes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    stage = testing.Stage([testing.Session("first", ()), testing.Session("second", ())])
    stage.hear(1, b"=== 1 failed ===\n")
    assert stage.end(1, 1)
    assert not stage.end(0, 0)
    assert stage.code == 1
    assert capfdbinary.readouterr().out.endswith(b"=== 1 failed ===\n")
