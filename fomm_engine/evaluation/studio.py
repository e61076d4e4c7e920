# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the add-on's own operators in a Blender without a window, as a process of its own."""

import json
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.events import FINAL_TYPES

PROJECT = Path(__file__).resolve().parents[2]
STOP_S = 2.0
SAID_LINES = 40


@dataclass(frozen=True)
class Shoot:
    """One performance to put on a character: input, output folder, and how it is rendered (not at all by default)."""

    video: Path
    character: Path
    out: Path
    take: Path | None = None
    render: bool = False
    width: int = 480
    height: int = 480
    samples: int = 4
    render_engine: str = "cycles"

    def arguments(self, result: Path) -> list[str]:
        """The command line of the add-on's headless entry."""
        line = ["perform", "--video", str(self.video), "--character", str(self.character), "--out", str(self.out)]
        line += ["--engine-python", sys.executable, "--json", str(result)]
        if self.take is not None:
            line += ["--take", str(self.take)]
        if not self.render:
            return [*line, "--no-render"]
        size = ["--width", str(self.width), "--height", str(self.height)]
        return [*line, *size, "--samples", str(self.samples), "--render-engine", self.render_engine]


def perform(shoot: Shoot, blender_python: Path, on_event: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """What the add-on says of the finished performance (its result.json); its progress goes to `on_event`.

    Raises UserError with the add-on's own sentence where it refused, and "blender-crashed" where Blender ended without
    one. The process never outlives this call.
    """
    result = shoot.out / "result.json"
    command = [str(blender_python), "-m", "blender_addon.blender.headless", *shoot.arguments(result)]
    last: dict[str, Any] = {}

    def follow(event: dict[str, Any]) -> None:
        last.update(event) if event["type"] in FINAL_TYPES else on_event(event)

    code, said = _run(command, follow)
    if code == 0 and last.get("type") == "done":
        return _read(result)
    if last.get("type") == "failed":
        raise UserError(str(last["code"]), str(last["message"]), str(last.get("hint", "")))
    raise UserError("blender-crashed", f"Blender ended with code {code}.", "Its last words: " + " / ".join(said[-4:]))


def run_program(module: str, arguments: list[str], blender_python: Path) -> None:
    """Nothing, once one of the evaluation's own programs has ended well in Blender's Python.

    Raises UserError("blender-crashed") with its last words where it has not.
    """
    code, said = _run([str(blender_python), "-m", module, *arguments], lambda _: None)
    if code != 0:
        words = "Its last words: " + " / ".join(said[-4:])
        raise UserError("blender-crashed", f"{module} ended with code {code}.", words)


def _run(command: list[str], on_event: Callable[[dict[str, Any]], None]) -> tuple[int, list[str]]:
    said: deque[str] = deque(maxlen=SAID_LINES)
    process = _started(command)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            event = _event(line)
            if event is None:
                said.append(line.strip())
            else:
                on_event(event)
        return process.wait(), list(said)
    finally:
        _stop(process)


def _started(command: list[str]) -> subprocess.Popen[str]:
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    try:
        return subprocess.Popen(command, cwd=PROJECT, text=True, errors="replace", **pipes)
    except OSError as error:
        hint = "Run the set-up again: python3 build.py setup"
        raise UserError(
            "no-blender", f"Blender's Python {command[0]} does not start ({error.strerror}).", hint
        ) from error


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "type" in event else None


def _read(path: Path) -> dict[str, Any]:
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}
