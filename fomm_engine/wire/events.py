# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines an engine process writes: one ASCII JSON object each, `type` first; `done` or `failed` is always last.

hello     first line              protocol, engine, pid, kinds
progress  any time                stage, current, total or null, message
log       any time                level, message
warn      result usable           code, message, frames
failed    last line on failure    code, message (for the user), hint, detail (a trace, for a report)
done      last line otherwise     status "ok" or "cancelled", output, sha256, seconds

Readers ignore types and fields they do not know; writers never reuse a name.
"""

import json
from typing import Any, cast

from fomm_engine.wire.errors import ProtocolError
from fomm_engine.wire.strict_json import parse_json

FINAL_TYPES = ("failed", "done")
MAX_LINE_CHARS = 200_000
REQUIRED_FIELDS: dict[str, dict[str, tuple[type, ...]]] = {
    "hello": {"protocol": (list,), "engine": (str,), "pid": (int,), "kinds": (list,)},
    "progress": {"stage": (str,), "current": (int,), "total": (int, type(None)), "message": (str,)},
    "log": {"level": (str,), "message": (str,)},
    "warn": {"code": (str,), "message": (str,)},
    "failed": {"code": (str,), "message": (str,), "hint": (str,)},
    "done": {"status": (str,), "output": (str,)},
}
CANCEL_LINE = '{"type":"cancel"}\n'

Event = dict[str, Any]


def format_event(kind: str, **fields: Any) -> str:
    """The event as one line of ASCII JSON with its newline. Raises ValueError for NaN or infinity."""
    return json.dumps({"type": kind, **fields}, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n"


def parse_line(line: str) -> Event:
    """The event that `line` holds. Raises ProtocolError for anything else, with what was expected."""
    if len(line) > MAX_LINE_CHARS:
        raise ProtocolError(f"an event line has at most {MAX_LINE_CHARS} characters, got {len(line)}")
    try:
        event = parse_json(line)
    except ValueError as error:
        raise ProtocolError(f"not an event line: {line[:80]!r}") from error
    fields = cast(Event, event) if isinstance(event, dict) else {}
    if not isinstance(fields.get("type"), str):
        raise ProtocolError(f"an event is an object with a type, got {line[:80]!r}")
    _check_fields(fields)
    return fields


def is_final(event: Event) -> bool:
    """Whether this event ends the job."""
    return event["type"] in FINAL_TYPES


def is_cancel(line: str) -> bool:
    """Whether this line from the host asks the job to stop; lines of other kinds are ignored by readers."""
    try:
        return parse_line(line)["type"] == "cancel"
    except ProtocolError:
        return False


def _check_fields(event: Event) -> None:
    for name, kinds in REQUIRED_FIELDS.get(event["type"], {}).items():
        value = event.get(name)
        if name not in event or not isinstance(value, kinds) or isinstance(value, bool):
            raise ProtocolError(f"a {event['type']} event needs '{name}', got {value!r}")
