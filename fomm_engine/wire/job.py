# SPDX-License-Identifier: GPL-3.0-or-later
"""Job files: what one engine process is to do, as JSON."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fomm_engine.wire.errors import ProtocolError, UserError
from fomm_engine.wire.names import JOB_KINDS
from fomm_engine.wire.strict_json import parse_json
from fomm_engine.wire.versions import PROTOCOL, require_same_major
from fomm_engine.wire.whole_file import whole_file

MAX_JOB_BYTES = 1_000_000  # a job holds paths and options, never data


@dataclass(frozen=True)
class Job:
    """One job: kind, inputs (absolute paths), output path, options and the weights' name or path."""

    kind: str
    input: dict[str, str]
    output: str
    options: dict[str, Any] = field(default_factory=lambda: {})
    weights: str | None = None
    protocol: tuple[int, int] = PROTOCOL


def write_job(job: Job, path: Path) -> None:
    """Nothing; the job stands in `path` as JSON."""
    text = json.dumps(fields_of(job), ensure_ascii=True, allow_nan=False, indent=1)
    with whole_file(Path(path)) as partial:
        partial.write_text(text, encoding="ascii")


def fields_of(job: Job) -> dict[str, Any]:
    """The job as `job_from_fields` takes it, ready for JSON."""
    return {
        "protocol": list(job.protocol),
        "kind": job.kind,
        "input": job.input,
        "output": job.output,
        "options": job.options,
        "weights": job.weights,
    }


def read_job(path: Path) -> Job:
    """The job in `path`.

    Raises UserError("job-unreadable") for a file that cannot be read or is no JSON, UserError("version-unsupported")
    for another major protocol, ProtocolError for fields of the wrong kind.
    """
    try:
        if Path(path).stat().st_size > MAX_JOB_BYTES:
            raise UserError("job-unreadable", f"The job file {path} is larger than a job can be.", "Start again.")
        fields = parse_json(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("job-unreadable", f"The job file {path} cannot be read ({error}).", "Start again.") from error
    return job_from_fields(fields)


def job_from_fields(fields: object) -> Job:
    """The job that `fields` (decoded JSON) describes; raises as `read_job` does."""
    if not isinstance(fields, dict):
        raise ProtocolError(f"a job is a JSON object, got {type(fields).__name__}")
    known = cast(dict[str, Any], fields)
    require_same_major("The job", known.get("protocol"), PROTOCOL)
    kind, output, weights = known.get("kind"), known.get("output"), known.get("weights")
    if kind not in JOB_KINDS:
        raise ProtocolError(f"unknown job kind {kind!r}; this engine knows {', '.join(JOB_KINDS)}")
    if not isinstance(output, str) or not isinstance(weights, str | None):
        raise ProtocolError("a job's output is a path and its weights a name or null")
    return Job(kind, _text_values(known.get("input")), output, _object(known.get("options")), weights)


def checked_options(job: Job, defaults: dict[str, Any]) -> dict[str, Any]:
    """`defaults` with the job's options laid over them.

    Raises UserError("unknown-option") for an option that is not among the defaults and UserError("bad-option") for one
    whose type differs from its default's (a default of None takes a number or null).
    """
    for name, value in job.options.items():
        if name not in defaults:
            known = ", ".join(sorted(defaults)) or "none"
            raise UserError("unknown-option", f"The {job.kind} job has no option '{name}'.", f"It has: {known}.")
        if not _fits(value, defaults[name]):
            raise UserError("bad-option", f"The {job.kind} job cannot use {value!r} for '{name}'.")
    return {**defaults, **job.options}


def _fits(value: object, default: object) -> bool:
    if default is None:
        return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))


def _object(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProtocolError(f"expected a JSON object, got {type(value).__name__}")
    return cast(dict[str, Any], value)


def _text_values(value: object) -> dict[str, str]:
    fields = _object(value)
    if not all(isinstance(v, str) for v in fields.values()):
        raise ProtocolError("a job's inputs are paths")
    return fields
