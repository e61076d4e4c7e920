# SPDX-License-Identifier: GPL-3.0-or-later
"""The rings of tests: each in its environment, the fast ones first, pytest's closing line last."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steps import environments, packaging, processes
from steps.places import BLENDER_ENVIRONMENTS, ENGINE_ENVIRONMENT, ROOT
from steps.terminal import say

FAST_RINGS = ("contract", "unit", "engine", "reliability")
BLENDER_RING = "blender"
RINGS = (*FAST_RINGS, BLENDER_RING)
BLENDER_RUNNER = ROOT / "tests" / "blender" / "run.py"
AT_ONCE = 2  # a fast ring and a Blender, or two Blenders: each of them keeps one core busy
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
    stage = Stage(sessions)
    processes.run_side_by_side(
        [session.command for session in sessions],
        at_once=min(AT_ONCE, os.cpu_count() or 1),
        on_output=stage.hear,
        on_end=stage.end,
        cwd=ROOT,
        extra_environment=TEST_ENVIRONMENT,
    )
    return stage.code


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


class Stage:
    """Shows runs one after the other though they run side by side: what a later one says waits for its turn.

    code: 0, or the exit code of the first run that failed; with it everything ends.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.code = 0
        self._sessions = sessions
        self._heard = [b""] * len(sessions)
        self._codes: dict[int, int] = {}
        self._shown = 0
        self._closed: list[str] = []
        self._announce()

    def hear(self, number: int, block: bytes) -> None:
        """Nothing; passes on what a run says, or keeps it."""
        self._heard[number] += block
        if number == self._shown:
            _write(block)

    def end(self, number: int, code: int) -> bool:
        """Whether to go on after a run's end."""
        self._codes[number] = code
        while self._codes.get(self._shown) == 0:
            self._next()
        if self._shown in self._codes:
            failed = self._codes[self._shown]
            self.code = failed if failed > 0 else 1
        return self.code == 0

    def _next(self) -> None:
        session = self._sessions[self._shown]
        self._closed.append(f"      passed: {session.title}: {closing_line(self._heard[self._shown])}")
        self._shown += 1
        if self._shown < len(self._sessions):
            self._announce()
            _write(self._heard[self._shown])

    def _announce(self) -> None:
        for line in self._closed:
            say(line)
        say(f"[{self._shown + 1}/{len(self._sessions)}] {self._sessions[self._shown].title}")
        # So that a sentence of ours never lands behind what a child writes.
        sys.stdout.flush()


def closing_line(heard: bytes) -> str:
    """The last line that is not empty, without the rules that pytest draws around it."""
    lines = heard[-4096:].decode(errors="replace").strip().splitlines()
    return lines[-1].strip("= ") if lines else "no output"


def _write(block: bytes) -> None:
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()


def _colours() -> tuple[str, ...]:
    """pytest sees a pipe: it is told whether a person looks at its other end."""
    return ("--color=yes",) if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("--color=no",)
