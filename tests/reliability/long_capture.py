# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture watched from outside: what its process holds and what a frame costs, from the first to the last."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fomm_engine.wire.events import parse_line
from fomm_engine.wire.job import Job, write_job

SAMPLE_FRAMES = 250  # between two looks at the process
TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Sample:
    """What the process was at one moment: stage and frame it reported, resident memory then and at its highest so far
    (MiB), its own CPU seconds."""

    stage: str
    frame: int
    resident_mb: float
    peak_mb: float
    cpu_s: float


@dataclass(frozen=True)
class WatchedCapture:
    """The samples of a capture in order, and its last event."""

    samples: tuple[Sample, ...]
    last: dict[str, Any]

    def of_stage(self, stage: str) -> list[Sample]:
        """The samples taken while `stage` went on."""
        return [sample for sample in self.samples if sample.stage == stage]


def watched_capture(video: Path, take: Path, tell: Callable[[str], None] = lambda _: None) -> WatchedCapture:
    """The capture of `video` into `take` by an engine of its own, sampled every 250 frames or so."""
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        write_job(Job("capture", {"video": str(video)}, str(take)), job)
        command = [sys.executable, "-m", "fomm_engine", "run", str(job), "--events"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        assert child.stdout is not None and child.stdin is not None
        samples: list[Sample] = []
        last: dict[str, Any] = {}
        for line in child.stdout:
            last = parse_line(line)
            if last["type"] == "progress" and _is_due(last, samples):
                samples.append(sample_of(child.pid, last["stage"], last["current"]))
                tell(json.dumps(samples[-1].__dict__))
        child.stdin.close()  # only now: its end would cancel the job
        child.stdout.close()
        child.wait()
    return WatchedCapture(tuple(samples), last)


def sample_of(pid: int, stage: str, frame: int) -> Sample:
    """The process as Linux's /proc shows it."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    resident_mb, peak_mb = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    spent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return Sample(stage, frame, resident_mb, peak_mb, sum(map(int, spent)) / TICKS_PER_S)


def _is_due(event: dict[str, Any], samples: list[Sample]) -> bool:
    if not samples or samples[-1].stage != event["stage"]:
        return True
    return event["stage"] == "track" and event["current"] - samples[-1].frame >= SAMPLE_FRAMES
