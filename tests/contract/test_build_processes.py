# SPDX-License-Identifier: GPL-3.0-or-later
"""build.py leaves no process behind and passes exit codes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from steps import processes

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
from steps import processes
from steps.terminal import EXIT_INTERRUPTED
try:
    with processes.interruptible():
        processes.run([sys.executable, "-c", sys.argv[1]])
except processes.Interrupted:
    sys.exit(EXIT_INTERRUPTED)
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
