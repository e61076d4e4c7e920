# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture opens no connection, writes only where it was told to, and starts nothing but ffmpeg, without a shell."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fomm_engine.video.ffmpeg import ffmpeg_path
from fomm_engine.wire.job import Job, write_job

# What runs before the engine does: Python's audit events (PEP 578) of everything that reaches out of the process.
WATCHED = """
import json, os, sys
seen = []
def watch(event, arguments):
    if event.startswith("socket.") or event in ("urllib.Request", "http.client.connect", "ftplib.connect"):
        seen.append([event, repr(arguments)[:200]])
    elif event == "open":
        path, mode, flags = arguments
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and not isinstance(path, int):
            seen.append(["write", os.path.abspath(os.fsdecode(path))])
    elif event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"):
        seen.append(["write", os.path.abspath(os.fsdecode(arguments[0]))])
    elif event == "subprocess.Popen":
        seen.append(["start", [os.fsdecode(part) for part in arguments[1]]])
    elif event in ("os.system", "os.exec", "os.posix_spawn", "os.fork"):
        seen.append(["start", [event]])
sys.addaudithook(watch)
note = os.environ["WATCH_NOTE"]
from fomm_engine.cli import main
code = main(["run", sys.argv[-1], "--events"])
sys.stdout.flush()
log = list(seen)
with open(note, "w") as stream:
    json.dump([code, log], stream)
os._exit(0)
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> tuple[int, list[Any], Path]:
    """(exit code, what was seen, the folder it may write to) of a short capture of the project's own performance."""
    folder = tmp_path_factory.mktemp("watched")
    out, home = folder / "takes", folder / "home"
    out.mkdir()
    home.mkdir()
    video = project_root / "rigs" / "performances" / "monologue.mp4"
    write_job(Job("capture", {"video": str(video)}, str(out / "a.capture.npz"), {"end_s": 0.1}), folder / "job.json")
    note = folder / "seen.json"
    environment = {**os.environ, "HOME": str(home), "WATCH_NOTE": str(note), "PYTHONDONTWRITEBYTECODE": "1"}
    command, log = [sys.executable, "-c", WATCHED, str(folder / "job.json")], folder / "log.txt"
    with log.open("w") as stream:  # its stdin stays open: a host that goes away would stop it
        engine = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.PIPE, stdout=stream, stderr=stream
        )
        engine.wait(300)
        engine.communicate()
    assert note.exists() and (out / "a.capture.npz").exists(), log.read_text()[-2000:]
    code, seen = json.loads(note.read_text())
    return code, seen, out


def test_no_connection_is_opened(watched: Any, fault_record: Any) -> None:
    code, seen, _ = watched
    assert code == 0
    assert [event for event in seen if event[0] not in ("write", "start")] == []
    fault_record(
        group="hostile files",
        fault="A capture that would tell somebody about the face",
        done="captured under Python's audit hook",
        user_saw=f"the take; {len(seen)} events watched, none of them a socket",
        survived="the face stays on the machine",
    )


def test_nothing_is_written_elsewhere(watched: Any) -> None:
    _, seen, out = watched
    written = {path for event, path in seen if event == "write" and not path.startswith("/dev/")}
    assert written, "the hook sees the take being written"
    assert {path for path in written if Path(path) != out and out not in Path(path).parents} == set()
    assert sorted(path.name for path in out.iterdir()) == ["a.capture.npz"]


def test_only_ffmpeg_is_started_and_by_no_shell(watched: Any) -> None:
    _, seen, _ = watched
    started = [arguments for event, arguments in seen if event == "start"]
    assert started, "the hook sees ffmpeg being started"
    assert {arguments[0] for arguments in started} == {ffmpeg_path()}
    reading = [arguments for arguments in started if "-i" in arguments]
    assert reading
    for arguments in reading:
        assert arguments[arguments.index("-protocol_whitelist") + 1] == "file"
