# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running job's lines mean: a pure state machine from events to what the user is shown.

STARTING --hello--> RUNNING --done--> ... --Ended--> DONE or CANCELLED
                          --failed-> ... --Ended--> FAILED
Ended without done or failed: CRASHED (or CANCELLED, where the user had asked for it)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from fomm_engine.wire.errors import ProtocolError, UserError
from fomm_engine.wire.events import Event, parse_line
from fomm_engine.wire.versions import PROTOCOL, require_same_major

# A cold start from a slow disk takes seconds; the engine says hello before it imports anything heavy.
HELLO_WITHIN_S = 30.0
TAIL_LINES_SHOWN = 12
WARNINGS_KEPT, LOG_LINES_KEPT = 100, 50  # an engine that never stops talking must not fill Blender's memory


class Phase(Enum):
    """Where a job stands; the last four are final."""

    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    CRASHED = "crashed"


FINAL_PHASES = (Phase.DONE, Phase.CANCELLED, Phase.FAILED, Phase.CRASHED)


@dataclass(frozen=True)
class Failure:
    """Why a job failed: `code` for programs, `message` (a sentence) and `hint` for people, `detail` for a report."""

    code: str
    message: str
    hint: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Session:
    """What is known about one job at one moment. Times are seconds of the host's monotonic clock."""

    started_at_s: float
    phase: Phase = Phase.STARTING
    stage: str = ""
    stage_started_at_s: float = 0.0
    current: int = 0
    total: int | None = None
    message: str = ""
    seconds_left: float | None = None
    warnings: tuple[tuple[str, str], ...] = ()
    log: tuple[str, ...] = ()
    output: str = ""
    sha256: str = ""
    engine_version: str = ""
    outcome: str = ""
    failure: Failure | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in FINAL_PHASES

    @property
    def fraction(self) -> float | None:
        """How much of the stage is done, 0 to 1; None where the engine does not know."""
        return min(1.0, max(0.0, self.current / self.total)) if self.total and self.total > 0 else None


def take_line(session: Session, line: str, now_s: float) -> Session:
    """The session after one line of the engine's stdout; lines and events it does not know change nothing."""
    if session.outcome:
        return session
    try:
        event = parse_line(line)
    except ProtocolError:
        return session
    handler = _HANDLERS.get(event["type"])
    return handler(session, event, now_s) if handler else session


def take_cancel(session: Session) -> Session:
    """The session after the user asked to stop."""
    if session.is_final:
        return session
    return replace(session, phase=Phase.CANCELLING, message="Stopping", seconds_left=None)


def take_tick(session: Session, now_s: float) -> Session:
    """The session as time passes: an engine that never says hello has failed."""
    silent = session.phase is Phase.STARTING and now_s - session.started_at_s > HELLO_WITHIN_S
    if not silent or session.outcome:
        return session
    hint = "Check the engine in the preferences."
    return _failed(session, Failure("engine-silent", "The engine did not answer.", hint))


def take_end(session: Session, exit_status: int, stderr_tail: tuple[str, ...]) -> Session:
    """The final session, after the process has ended."""
    finals = {"ok": Phase.DONE, "cancelled": Phase.CANCELLED, "failed": Phase.FAILED}
    if session.outcome:
        return replace(session, phase=finals[session.outcome], seconds_left=None)
    if session.phase is Phase.CANCELLING:
        return replace(session, phase=Phase.CANCELLED, seconds_left=None)
    return replace(session, phase=Phase.CRASHED, failure=crash_failure(exit_status, stderr_tail), seconds_left=None)


def crash_failure(exit_status: int, stderr_tail: tuple[str, ...]) -> Failure:
    """The sentence for an engine that ended without a last word; `detail` holds the end of what it wrote."""
    detail = "\n".join(stderr_tail[-TAIL_LINES_SHOWN:])
    if any("No module named" in line and "fomm_engine" in line for line in stderr_tail):
        hint = "Install the engine in the add-on's preferences, or choose the Python that has it."
        return Failure("engine-not-installed", "This Python has no Understudy engine in it.", hint, detail)
    how = f"was stopped by signal {-exit_status}" if exit_status < 0 else f"ended with exit code {exit_status}"
    hint = "Try again; if it repeats, press Check Engine."
    return Failure("engine-crashed", f"The engine {how} before it was done.", hint, detail)


def failure_from_error(error: UserError) -> Failure:
    """The same error as a failure to show."""
    return Failure(error.code, error.message, error.hint)


def _failed(session: Session, failure: Failure) -> Session:
    return replace(session, outcome="failed", failure=failure)


def _hello(session: Session, event: Event, _now_s: float) -> Session:
    try:
        require_same_major("The engine", event["protocol"], PROTOCOL)
    except UserError as error:
        return _failed(session, failure_from_error(error))
    phase = Phase.RUNNING if session.phase is Phase.STARTING else session.phase
    return replace(session, phase=phase, engine_version=event["engine"])


def _progress(session: Session, event: Event, now_s: float) -> Session:
    if session.phase is Phase.CANCELLING:
        return session
    new_stage = event["stage"] != session.stage
    since_s = now_s if new_stage else session.stage_started_at_s
    moved = replace(
        session,
        stage=event["stage"],
        stage_started_at_s=since_s,
        current=event["current"],
        total=event["total"],
        message=event["message"],
    )
    return replace(moved, seconds_left=_seconds_left(moved, now_s))


def _seconds_left(session: Session, now_s: float) -> float | None:
    elapsed_s = now_s - session.stage_started_at_s
    # The first instants of a stage say nothing about the rest of it.
    if not session.total or session.current <= 0 or elapsed_s < 1.0:
        return None
    return max(0.0, elapsed_s * (session.total - session.current) / session.current)


def _warn(session: Session, event: Event, _now_s: float) -> Session:
    return replace(session, warnings=(*session.warnings, (event["code"], event["message"]))[:WARNINGS_KEPT])


def _log(session: Session, event: Event, _now_s: float) -> Session:
    return replace(session, log=(*session.log, event["message"])[-LOG_LINES_KEPT:])


def _done(session: Session, event: Event, _now_s: float) -> Session:
    outcome = "cancelled" if event["status"] == "cancelled" else "ok"
    digest = event.get("sha256")
    return replace(session, outcome=outcome, output=event["output"], sha256=digest if isinstance(digest, str) else "")


def _failed_event(session: Session, event: Event, _now_s: float) -> Session:
    detail = event.get("detail")
    text = detail if isinstance(detail, str) else ""
    return _failed(session, Failure(event["code"], event["message"], event["hint"], text))


_HANDLERS: dict[str, Any] = {
    "hello": _hello,
    "progress": _progress,
    "warn": _warn,
    "log": _log,
    "done": _done,
    "failed": _failed_event,
}
