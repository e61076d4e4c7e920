# SPDX-License-Identifier: GPL-3.0-or-later
"""200 kills of the engine at random moments of a capture, 200 resumes: `build.py reliability` runs it, no ring does."""

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fomm_engine.wire.job import Job
from tests.reliability.conftest import FRAMES, capture_job
from tests.reliability.engines import EngineProcess, cold, forked, last_of, none_left_about

KILLS, COLD_EVERY, SEED = 200, 10, 6
LOOK_EVERY_S = 0.01
Start = Callable[[Job, Path], EngineProcess]


def test_two_hundred_kills(clip: Path, undisturbed: bytes, tmp_path: Path, fault_record) -> None:
    chance, stages, lost, kills = random.Random(SEED), Counter[str](), 0, 0
    length_s = {start: whole_run_s(start, clip, tmp_path) for start in (forked, cold)}
    while kills < KILLS:
        start = cold if kills % COLD_EVERY == 0 else forked
        output = tmp_path / f"take-{kills:03d}.capture.npz"
        stage = killed_at(start(capture_job(clip, output), tmp_path), chance.uniform(0, length_s[start]))
        assert not output.exists() or output.read_bytes() == undisturbed, "half a take under its final name"
        if stage:
            kills += 1
            stages[stage] += 1
            engine = start(capture_job(clip, output), tmp_path)
            assert last_of(engine.finish())["status"] == "ok"
            lost += output.read_bytes() != undisturbed
            assert lost == 0
        left = sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".json")
        assert left == [output.name], f"more than the take is left: {left}"
        for path in tmp_path.iterdir():
            path.unlink()
    assert none_left_about(str(clip))
    when = ", ".join(f"{count} in {stage}" for stage, count in sorted(stages.items()))
    fault_record(
        group="engine",
        fault=f"The engine killed (SIGKILL) {kills} times at random moments of a capture: {when}",
        done=f"{kills} captures, each started again after its kill; every tenth cold, the rest forked after imports",
        user_saw=f"Resuming at frame N of {FRAMES}.",
        survived=f"{kills} resumes ended with the take of an undisturbed run, byte for byte; {lost} lost, 0 half files",
    )


def whole_run_s(start: Start, clip: Path, folder: Path) -> float:
    """Processor time of an undisturbed run: kills are spread over it evenly, however busy the machine is."""
    output = folder / "measure.capture.npz"
    engine, spent = start(capture_job(clip, output), folder), 0.0
    while not output.exists():
        assert not is_over(engine.pid), "the undisturbed run failed"
        spent = engine.cpu_s()
        time.sleep(LOOK_EVERY_S)
    engine.finish()
    for path in folder.iterdir():
        path.unlink()
    return spent


def killed_at(engine: EngineProcess, cpu_s: float) -> str:
    """The stage in which it was killed after so much processor time; "" where it was done before."""
    try:
        while engine.cpu_s() < cpu_s and not is_over(engine.pid):
            time.sleep(LOOK_EVERY_S)
    except OSError:
        pass
    heard = engine.stop_for_good()
    if engine.exit_status != -9:
        return ""
    told = [event["stage"] for event in heard if event["type"] == "progress"]
    return told[-1] if told else "start"


def is_over(pid: int) -> bool:
    """Whether the process has ended and only waits to be reaped."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
