# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the engine's interpreter: takes `-m fomm_engine run JOB --events` and does what its settings file says.

The settings lie beside this file as fake_engine.json (an environment variable would not pass the add-on's cleaning of
what begins with PYTHON, and a file shows that nothing else is passed): {"take": path, "mode": "ok" | "crash" | "deaf" |
"fail", "steps": n, "sleep_s": x}. The process number is written to fake_engine.pid.
"""

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def say(kind, **fields):
    sys.stdout.write(json.dumps({"type": kind, **fields}) + "\n")
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
    say("hello", protocol=[1, 0], engine="0.1.0", pid=os.getpid(), kinds=["capture"])
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
    if settings["mode"] == "fail":
        say("failed", code="no-face", message="No face was found.", hint="Film the face larger.", detail="")
        return 1
    shutil.copyfile(settings["take"], job["output"])
    say("warn", code="soft", message="The picture is soft.", frames=[])
    say("done", status="ok", output=job["output"], sha256="ab" * 32, seconds=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
