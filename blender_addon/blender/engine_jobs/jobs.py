# SPDX-License-Identifier: GPL-3.0-or-later
"""The one job that may run at a time, and the loop that waits for it where Blender has no windows."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import bpy

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

from ...engine.process import CancelTimes
from ...engine.run import EngineRun, absolute_job
from ...engine.session import Session
from .. import paths, preferences

MODELS_VARIABLE = "UNDERSTUDY_MODELS"  # the engine keeps what it downloads and compiles where uninstalling finds it
POLL_INTERVAL_S = 0.1
BLOCKING_INTERVAL_S = 0.05


class Run(Protocol):
    """What jobs.py needs of an engine job or an installation."""

    session: Session

    def poll(self, now_s: float) -> Session:
        """The session as it is now."""
        ...

    def cancel(self, now_s: float) -> None:
        """Ask it to stop."""
        ...

    def close(self) -> None:
        """End it at once."""
        ...


class Desk:
    """Holds the running job, so that the cancel button, file loading and quitting can reach it.

    listener: called with (title, session) after each poll of a blocking wait; a pipeline prints its progress with it.
    stop_asked: says True when a blocking wait should cancel its job (Ctrl-C in a pipeline).
    """

    def __init__(self) -> None:
        self.run: Run | None = None
        self.title = ""
        self.times: CancelTimes | None = None
        self.listener: Callable[[str, Session], None] | None = None
        self.stop_asked: Callable[[], bool] = lambda: False

    def take(self, title: str, start: Callable[[], Run]) -> Run:
        """The run that `start` gives, now the running job. Raises UserError("busy") while another one runs."""
        if self.busy:
            raise UserError("busy", f"{self.title} is still running.", "Wait for it, or cancel it.")
        self.run, self.title = start(), title
        return self.run

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self.run is not None and not self.run.session.is_final

    def cancel(self) -> bool:
        """True where there was a job to stop."""
        if self.run is None or not self.busy:
            return False
        self.run.cancel(time.monotonic())
        return True

    def close(self) -> None:
        """Nothing; ends the running job at once and forgets it."""
        if self.run is not None:
            self.run.close()
        self.run, self.title = None, ""

    def wait(self) -> Session:
        """The final session, after waiting for the running job."""
        run = self.run
        if run is None:
            raise RuntimeError("there is no job to wait for")
        while not run.poll(time.monotonic()).is_final:
            if self.listener is not None:
                self.listener(self.title, run.session)
            if self.stop_asked():
                self.cancel()
            time.sleep(BLOCKING_INTERVAL_S)
        return run.session


DESK = Desk()
atexit.register(DESK.close)


def start_engine(job: Job, python: Path) -> EngineRun:
    """A started engine job. Raises UserError where it cannot be started."""
    extra = {MODELS_VARIABLE: str(preferences.models_folder(bpy.context))}
    root = paths.source_root()
    return EngineRun(absolute_job(job), python, time.monotonic(), source_root=root, times=DESK.times, extra=extra)


def start_installation(job: Job, base_python: Path) -> EngineRun:
    """The started installation, run from the engine's package by a Python that has nothing of it yet."""
    package = Path(job.input["package"])
    extra = {"PYTHONPATH": str(package)} if package.suffix == ".whl" else {}
    root = paths.source_root() if not extra else None
    return EngineRun(absolute_job(job), base_python, time.monotonic(), source_root=root, times=DESK.times, extra=extra)
