# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs an engine process can run, one module each; modules load only when their job runs."""

import hashlib
import importlib
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from fomm_engine import __version__
from fomm_engine.jobs.failures import user_error_of
from fomm_engine.stdio import Reporter, Sink
from fomm_engine.wire.errors import Cancelled, ProtocolError, UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.names import JOB_KINDS
from fomm_engine.wire.unfinished import LONGEST_NAME
from fomm_engine.wire.versions import PROTOCOL

OK, FAILED, BAD_INPUT = 0, 1, 2


def run_job(job: Job, sink: Sink, reporter: Reporter) -> int:
    """The exit code after running `job` to its last event: `done` (ok or cancelled) or `failed`.

    This is the engine's one door for unexpected errors: whatever a job raises becomes a `failed` event.
    """
    started = time.monotonic()
    try:
        check_output(job)
        output = _load(job.kind)(job, reporter)
        sink.emit("done", status="ok", output=str(output), sha256=sha256_of(output), seconds=time.monotonic() - started)
        return OK
    except Cancelled:
        sink.emit("done", status="cancelled", output=job.output, sha256="", seconds=time.monotonic() - started)
        return OK
    except Exception as error:  # noqa: BLE001 - the door: a bug must reach the user as a report, not as silence
        known = user_error_of(error)
        if known is not None:
            return _failed(sink, known, "" if known is error else traceback.format_exc())
        message = f"The engine met an error of its own ({type(error).__name__}: {error})."
        return _failed(sink, UserError("engine-bug", message, "Please report it."), traceback.format_exc())


def check_output(job: Job) -> None:
    """Nothing, if the job's output can be written where it says.

    Raises UserError("not-writable") before any work is done, so that nobody waits for a result that cannot be kept.
    """
    output = Path(job.output).absolute()
    folder = output.parent
    if len(os.fsencode(output.name)) > LONGEST_NAME:
        said = f"The name {output.name[:40]}... is longer than a file's name may be."
        raise UserError("not-writable", said, "Choose a shorter name.")
    if os.name == "nt" and output.is_reserved():
        raise UserError(
            "not-writable", f"{output.name} is a name that Windows keeps for itself.", "Choose another name."
        )
    if not folder.is_dir():
        raise UserError("not-writable", f"There is no folder {folder}.", "Create it, or choose another one.")
    if not os.access(folder, os.W_OK) or Path(job.output).is_dir():
        raise UserError("not-writable", f"{job.output} cannot be written.", "Choose another place for the result.")


def say_hello(sink: Sink) -> None:
    """Emit the first line, before anything heavy is imported."""
    sink.emit("hello", protocol=list(PROTOCOL), engine=__version__, pid=os.getpid(), kinds=list(JOB_KINDS))


def sha256_of(path: Path) -> str:
    """The file's SHA-256 as hex digits, read in pieces."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _load(kind: str) -> Callable[[Job, Reporter], Path]:
    if kind not in JOB_KINDS:
        raise ProtocolError(f"unknown job kind {kind!r}")
    run: Callable[[Job, Reporter], Path] = importlib.import_module(f"fomm_engine.jobs.{kind}").run
    return run


def _failed(sink: Sink, error: UserError, detail: str = "") -> int:
    sink.emit("failed", code=error.code, message=error.message, hint=error.hint, detail=detail)
    return FAILED
