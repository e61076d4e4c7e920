# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C in a pipeline: a polite stop, and a hard one where Blender is deep in a frame and cannot listen."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable

INTERRUPTED = 130
PATIENCE_S = 0.8


class StopWatch:
    """Knows whether the user asked to stop, and ends the process where that is not seen to within PATIENCE_S.

    Python runs signal handlers between its own instructions only; a frame that renders for ten seconds would hold the
    stop that long. The signal's number is written to a socket by the C handler at once, and a thread reads it there
    (https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd).
    """

    def __init__(self, clean_up: Callable[[], None]) -> None:
        self._asked = threading.Event()
        self._clean_up = clean_up
        self._reader, self._writer = socket.socketpair()

    def start(self) -> None:
        """Nothing; from now on SIGINT and SIGTERM are a wish to stop."""
        self._writer.setblocking(False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True, name="understudy-stop").start()

    def asked(self) -> bool:
        """Whether the user asked to stop."""
        return self._asked.is_set()

    def _hear(self, number: int, frame: object) -> None:
        del number, frame
        self._asked.set()

    def _watch(self) -> None:
        self._reader.recv(1)
        self._asked.set()
        threading.Event().wait(PATIENCE_S)
        self._clean_up()
        os._exit(INTERRUPTED)
