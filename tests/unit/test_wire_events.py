# SPDX-License-Identifier: GPL-3.0-or-later
"""Events and jobs: whatever a line or a file holds is either understood or refused, never half understood."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fomm_engine.wire import events
from fomm_engine.wire.errors import ProtocolError, UserError
from fomm_engine.wire.job import Job, checked_options, job_from_fields, read_job, write_job


def test_an_event_survives_the_line() -> None:
    line = events.format_event("progress", stage="track", current=3, total=None, message="Gr\u00fc\u00dfe")
    assert line.isascii() and line.endswith("\n") and line.count("\n") == 1
    assert events.parse_line(line)["message"] == "Gr\u00fc\u00dfe"


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", "3", '{"kind":"x"}', '{"type":5}', '{"type":"progress"}', '{"type":"done","status":1,"output":""}'],
)
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ProtocolError):
        events.parse_line(line)


def test_unknown_types_and_fields_pass() -> None:
    assert events.parse_line('{"type":"weather","rain":true}')["rain"] is True


def test_numbers_that_are_none_are_not_sent() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        events.format_event("log", level="info", message=float("nan"))


@given(st.text())
def test_any_text_is_an_event_or_a_protocol_error(line: str) -> None:
    with suppress(ProtocolError):
        assert isinstance(events.parse_line(line)["type"], str)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
job_fields = st.dictionaries(
    st.sampled_from(["protocol", "kind", "input", "output", "options", "weights"]) | st.text(max_size=5), json_values
)


@given(job_fields | json_values)
def test_any_json_is_a_job_or_refused(fields: object) -> None:
    with suppress(ProtocolError, UserError):
        assert isinstance(job_from_fields(fields), Job)


def test_a_job_survives_its_file(tmp_path: Path) -> None:
    job = Job("capture", {"video": "/a b/\u00e9.mp4"}, "/out.npz", {"focal_px": 800.5}, "default")
    write_job(job, tmp_path / "job.json")
    assert read_job(tmp_path / "job.json") == job


def test_a_job_of_a_newer_protocol_is_refused(tmp_path: Path) -> None:
    write_job(Job("fake", {}, "x", protocol=(2, 0)), tmp_path / "job.json")
    with pytest.raises(UserError) as caught:
        read_job(tmp_path / "job.json")
    assert caught.value.code == "version-unsupported"


def test_deep_nesting_does_not_overflow(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text("[" * 100_000)
    with pytest.raises(UserError) as caught:
        read_job(tmp_path / "job.json")
    assert caught.value.code == "job-unreadable"


def test_options_are_checked_by_name_and_type() -> None:
    defaults = {"size": 256, "relative": True, "focal_px": None}
    assert checked_options(Job("animate", {}, "x", {"size": 512}), defaults)["size"] == 512
    for options, code in (
        ({"sise": 1}, "unknown-option"),
        ({"size": "big"}, "bad-option"),
        ({"relative": 1}, "bad-option"),
    ):
        with pytest.raises(UserError) as caught:
            checked_options(Job("animate", {}, "x", options), defaults)
        assert caught.value.code == code
    assert json.dumps(checked_options(Job("animate", {}, "x", {"focal_px": 5}), defaults))
