# SPDX-License-Identifier: GPL-3.0-or-later
"""Child processes that never outlive the command: each in a group of its own, ended with all its descendants."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

# A person who presses Ctrl-C is not kept waiting: after this comes SIGKILL.
POLITE_WAIT_S = 1.2
# A killed process ends at once, but on a busy machine "at once" takes a moment; only then is it true that nothing runs.
FORCED_WAIT_S = 5.0
POLL_S = 0.02

OutputHandler = Callable[[bytes], None]
IdleHandler = Callable[[float], None]


class Interrupted(BaseException):
    """The person or the system asked this program to stop."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """A context in which SIGINT, SIGTERM and SIGHUP raise Interrupted (under nohup, SIGHUP stays ignored)."""

    def stop(signum: int, _frame: object) -> None:
        raise Interrupted(signum)

    handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in handled}
    for number, handler in before.items():
        if number != signal.SIGHUP or handler != signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables for a child: this process's, without those that would let foreign Python modules in."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__")
    }
    return {**kept, "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1", **(extra or {})}


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    extra_environment: Mapping[str, str] | None = None,
    on_output: OutputHandler | None = None,
    on_idle: IdleHandler | None = None,
    idle_s: float = 10.0,
) -> int:
    """The exit code of a command run to its end (negative: the signal that ended it).

    Without `on_output` the child writes to this program's own output; with it, the handler gets stdout and stderr
    as they come. `on_idle` gets the seconds since the start whenever nothing came for `idle_s`.
    When the wait is interrupted, the child and all its descendants are ended before the exception goes on.
    """
    process = _start(command, cwd, extra_environment, piped=on_output is not None)
    try:
        if on_output is not None:
            _forward(process, on_output, on_idle, idle_s)
        return process.wait()
    except BaseException:
        end_with_descendants(process)
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()


def run_side_by_side(
    commands: Sequence[Sequence[str | Path]],
    *,
    at_once: int,
    on_output: Callable[[int, bytes], None],
    on_end: Callable[[int, int], bool],
    cwd: Path | None = None,
    extra_environment: Mapping[str, str] | None = None,
) -> None:
    """Nothing; runs commands in their order, `at_once` of them at a time.

    `on_output` gets (number of the command, stdout and stderr as they come), `on_end` (number, exit code); where that
    gives False, or the wait is interrupted, everything that still runs is ended with its descendants.
    """
    running: dict[int, tuple[int, subprocess.Popen[bytes]]] = {}
    waiting = list(enumerate(commands))
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                number, command = waiting.pop(0)
                process = _start(command, cwd, extra_environment, piped=True)
                running[_stdout(process).fileno()] = number, process
            for descriptor in select.select(list(running), [], [])[0]:
                number, process = running[descriptor]
                if block := os.read(descriptor, 65536):
                    on_output(number, block)
                    continue
                code = process.wait()
                del running[descriptor]
                _stdout(process).close()
                if not on_end(number, code):
                    return
    finally:
        for _, process in running.values():
            end_with_descendants(process)
            _stdout(process).close()


def _start(
    command: Sequence[str | Path], cwd: Path | None, extra_environment: Mapping[str, str] | None, *, piped: bool
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [os.fspath(part) for part in command],
        cwd=cwd,
        env=child_environment(extra_environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if piped else None,
        stderr=subprocess.STDOUT if piped else None,
        process_group=0,
    )


def _stdout(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _forward(
    process: subprocess.Popen[bytes], on_output: OutputHandler, on_idle: IdleHandler | None, idle_s: float
) -> None:
    """Nothing; hands the child's output over until it closes it."""
    descriptor, started = _stdout(process).fileno(), time.monotonic()
    while True:
        ready, _, _ = select.select([descriptor], [], [], idle_s)
        if not ready:
            if on_idle is not None:
                on_idle(time.monotonic() - started)
            continue
        block = os.read(descriptor, 65536)
        if not block:
            return
        on_output(block)


def end_with_descendants(process: subprocess.Popen[bytes]) -> None:
    """Nothing; asks the child's group to stop (SIGINT), and kills what is left of it and of its descendants."""
    family = descendants(process.pid)
    _signal_group(process.pid, signal.SIGINT)
    _wait_for_end(process, family, POLITE_WAIT_S)
    family |= descendants(process.pid)
    _signal_group(process.pid, signal.SIGKILL)
    for pid, started in family:
        if _start_time(pid) == started:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    _wait_for_end(process, family, FORCED_WAIT_S)


def descendants(pid: int) -> set[tuple[int, str]]:
    """The living descendants of a process as (pid, start time), where /proc tells; elsewhere the empty set.

    They are looked for because one that opened a session of its own is not reached through its ancestor's group.
    """
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat_fields(int(entry.parent.name))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found: set[tuple[int, str]] = set()
    waiting = list(children.get(pid, ()))
    while waiting:
        current = waiting.pop()
        if started := _start_time(current):
            found.add((current, started))
        waiting.extend(children.get(current, ()))
    return found


def _stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (the name before it may hold spaces); none for a dead process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _start_time(pid: int) -> str:
    """What tells a process from a later one with the same number; empty for none, or one that waits to be reaped."""
    fields = _stat_fields(pid)
    return fields[19] if fields and fields[0] != "Z" else ""


def _signal_group(group: int, number: signal.Signals) -> None:
    """Nothing; sends a signal to a process group that may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _wait_for_end(process: subprocess.Popen[bytes], family: set[tuple[int, str]], limit_s: float) -> None:
    """Nothing; waits for the end of child and family, `limit_s` at most; a second interrupt cuts it short."""
    deadline = time.monotonic() + limit_s
    with contextlib.suppress(Interrupted, KeyboardInterrupt):
        while time.monotonic() < deadline:
            if process.poll() is not None and not any(_start_time(pid) == started for pid, started in family):
                return
            time.sleep(POLL_S)
