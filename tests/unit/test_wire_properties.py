# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands in a job file, an event line or an engine's output gives an error of the wire's own, or order."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.engine.session import Phase, Session, take_end, take_line, take_tick
from fomm_engine.wire import events, names
from fomm_engine.wire.errors import ProtocolError, UserError
from fomm_engine.wire.events import REQUIRED_FIELDS, format_event, parse_line
from fomm_engine.wire.job import Job, checked_options, job_from_fields

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELD_NAMES = st.sampled_from(sorted({name for fields in REQUIRED_FIELDS.values() for name in fields} | {"detail"}))
EVENT_FIELDS = st.dictionaries(FIELD_NAMES, JSON_VALUES, max_size=5)
GOOD_FIELDS: dict[type, st.SearchStrategy[Any]] = {
    list: st.lists(st.integers(0, 3), min_size=2, max_size=2),
    str: st.text(max_size=10),
    int: st.integers(-(2**53), 2**53),
    type(None): st.none(),
}


def _event_of(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: st.one_of(*(GOOD_FIELDS[k] for k in kinds)) for name, kinds in REQUIRED_FIELDS[kind].items()}
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


GOOD_EVENTS = st.one_of(*(_event_of(kind) for kind in REQUIRED_FIELDS))


@given(st.text(max_size=200) | JSON_VALUES.map(json.dumps))
def test_a_line_is_an_event_or_a_protocol_error(line: str) -> None:
    try:
        event = parse_line(line)
    except ProtocolError:
        return
    assert isinstance(event["type"], str)


def test_the_sentence_does_not_repeat_a_flood() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_line("x" * (events.MAX_LINE_CHARS - 1))
    assert len(str(caught.value)) < 200


@given(GOOD_EVENTS)
def test_what_is_written_is_read(event: dict[str, Any]) -> None:
    line = format_event(event["type"], **{name: value for name, value in event.items() if name != "type"})
    assert line.isascii()
    assert line.count("\n") == 1
    assert parse_line(line) == event


def test_numbers_that_are_none_are_refused() -> None:
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "9" * 400):
        for line in (f'{{"type": "x", "a": {number}}}', f'{{"type": "x", "a": [{{"b": {number}}}]}}'):
            with pytest.raises(ProtocolError, match="not an event line"):
                parse_line(line)


@given(JSON_VALUES | st.fixed_dictionaries({}, optional={
    "protocol": st.just([1, 0]) | JSON_VALUES,
    "kind": st.sampled_from(names.JOB_KINDS) | JSON_VALUES,
    "input": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2) | JSON_VALUES,
    "output": st.text(max_size=9) | JSON_VALUES,
    "options": st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=3) | JSON_VALUES,
    "weights": st.text(max_size=9) | JSON_VALUES,
}))  # fmt: skip
def test_a_job_is_whole_or_refused(fields: object) -> None:
    try:
        job = job_from_fields(fields)
    except (UserError, ProtocolError):
        return
    assert job.kind in names.JOB_KINDS
    assert isinstance(job.output, str)
    assert all(isinstance(value, str) for value in job.input.values())
    assert isinstance(job.options, dict)


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e"]), JSON_VALUES, max_size=4))
def test_options_have_their_types_or_are_refused(options: dict[str, Any]) -> None:
    defaults = {"a": None, "b": 1.0, "c": True, "d": "text"}
    try:
        found = checked_options(Job("fake", {}, "out", options), defaults)
    except UserError:
        return
    assert set(found) == set(defaults)
    assert isinstance(found["c"], bool)
    assert isinstance(found["d"], str)
    assert math.isfinite(found["b"])


@given(st.lists(GOOD_EVENTS.map(json.dumps) | EVENT_FIELDS.map(json.dumps) | st.text(max_size=40), max_size=12))
def test_a_session_survives_any_engine(lines: list[str]) -> None:
    session = Session(started_at_s=0.0)
    for number, line in enumerate(lines):
        session = take_tick(take_line(session, line, 2.0 * number), 2.0 * number)
        assert not session.is_final, "only the process's end ends a job"
        assert session.fraction is None or 0.0 <= session.fraction <= 1.0
        assert session.seconds_left is None or math.isfinite(session.seconds_left)
    session = take_end(session, 1, ())
    assert session.is_final
    assert (session.failure is None) == (session.phase in (Phase.DONE, Phase.CANCELLED))


def test_deep_nesting_is_refused() -> None:
    deep = '{"type": "log", "message": ' + "[" * 90_000 + "]" * 90_000 + "}"
    assert len(deep) < events.MAX_LINE_CHARS
    with pytest.raises(ProtocolError, match="not an event line"):
        parse_line(deep)
