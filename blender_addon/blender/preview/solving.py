# SPDX-License-Identifier: GPL-3.0-or-later
"""A retarget on a thread of its own, which touches nothing of Blender: files, arrays and plain data alone."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from fomm_engine.wire.capture import read_capture

from ...core import splice, take_report
from ...core.curves import Curves
from ...core.retarget import retarget
from ...core.rig import Rig
from ...core.settings import RetargetSettings
from ...core.take_weights import SolvedTake, solve_take
from ...core.tracks import PerformanceTracks
from ..baking import splicing
from ..capturing import takes

KEPT_TAKES = 2
_Key: TypeAlias = tuple[str, int | None, float]


@dataclass(frozen=True)
class Second:
    """The other take of a splice: its file, the settings it is solved with, what it leads and when."""

    file: Path
    settings: RetargetSettings
    regions: Collection[str]
    span: splice.Span | None


@dataclass(frozen=True)
class Task:
    """What is to be solved: the take's file, the rig, the settings, and the other take of a splice."""

    file: Path
    rig: Rig
    settings: RetargetSettings
    second: Second | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a task: curves and the take's report, or the error that the main thread is to show."""

    task: Task
    curves: Curves | None = None
    report: take_report.TakeReport | None = None
    neutral_frame: int = 0
    error: Exception | None = None


class Solver:
    """Solves one task at a time; what a take shows before any edit is kept, so that a new gain costs little."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._outcome: Outcome | None = None
        self._tracks: dict[str, PerformanceTracks] = {}
        self._solved: dict[_Key, SolvedTake] = {}

    @property
    def busy(self) -> bool:
        """Whether a task is being solved, or its outcome was not taken yet."""
        return self._thread is not None

    @property
    def is_working(self) -> bool:
        """Whether the thread is at work: `poll` will give nothing yet."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, task: Task) -> None:
        """Nothing; the task is being solved. Only one at a time."""
        if self.busy:
            raise RuntimeError("the solver is busy")
        self._thread = threading.Thread(target=self._run, args=(task,), daemon=True, name="understudy-preview")
        self._thread.start()

    def poll(self) -> Outcome | None:
        """The outcome, once; None while there is none."""
        if self._thread is None or self.is_working:
            return None
        self._thread, outcome = None, self._outcome
        self._outcome = None
        return outcome

    def wait(self) -> Outcome | None:
        """The outcome of the running task, after waiting for it."""
        if self._thread is not None:
            self._thread.join()
        return self.poll()

    def _run(self, task: Task) -> None:
        try:
            self._outcome = self._solve(task)
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the main thread, which shows or raises it
            self._outcome = Outcome(task, error=error)

    def _solve(self, task: Task) -> Outcome:
        tracks = self._tracks_of(task.file)
        result = retarget(tracks, task.rig, task.settings, solved=self._shown(task.file, tracks, task.settings))
        curves = result.curves
        if task.second is not None:
            curves = self._with_second(curves, task.rig, task.second)
        report = take_report.report_of(tracks, result, task.rig)
        return Outcome(task, curves, report, result.report.neutral_frame)

    def _with_second(self, curves: Curves, rig: Rig, second: Second) -> Curves:
        tracks = self._tracks_of(second.file)
        shown = self._shown(second.file, tracks, second.settings)
        theirs = splicing.led(retarget(tracks, rig, second.settings, solved=shown).curves, rig, second.regions)
        return splice.spliced(curves, theirs, second.span)

    def _tracks_of(self, file: Path) -> PerformanceTracks:
        key = f"{file} {file.stat().st_mtime_ns if file.is_file() else 0}"
        if key not in self._tracks:
            _make_room(self._tracks)
            self._tracks[key] = takes.tracks_from_capture(read_capture(file))
        return self._tracks[key]

    def _shown(self, file: Path, tracks: PerformanceTracks, settings: RetargetSettings) -> SolvedTake:
        key = (f"{file} {id(tracks)}", settings.neutral_frame, settings.regressor_trust)
        if key not in self._solved:
            _make_room(self._solved)
            self._solved[key] = solve_take(tracks, settings)
        return self._solved[key]


def _make_room(kept: dict[Any, Any]) -> None:
    while len(kept) >= KEPT_TAKES:
        del kept[next(iter(kept))]
