# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's ends of the pipes: events out on a stdout of their own, cancel in on stdin.

File descriptor 1 is taken for events and then pointed at stderr, so that whatever a library or a child process prints
cannot come between the event lines.
"""

import os
import sys
import threading
import time
from typing import Any, Protocol, TextIO

from fomm_engine.wire import events
from fomm_engine.wire.errors import Cancelled, HostGone

PROGRESS_INTERVAL_S = 0.1  # at most ten progress events a second
ALONE_AT_MOST_S = 30.0  # a job that does not stop though its host is gone is ended; its files are whole or not there


class Sink(Protocol):
    """Where a job's events go: a host's pipe or a person's terminal."""

    def emit(self, kind: str, **fields: Any) -> None:
        """Pass on one event."""
        ...


class EventSink:
    """Writes events as JSON lines to the real stdout, which nothing else can reach from now on."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._stream: TextIO = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def emit(self, kind: str, **fields: Any) -> None:
        """Write one event line. A host that has gone away is noticed by its stdin, not here."""
        with self._lock:
            try:
                self._stream.write(events.format_event(kind, **fields))
                self._stream.flush()
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


class TerminalSink:
    """Shows events to a person: one line of progress that renews itself, sentences for the rest."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._open_line = False

    def emit(self, kind: str, **fields: Any) -> None:
        """Show one event."""
        if kind == "progress":
            self._progress(fields)
        elif kind in ("log", "warn"):
            self._line(("Note: " if kind == "warn" else "") + str(fields["message"]))

    def _progress(self, fields: dict[str, Any]) -> None:
        of = f" of {fields['total']}" if fields.get("total") else ""
        text = f"{fields['stage']}: {fields['current']}{of} {fields.get('message', '')}".rstrip()
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{text}")
            self._open_line = True
        elif fields["current"] == fields.get("total"):
            self._stream.write(text + "\n")
        self._stream.flush()

    def _line(self, text: str) -> None:
        self._stream.write(("\n" if self._open_line else "") + text + "\n")
        self._open_line = False


class CancelFlag:
    """Set when the host writes a cancel line or closes our stdin (which also happens when it dies)."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._asked = True

    def watch_stdin(self) -> None:
        """Start listening; the thread ends with the process."""
        threading.Thread(target=self._listen, name="stdin", daemon=True).start()

    def set(self) -> None:
        """Ask the job to stop."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the job was asked to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Nothing, unless the job must stop: raises Cancelled, or HostGone where nobody asked for it."""
        if self._event.is_set():
            raise Cancelled("the job was cancelled") if self._asked else HostGone("the host went away")

    def _listen(self) -> None:
        self._asked = any(events.is_cancel(line) for line in sys.stdin)
        self._event.set()
        if not self._asked:
            time.sleep(ALONE_AT_MOST_S)
            os._exit(1)


class Reporter:
    """What a job tells about itself while it runs, and how it learns that it should stop."""

    def __init__(self, sink: Sink, cancel: CancelFlag) -> None:
        self._sink = sink
        self._cancel = cancel
        self._last_progress: tuple[str, float] = ("", 0.0)

    def progress(self, stage: str, current: int, total: int | None = None, message: str = "") -> None:
        """Tell how far `stage` is; also the place where a cancelled job stops. Raises Cancelled."""
        self.check_cancelled()
        now = time.monotonic()
        last_stage, last_time = self._last_progress
        if stage == last_stage and current != total and now - last_time < PROGRESS_INTERVAL_S:
            return
        self._last_progress = (stage, now)
        self._sink.emit("progress", stage=stage, current=current, total=total, message=message)

    def log(self, message: str, level: str = "info") -> None:
        """Tell something for the record."""
        self._sink.emit("log", level=level, message=message)

    def warn(self, code: str, message: str, frames: tuple[int, ...] = ()) -> None:
        """Tell something the user should know about a result that is usable all the same."""
        self._sink.emit("warn", code=code, message=message, frames=list(frames))

    def check_cancelled(self) -> None:
        """Raises Cancelled when the host asked the job to stop, HostGone (one too) when it went away."""
        self._cancel.check()
