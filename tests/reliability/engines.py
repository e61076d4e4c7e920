# SPDX-License-Identifier: GPL-3.0-or-later
"""Real engine processes that can be killed: started cold as a host starts them, or forked from this one to save time.

A forked engine is the same program behind the same pipes, with its imports done already.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fomm_engine.wire.events import CANCEL_LINE, is_final
from fomm_engine.wire.job import Job, write_job

ROOT = Path(__file__).resolve().parents[2]
ENDS_WITHIN_S = 240.0  # on a machine that does other things too
TICKS = os.sysconf("SC_CLK_TCK")

Event = dict[str, Any]


class EngineProcess:
    """A running engine; its events as they come."""

    def __init__(self, pid: int, stdin: int, stdout: int, reap: Callable[[], int]) -> None:
        self.pid, self._stdin, self._reap = pid, stdin, reap
        self._lines = os.fdopen(stdout, "r", encoding="ascii", errors="replace")
        self.exit_status: int | None = None

    def events(self) -> Iterator[Event]:
        """What it says, until it ends."""
        for line in self._lines:
            with contextlib.suppress(ValueError):
                yield json.loads(line)

    def until(self, wanted: Callable[[Event], bool]) -> list[Event]:
        """Everything up to the first event that is wanted; everything where none is."""
        heard: list[Event] = []
        for event in self.events():
            heard.append(event)
            if wanted(event):
                break
        return heard

    def cancel(self) -> None:
        """Ask it to stop."""
        os.write(self._stdin, CANCEL_LINE.encode("ascii"))

    def deafen(self) -> None:
        """Close its output, as a host that is broken does; its input stays."""
        self._lines.close()

    def leave(self) -> None:
        """Close its input, as a host that dies does."""
        os.close(self._stdin)
        self._stdin = -1

    def pause(self) -> None:
        """It stands still until `go_on`."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """It goes on after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, to it alone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def stop_for_good(self) -> list[Event]:
        """SIGKILL, and what it had said before."""
        self.kill()
        return self.finish()

    def finish(self) -> list[Event]:
        """The rest of its events, after it has ended and was waited for."""
        rest = list(self.events()) if not self._lines.closed else []
        self._lines.close()
        self.exit_status = self._reap()  # before its input is closed: that would stop it
        if self._stdin >= 0:
            os.close(self._stdin)
        return rest

    def cpu_s(self) -> float:
        """Processor time it has used; raises OSError when it is gone."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def cold(job: Job, folder: Path) -> EngineProcess:
    """A fresh interpreter that runs the job, as the add-on starts it."""
    path = folder / f"job-{time.monotonic_ns()}.json"
    write_job(job, path)
    child = subprocess.Popen(
        [sys.executable, "-m", "fomm_engine", "run", str(path), "--events"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        start_new_session=True,
    )
    assert child.stdin is not None and child.stdout is not None
    ends = os.dup(child.stdin.fileno()), os.dup(child.stdout.fileno())
    child.stdin.close()
    child.stdout.close()
    return EngineProcess(child.pid, *ends, lambda: child.wait(ENDS_WITHIN_S))


def forked(job: Job, folder: Path, prepare: Callable[[], None] = lambda: None) -> EngineProcess:
    """The same from this process's own memory; `prepare` is called in the child first (limits, another clock)."""
    import fomm_engine.jobs.capture  # noqa: F401 - so that no child has to

    path = folder / f"job-{time.monotonic_ns()}.json"
    write_job(job, path)
    (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_engine(path, (in_read, in_write, out_read, out_write), prepare)
    os.close(in_read)
    os.close(out_write)
    return EngineProcess(pid, in_write, out_read, lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def limit_memory(extra_bytes: int) -> Callable[[], None]:
    """A preparation after which the child may map so much more memory than it has already."""

    def prepare() -> None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + extra_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    return prepare


def last_of(events: list[Event]) -> Event:
    """The closing event; fails where there is none."""
    assert events and is_final(events[-1]), f"no last word: {events[-3:]}"
    return events[-1]


def sentence(event: Event) -> str:
    """What a `failed` event says to the user."""
    return f"{event['message']} {event['hint']}".strip()


def processes_about(text: str) -> list[str]:
    """The command lines of living processes, not this one, in which `text` occurs."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                found += [line] if text in line else []
    return found


def none_left_about(text: str, within_s: float = 10.0) -> bool:
    """Whether all processes that name `text` end within a while."""
    until = time.monotonic() + within_s
    while processes_about(text):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _be_engine(path: Path, ends: tuple[int, int, int, int], prepare: Callable[[], None]) -> None:
    """Does not come back."""
    code = 70
    try:
        in_read, in_write, out_read, out_write = ends
        os.close(in_write)
        os.close(out_read)
        os.setsid()
        os.dup2(in_read, 0)
        os.dup2(out_write, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.close(in_read)
        os.close(out_write)
        sys.stdin = os.fdopen(0, "r", encoding="utf-8")
        sys.stdout, sys.stderr = os.fdopen(1, "w", encoding="utf-8"), os.fdopen(2, "w", encoding="utf-8")
        from fomm_engine.cli import main

        prepare()
        code = main(["run", str(path), "--events"])
    finally:
        os._exit(code)
