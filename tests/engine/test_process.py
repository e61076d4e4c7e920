# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as a process: its lines, its exit codes, and how it stops."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fomm_engine.wire import events
from fomm_engine.wire.job import Job, write_job

ENDS_WITHIN_S = 20


def start(folder: Path, **options: Any) -> "subprocess.Popen[str]":
    """An engine process running the fake job."""
    write_job(Job("fake", {}, str(folder / "fake.txt"), options), folder / "job.json")
    command = [sys.executable, "-m", "fomm_engine", "run", str(folder / "job.json"), "--events"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )


def lines_of(process: "subprocess.Popen[str]") -> list[dict[str, Any]]:
    """All its events, once it has ended; its stdin stays open until then."""
    assert process.stdout is not None
    lines = [events.parse_line(line) for line in process.stdout]
    process.wait(ENDS_WITHIN_S)
    return lines


def test_hello_first_done_last_and_the_output_is_there(tmp_path: Path) -> None:
    with start(tmp_path, steps=3) as process:
        lines = lines_of(process)
    assert lines[0]["type"] == "hello" and lines[0]["pid"] == process.pid
    assert lines[-1]["type"] == "done" and lines[-1]["status"] == "ok" and process.returncode == 0
    assert (tmp_path / "fake.txt").read_text() == "fake\n"


def test_what_libraries_print_stays_out_of_the_events(tmp_path: Path) -> None:
    with start(tmp_path, garbage=True, steps=2) as process:
        assert [line["type"] for line in lines_of(process)][-1] == "done"
        assert process.stderr is not None and "nor this" in process.stderr.read()


def test_a_failure_is_one_sentence_and_exit_1(tmp_path: Path) -> None:
    with start(tmp_path, fail=True) as process:
        last = lines_of(process)[-1]
    assert (last["type"], last["code"], process.returncode) == ("failed", "fake-failure", 1)
    assert "Traceback" not in last["message"]


def test_a_crash_ends_without_a_last_event(tmp_path: Path) -> None:
    with start(tmp_path, crash=True) as process:
        assert not events.is_final(lines_of(process)[-1])
    assert process.returncode != 0


@pytest.mark.parametrize("how", ["line", "end of file"])
def test_cancel_stops_it_and_leaves_nothing(how: str, tmp_path: Path) -> None:
    with start(tmp_path, steps=100_000) as process:
        assert process.stdout is not None and process.stdin is not None
        while events.parse_line(process.stdout.readline())["type"] != "progress":
            pass
        if how == "line":
            process.stdin.write(events.CANCEL_LINE)
            process.stdin.flush()
        else:
            process.stdin.close()
        last = events.parse_line(process.stdout.readlines()[-1])
        process.wait(ENDS_WITHIN_S)
    assert last["status"] == "cancelled" and not (tmp_path / "fake.txt").exists()


def test_an_unwritable_output_is_refused_before_the_work(tmp_path: Path) -> None:
    write_job(Job("fake", {}, str(tmp_path / "no" / "such" / "x.txt"), {"steps": 10_000}), tmp_path / "job.json")
    command = [sys.executable, "-m", "fomm_engine", "run", str(tmp_path / "job.json"), "--events"]
    ended = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=60, check=False)
    last = json.loads(ended.stdout.splitlines()[-1])
    assert (last["code"], ended.returncode) == ("not-writable", 1)


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"protocol":[9,0]}'])
def test_a_bad_job_file_is_one_sentence(content: str, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(content)
    command = [sys.executable, "-m", "fomm_engine", "run", str(tmp_path / "job.json"), "--events"]
    ended = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(ended.stdout.splitlines()[-1])["type"] == "failed" and "Traceback" not in ended.stderr


def test_people_get_exit_code_2_and_a_sentence_for_bad_input(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "fomm_engine",
        "capture",
        str(tmp_path / "none.mp4"),
        "-o",
        str(tmp_path / "t.npz"),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2 and "There is no file" in ended.stderr and "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []
