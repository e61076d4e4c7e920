# SPDX-License-Identifier: GPL-3.0-or-later
"""The four rings of tests: each in its environment, the fast ones first, pytest's closing line last."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steps import environments, packaging, processes
from steps.places import BLENDER_ENVIRONMENTS, ENGINE_ENVIRONMENT, ROOT
from steps.terminal import say

FAST_RINGS = ("contract", "unit", "engine")
BLENDER_RING = "blender"
RINGS = (*FAST_RINGS, BLENDER_RING)
BLENDER_RUNNER = ROOT / "tests" / "blender" / "run.py"
# One thread for each library that would take every core: the machine is shared, and small arrays gain nothing.
TEST_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Session:
    """One run of pytest: what it covers, and its command."""

    title: str
    command: tuple[str | Path, ...]


def test(ring: str | None, arguments: Sequence[str]) -> int:
    """The exit code of the first run of pytest that fails, or 0; nothing is printed after the last run's output."""
    sessions = plan(ring, arguments)
    names = {ENGINE_ENVIRONMENT} if ring in FAST_RINGS else {*BLENDER_ENVIRONMENTS, ENGINE_ENVIRONMENT}
    environments.ensure([name for name in (ENGINE_ENVIRONMENT, *BLENDER_ENVIRONMENTS) if name in names])
    if ring in (None, BLENDER_RING):
        packaging.package()  # the Blender ring installs what people install
    closed: list[str] = []
    for number, session in enumerate(sessions, 1):
        for line in closed:
            say(line)
        say(f"[{number}/{len(sessions)}] {session.title}")
        code, closing_line = _run(session)
        if code != 0:
            return code if code > 0 else 1
        closed.append(f"      passed: {session.title}: {closing_line}")
    return 0


def plan(ring: str | None, arguments: Sequence[str]) -> list[Session]:
    """The runs of pytest for one ring, or for all."""
    sessions: list[Session] = []
    fast = [name for name in FAST_RINGS if ring in (None, name)]
    if fast:
        folders = [ROOT / "tests" / name for name in fast]
        python = environments.python_of(ENGINE_ENVIRONMENT)
        sessions.append(Session(", ".join(fast), (python, "-m", "pytest", *_colours(), *folders, *arguments)))
    if ring in (None, BLENDER_RING):
        for name in BLENDER_ENVIRONMENTS:
            command = (environments.python_of(name), BLENDER_RUNNER, *_colours(), *arguments)
            sessions.append(Session(f"blender, in {name.replace('-', ' ')}", command))
    return sessions


class ClosingLine:
    """The last line that is not empty of what passes through to this program's own output."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, block: bytes) -> None:
        """Nothing; passes a block on and remembers its end."""
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        self._tail = (self._tail + block)[-4096:]

    @property
    def text(self) -> str:
        """The line, without the rules that pytest draws around it."""
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return lines[-1].strip("= ") if lines else "no output"


def _run(session: Session) -> tuple[int, str]:
    """The exit code of a run of pytest and its closing line."""
    closing = ClosingLine()
    # In front, so that a sentence of ours never lands behind what the child writes.
    sys.stdout.flush()
    code = processes.run(session.command, cwd=ROOT, extra_environment=TEST_ENVIRONMENT, on_output=closing.feed)
    return code, closing.text


def _colours() -> tuple[str, ...]:
    """pytest sees a pipe: it is told whether a person looks at its other end."""
    return ("--color=yes",) if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("--color=no",)
