# SPDX-License-Identifier: GPL-3.0-or-later
"""A child process whose lines are read by threads, so that the caller never waits, and which leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from fomm_engine.wire.events import MAX_LINE_CHARS

from .command import Command

STDERR_LINES_KEPT = 200
LINES_WAITING = 1000  # a child that floods its stdout waits for the host; it cannot fill the host's memory
LINE_CHARS_KEPT = MAX_LINE_CHARS + 1  # one more than an event may have, so that a longer line is seen to be too long


@dataclass(frozen=True)
class OutputLine:
    """One line of the child's stdout, without its line end."""

    text: str


@dataclass(frozen=True)
class Ended:
    """The child is gone: its exit status (negative: killed by that signal) and the last lines of its stderr."""

    exit_status: int
    stderr_tail: tuple[str, ...]


@dataclass(frozen=True)
class CancelTimes:
    """Seconds that the child is given: after the polite request, and after terminate before it is killed."""

    ask_s: float = 3.0
    terminate_s: float = 2.0


class LineProcess:
    """A running child process; `poll` gives what it said since the last call and never blocks.

    The reader threads put lines into a queue and touch nothing else. `Ended` comes once, as the last item, when both
    streams are at their end and the process has been waited for, so no zombie is left.
    """

    def __init__(self, command: Command, *, merge_stderr: bool = False) -> None:
        self._child = _start(command, merge_stderr)
        self._lines: queue.Queue[str] = queue.Queue(LINES_WAITING)
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES_KEPT)
        self._threads = [self._read(self._child.stdout, self._lines.put)]
        if not merge_stderr:
            self._threads.append(self._read(self._child.stderr, self._stderr.append))
        self._ended = False

    @property
    def pid(self) -> int:
        """The child's process number."""
        return self._child.pid

    def poll(self) -> list[OutputLine | Ended]:
        """Lines since the last call in order, and `Ended` after the last of them."""
        exited = self._child.poll() is not None
        readers_done = not any(thread.is_alive() for thread in self._threads)
        if exited and not readers_done:
            self._end_orphans()
        items: list[OutputLine | Ended] = [OutputLine(text) for text in self._drain()]
        if exited and readers_done and self._lines.empty() and not self._ended:
            self._ended = True
            self._close_streams()
            items.append(Ended(self._child.returncode, tuple(self._stderr)))
        return items

    def send_line(self, text: str) -> None:
        """Nothing; writes one line to the child's stdin. A child that is gone is no error."""
        stdin = self._child.stdin
        if stdin is None or stdin.closed:
            return
        with contextlib.suppress(OSError, ValueError):
            stdin.write(text + "\n")
            stdin.flush()

    def terminate(self) -> None:
        """Nothing; asks the system to end the child."""
        if self._child.poll() is None:
            with contextlib.suppress(OSError):
                self._child.terminate()

    def kill(self) -> None:
        """Nothing; ends the child, and on POSIX everything it started (decoders), at once."""
        if self._child.poll() is not None:
            return
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self._child.pid, signal.SIGKILL)
            else:
                self._child.kill()

    def close(self) -> None:
        """Nothing; ends the child now if it still runs, waits for it, and closes its streams."""
        self.kill()
        self._child.wait()
        until_s = time.monotonic() + 1.0
        while any(thread.is_alive() for thread in self._threads) and time.monotonic() < until_s:
            self._drain()  # a reader may be waiting for room
            self._threads[0].join(timeout=0.01)
        self._close_streams()

    def _end_orphans(self) -> None:
        # What the child had started (a decoder) may outlive a crash and hold the pipes open for ever.
        if os.name == "posix":
            with contextlib.suppress(OSError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def _drain(self) -> list[str]:
        texts: list[str] = []
        with contextlib.suppress(queue.Empty):
            for _ in range(LINES_WAITING):  # no more, or a child that floods would keep the caller here
                texts.append(self._lines.get_nowait())  # noqa: PERF401 (it ends by an error)
        return texts

    def _read(self, stream: IO[str] | None, deliver: Callable[[str], None]) -> threading.Thread:
        thread = threading.Thread(target=_pump, args=(stream, deliver), daemon=True, name="understudy-reader")
        thread.start()
        return thread

    def _close_streams(self) -> None:
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream is not None and not stream.closed:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()


class CancelLadder:
    """The steps by which a child is stopped: a request, after a while terminate, after another while kill."""

    def __init__(self, times: CancelTimes | None = None) -> None:
        self._times = times or CancelTimes()
        self._asked_at_s: float | None = None
        self._step = ""

    @property
    def asked(self) -> bool:
        """True once the cancel was asked for."""
        return self._asked_at_s is not None

    def ask(self, now_s: float) -> bool:
        """True at the first call, which starts the ladder; False afterwards."""
        if self._asked_at_s is not None:
            return False
        self._asked_at_s = now_s
        return True

    def step(self, now_s: float) -> str:
        """What is due now, each once: "terminate", "kill", or "" for nothing."""
        if self._asked_at_s is None:
            return ""
        waited_s = now_s - self._asked_at_s
        due = ""
        if waited_s >= self._times.ask_s:
            due = "terminate"
        if waited_s >= self._times.ask_s + self._times.terminate_s:
            due = "kill"
        if due == self._step:
            return ""
        self._step = due
        return due

    def apply(self, process: LineProcess, now_s: float) -> None:
        """Nothing; does the step that is due to the process."""
        due = self.step(now_s)
        if due == "terminate":
            process.terminate()
        elif due == "kill":
            process.kill()


def _start(command: Command, merge_stderr: bool) -> subprocess.Popen[str]:
    # A session of its own: Ctrl-C in the terminal reaches the host alone, which then asks politely; and the whole
    # group can be killed. Windows has no groups to kill; there a new group keeps Ctrl-C away, and no console opens.
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(
        command.arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merge_stderr else subprocess.PIPE,
        env=dict(command.environment),
        cwd=command.directory,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=os.name == "posix",
        creationflags=flags,
    )


def _pump(stream: IO[str] | None, deliver: Callable[[str], None]) -> None:
    if stream is None:
        return
    # A stream closed under the reader (close() after a kill) is the end of it, like any other.
    with contextlib.suppress(OSError, ValueError):
        while text := stream.readline(LINE_CHARS_KEPT):
            deliver(text.rstrip("\r\n"))
