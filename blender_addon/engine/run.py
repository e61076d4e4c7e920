# SPDX-License-Identifier: GPL-3.0-or-later
"""One job from start to end: the process and its session together, polled from outside, never waiting."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.events import CANCEL_LINE
from fomm_engine.wire.job import Job, write_job

from .command import engine_command
from .process import CancelLadder, CancelTimes, Ended, LineProcess
from .session import Session, take_cancel, take_end, take_line, take_tick

# After its last event the engine only has to go; one that hangs there is ended, its result is whole already.
EXIT_WITHIN_S = 5.0


class EngineRun:
    """A running engine job.

    folder: the job's own, removed at the end. python: the engine's interpreter.
    source_root: the folder that holds `fomm_engine` where it is not installed. extra: what is added to the process's
    environment, which has nothing of this one's Python in it.
    Raises UserError("engine-python-missing", "engine-not-startable") where the process cannot be started.
    """

    def __init__(
        self,
        job: Job,
        python: Path,
        now_s: float,
        *,
        source_root: Path | None = None,
        times: CancelTimes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        _require_python(python)
        self.folder = Path(tempfile.mkdtemp(prefix="understudy-job-"))
        job_file = self.folder / "job.json"
        write_job(job, job_file)
        directory = source_root or self.folder
        try:
            command = engine_command(python, job_file, environment=os.environ, directory=directory)
            self._process = LineProcess(replace(command, environment={**command.environment, **(extra or {})}))
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise UserError("engine-not-startable", f"The engine cannot be started ({error.strerror}).") from error
        self._ladder = CancelLadder(times)
        self._outcome_at_s: float | None = None
        self.session = Session(started_at_s=now_s)

    @property
    def pid(self) -> int:
        """The engine's process number."""
        return self._process.pid

    def poll(self, now_s: float) -> Session:
        """The session as it is now, after everything the engine said since the last call."""
        if self.session.is_final:
            return self.session
        self.session = take_tick(self.session, now_s)
        for item in self._process.poll():
            if isinstance(item, Ended):
                self.session = take_end(self.session, item.exit_status, item.stderr_tail)
                self._remove_folder()
            else:
                self.session = take_line(self.session, item.text, now_s)
        self._urge(now_s)
        return self.session

    def cancel(self, now_s: float) -> None:
        """Nothing; asks the engine to stop, and makes it stop if it does not listen."""
        if self._ladder.ask(now_s):
            self._process.send_line(CANCEL_LINE.strip())
            self.session = take_cancel(self.session)

    def close(self) -> None:
        """Nothing; ends the process now if it still runs, and removes the job's folder."""
        self._process.close()
        if not self.session.is_final:
            self.session = take_end(take_cancel(self.session), 0, ())
        self._remove_folder()

    def _urge(self, now_s: float) -> None:
        if self.session.is_final:
            return
        if self.session.outcome and self._outcome_at_s is None:
            self._outcome_at_s = now_s
        if self._outcome_at_s is not None and now_s - self._outcome_at_s > EXIT_WITHIN_S:
            self._process.kill()
        if self.session.failure is not None and self._ladder.ask(now_s):
            self._process.send_line(CANCEL_LINE.strip())
        self._ladder.apply(self._process, now_s)

    def _remove_folder(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def absolute_job(job: Job) -> Job:
    """The job with absolute paths, since the engine starts in another folder."""
    inputs = {name: os.path.abspath(path) for name, path in job.input.items()}
    return replace(job, input=inputs, output=os.path.abspath(job.output))


def _require_python(python: Path) -> None:
    if not python.is_file():
        raise UserError(
            "engine-python-missing",
            f"There is no engine at {python}." if str(python) not in ("", ".") else "The engine is not installed yet.",
            "Install the engine in the add-on's preferences, or choose the Python that has it.",
        )
