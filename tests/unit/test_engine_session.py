# SPDX-License-Identifier: GPL-3.0-or-later
"""The session: what lines of an engine mean, from hello to the end, without any process."""

import pytest

from blender_addon.engine.session import (
    HELLO_WITHIN_S,
    Phase,
    Session,
    take_cancel,
    take_end,
    take_line,
    take_tick,
)
from fomm_engine.wire.events import format_event

HELLO = format_event("hello", protocol=[1, 0], engine="0.1.0", pid=1, kinds=["fake"])


def progress(current, total=10, stage="track"):
    return format_event("progress", stage=stage, current=current, total=total, message="m")


def done(status="ok"):
    return format_event("done", status=status, output="/x", sha256="ab", seconds=1.0)


@pytest.fixture
def running():
    return take_line(Session(started_at_s=0.0), HELLO, 0.1)


def test_hello_starts_it(running):
    assert (running.phase, running.engine_version) == (Phase.RUNNING, "0.1.0")


def test_progress_gives_fraction_and_time_left(running):
    session = take_line(running, progress(0), 1.0)
    session = take_line(session, progress(4), 5.0)
    assert session.fraction == pytest.approx(0.4)
    assert session.seconds_left == pytest.approx(6.0)  # 4 steps in 4 s, 6 to go


def test_time_left_starts_anew_with_each_stage(running):
    session = take_line(take_line(running, progress(1), 1.0), progress(9), 9.0)
    session = take_line(session, progress(1, stage="solve"), 20.0)
    assert session.seconds_left is None
    assert take_line(session, progress(3, stage="solve"), 26.0).seconds_left == pytest.approx(14.0)


def test_a_stage_without_total_has_no_fraction(running):
    session = take_line(running, progress(7, total=None), 4.0)
    assert (session.fraction, session.seconds_left, session.current) == (None, None, 7)


def test_done_is_final_only_when_the_process_has_ended(running):
    session = take_line(running, done(), 2.0)
    assert not session.is_final
    session = take_end(session, 0, ())
    assert (session.phase, session.output, session.sha256) == (Phase.DONE, "/x", "ab")


def test_nothing_counts_after_the_last_event(running):
    session = take_line(take_line(running, done(), 2.0), progress(3), 3.0)
    assert session.current == 0


def test_failed_keeps_code_message_hint_and_detail(running):
    line = format_event("failed", code="no-face", message="No face.", hint="Look.", detail="trace")
    failure = take_end(take_line(running, line, 1.0), 1, ()).failure
    assert (failure.code, failure.message, failure.hint, failure.detail) == ("no-face", "No face.", "Look.", "trace")


@pytest.mark.parametrize(("status", "words"), [(139, "exit code 139"), (-9, "signal 9")])
def test_an_end_without_last_word_is_a_crash_with_the_tail(running, status, words):
    session = take_end(running, status, ("one", "two"))
    assert session.phase is Phase.CRASHED
    assert words in session.failure.message
    assert session.failure.detail == "one\ntwo"


def test_a_python_without_the_engine_is_said_so():
    tail = ("/x/python: No module named fomm_engine",)
    assert take_end(Session(started_at_s=0.0), 1, tail).failure.code == "engine-not-installed"


def test_a_cancelled_job_that_is_killed_is_cancelled_not_crashed(running):
    assert take_end(take_cancel(running), -9, ()).phase is Phase.CANCELLED


def test_a_cancel_that_comes_too_late_leaves_the_result(running):
    session = take_line(take_cancel(running), done(), 2.0)
    assert take_end(session, 0, ()).phase is Phase.DONE


def test_progress_does_not_undo_stopping(running):
    session = take_line(take_cancel(running), progress(5), 2.0)
    assert (session.phase, session.message) == (Phase.CANCELLING, "Stopping")


@pytest.mark.parametrize(
    "line", ["", "not json", "[1]", '{"type": 3}', '{"type":"progress"}', '{"type":"later","x":1}']
)
def test_lines_of_no_meaning_change_nothing(running, line):
    assert take_line(running, line, 3.0) == running


def test_another_major_protocol_is_refused():
    hello = format_event("hello", protocol=[2, 0], engine="9", pid=1, kinds=[])
    session = take_line(Session(started_at_s=0.0), hello, 0.1)
    assert session.failure.code == "version-unsupported"
    assert "2.0" in session.failure.message


def test_an_engine_that_never_answers_has_failed():
    waiting = Session(started_at_s=10.0)
    assert take_tick(waiting, 10.0 + HELLO_WITHIN_S - 1) == waiting
    late = take_tick(waiting, 10.0 + HELLO_WITHIN_S + 1)
    assert take_end(late, -15, ()).failure.code == "engine-silent"


def test_warnings_and_log_are_kept(running):
    session = take_line(running, format_event("warn", code="lost", message="Lost.", frames=[3]), 1.0)
    session = take_line(session, format_event("log", level="info", message="hi"), 1.0)
    assert (session.warnings, session.log) == ((("lost", "Lost."),), ("hi",))
