# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that the installation runs: their lines as they come, stopped when the job is, their failures in words."""

import os
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from fomm_engine.stdio import Reporter
from fomm_engine.wire.errors import UserError

_LINES_KEPT = 60
_LISTEN_S = 0.1
_UNREACHABLE = re.compile(
    r"NewConnectionError|ConnectTimeout|NameResolutionError|Temporary failure in name resolution|getaddrinfo|"
    r"Network is unreachable|Connection refused|Max retries exceeded"
)
KEPT = "Check the connection and try again; what is downloaded is kept."


def run(
    command: Sequence[str | Path], reporter: Reporter, *, doing: str, heard: Callable[[str], None] = lambda _: None
) -> None:
    """Nothing, when the command has ended well; `heard` gets its lines.

    doing: what the user reads if it fails without a word. Raises UserError("install-failed", "disk-full", "offline"),
    and Cancelled as soon as the job is to stop; the command is ended then.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # the wheel is ours alone
    child = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    tail, waiting = list[str](), queue.Queue[str | None]()
    reading = threading.Thread(target=_pump, args=(child.stdout, waiting), daemon=True)
    reading.start()
    try:
        for line in _lines(waiting, reporter):
            tail = [*tail, line][-_LINES_KEPT:]
            heard(line)
        if child.wait() != 0:
            raise explained(tail, f"{doing} ended with exit code {child.returncode}.")
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        reading.join()


def answers(python: Path, code: str, *, timeout_s: float = 60.0) -> str | None:
    """What `python` prints when it runs `code`; None where it does not run, or fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", code],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def explained(lines: Sequence[str], otherwise: str) -> UserError:
    """What went wrong in pip's last lines, as an error for the user; `otherwise` where they do not say."""
    text = "\n".join(lines)
    if "No space left on device" in text or "Errno 28" in text:
        return UserError("disk-full", "The disk is full.", "Make room and try again; what is downloaded is kept.")
    if _UNREACHABLE.search(text):
        return UserError("offline", "The download servers cannot be reached.", KEPT)
    errors = [line for line in lines if line.startswith("ERROR:")]
    if "No matching distribution" in text:
        missing = errors[-1].rpartition(" for ")[2] if errors else "a package"
        message = f"There is no build of {missing} for this machine and this Python."
        return UserError("install-failed", message, "Choose another build, or another Python.")
    message = errors[-1].removeprefix("ERROR:").strip() if errors else otherwise
    return UserError("install-failed", message, KEPT)


def _lines(waiting: "queue.Queue[str | None]", reporter: Reporter) -> Iterator[str]:
    while True:
        reporter.check_cancelled()
        try:
            line = waiting.get(timeout=_LISTEN_S)
        except queue.Empty:
            continue
        if line is None:
            return
        yield line


def _pump(stream: IO[str], waiting: "queue.Queue[str | None]") -> None:
    with stream:
        for line in stream:
            waiting.put(line.rstrip())
    waiting.put(None)
