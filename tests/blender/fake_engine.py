# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the engine's interpreter: takes `-m fomm_engine run JOB --events` and does what its settings file says.

The settings lie beside this file as fake_engine.json (an environment variable would not pass the add-on's cleaning of
what begins with PYTHON, and a file shows that nothing else is passed): {"take": path, "mode": "ok" | "crash" | "deaf" |
"fail" | "killed" | "newer" | "garbage" | "lies" | "half", "steps": n, "sleep_s": x}. The process number is written to
fake_engine.pid.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def say(kind, **fields):
    sys.stdout.write(json.dumps({"type": kind, **fields}) + "\n")
    sys.stdout.flush()


def babble():
    """Lines that are no events, a flood of them, numbers that cannot be, and half a line at the end."""
    for line in (
        "\0\1",
        "[" * 5000,
        '{"type":"progress","stage":7}',
        '{"type":"done"}',
        '{"type":"progress","current":1e999}',
    ):
        sys.stdout.write(line + "\n")
    for _ in range(2000):
        sys.stdout.write("x" * 200 + "\n")
    sys.stdout.write('{"type":"done","status":"o')
    sys.stdout.flush()


def listen(cancelled):
    for line in sys.stdin:
        if "cancel" in line:
            break
    cancelled.set()


def main():
    settings = json.loads((HERE / "fake_engine.json").read_text())
    job = json.loads(Path(sys.argv[4]).read_text())
    (HERE / "fake_engine.pid").write_text(str(os.getpid()))
    say(
        "hello",
        protocol=[2, 0] if settings["mode"] == "newer" else [1, 0],
        engine="0.1.0",
        pid=os.getpid(),
        kinds=["capture"],
    )
    cancelled = threading.Event()
    if settings["mode"] != "deaf":
        threading.Thread(target=listen, args=(cancelled,), daemon=True).start()
    for step in range(settings["steps"]):
        say("progress", stage="track", current=step + 1, total=settings["steps"], message="")
        time.sleep(settings["sleep_s"])
        if cancelled.is_set():
            say("done", status="cancelled", output=job["output"], sha256="", seconds=0.0)
            return 0
    if settings["mode"] == "crash":
        sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
        os.abort()
    if settings["mode"] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if settings["mode"] == "garbage":
        babble()
        return 1
    if settings["mode"] == "fail":
        say("failed", code="no-face", message="No face was found.", hint="Film the face larger.", detail="")
        return 1
    if settings["mode"] != "lies":
        content = Path(settings["take"]).read_bytes()
        Path(job["output"]).write_bytes(content[: len(content) // 2] if settings["mode"] == "half" else content)
    say("warn", code="soft", message="The picture is soft.", frames=[])
    say("done", status="ok", output=job["output"], sha256="ab" * 32, seconds=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
