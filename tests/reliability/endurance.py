# SPDX-License-Identifier: GPL-3.0-or-later
"""Endurance: half an hour of performance captured and baked, and a hundred captures in one Blender.

Not in any ring, as it takes the better part of an hour: `python3 build.py reliability --endurance` runs it. Shorter
runs of the same: UNDERSTUDY_ENDURANCE_MINUTES and UNDERSTUDY_ENDURANCE_CAPTURES.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from fomm_engine.wire.capture import read_capture
from tests.reliability.long_capture import WatchedCapture, watched_capture
from tests.reliability.long_performance import LongPerformance, make_long_performance, tone_starts_s

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "rigs" / "performances" / "monologue.mp4"
CHARACTER = ROOT / "rigs" / "characters" / "viola" / "build.py"
BLENDER = ROOT / ".venv" / "blender-4.5" / "bin" / "python"
MINUTES = float(os.environ.get("UNDERSTUDY_ENDURANCE_MINUTES", "30"))
CAPTURES = int(os.environ.get("UNDERSTUDY_ENDURANCE_CAPTURES", "100"))
SCENE_RATE = (24, 1)  # not the film's own, so that every key is placed by time
GROWTH_MB = 60.0  # what tracking may hold more at the end than after its first fifth
SLOWER = 1.15  # processor time of a frame in the last fifth over that in the first
LEAK_MB = 30


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> LongPerformance:
    return make_long_performance(CLIP, tmp_path_factory.mktemp("long") / "long.mp4", MINUTES)


@pytest.fixture(scope="module")
def captured(film: LongPerformance) -> tuple[Path, WatchedCapture]:
    take = film.film.with_name("long.capture.npz")
    return take, watched_capture(film.film, take, _tell)


def test_memory_and_time_of_a_frame_are_flat(film: LongPerformance, captured: Any, fault_record: Any) -> None:
    take, watched = captured
    assert watched.last["type"] == "done", watched.last
    assert len(read_capture(take).time_s) == film.frames
    tracking = watched.of_stage("track")
    fifth = max(1, len(tracking) // 5)
    growth_mb = tracking[-1].resident_mb - tracking[fifth].resident_mb
    early, late = _ms_a_frame(tracking[: fifth + 1]), _ms_a_frame(tracking[-fifth - 1 :])
    peak_mb = watched.samples[-1].peak_mb  # of the take's writing: solved and all
    told = (
        f"{film.frames} frames; tracking grew by {growth_mb:.0f} MB over its last four fifths, peak with the solve "
        f"{peak_mb:.0f} MB; {early:.1f} ms of processor time a frame in the first fifth, {late:.1f} ms in the last"
    )
    _tell(told)
    assert growth_mb < GROWTH_MB
    assert late < early * SLOWER
    _row(fault_record, f"A video of {MINUTES:g} minutes", "captured", told, "every frame is in the take")


def test_sound_and_picture_are_together_at_the_end(
    film: LongPerformance, captured: Any, fault_record: Any, tmp_path: Path
) -> None:
    curve, found = tmp_path / "curve.npz", tmp_path / "found.json"
    rate = [str(part) for part in SCENE_RATE]
    given = ["--take", str(captured[0]), "--character", str(CHARACTER), "--curve", str(curve), "--json", str(found)]
    _in_blender("bake", *given, "--frame-rate", *rate)
    facts, keys = json.loads(found.read_text()), np.load(curve)
    tones_s = tone_starts_s(film.film)
    assert len(tones_s) == film.repeats
    late = _lag_frames(keys["frames"], keys["values"], tones_s, film)
    told = (
        f"{facts['keys']} keys of each channel baked in {facts['bake_cpu_s']:.1f} s of processor time; picture "
        f"{late:+.2f} frames against the sound in the last repeat"
    )
    _tell(told)
    assert abs(late) < 1.0
    _row(fault_record, f"A take of {MINUTES:g} minutes", "baked at another frame rate", told, "sound and picture")


def test_captures_in_a_row_leave_nothing_behind(fault_record: Any, tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    given = ["--video", str(_short_clip(tmp_path)), "--engine-python", sys.executable, "--count", str(CAPTURES)]
    _in_blender("captures", *given, "--character", str(CHARACTER), "--json", str(found))
    facts = json.loads(found.read_text())
    settled, end = facts["settled"], facts["end"]
    kinds = ("children", "open_files", "threads", "data_blocks")
    told = "; ".join(f"{kind.replace('_', ' ')} {settled[kind]} then, {end[kind]} at the end" for kind in kinds)
    told += f"; memory {settled['resident_mb']} then {end['resident_mb']} MB"
    _tell(told)
    assert facts["captures"] == end["takes_on_disk"] == CAPTURES
    assert end["other_files_on_disk"] == end["children"] == 0
    assert all(end[kind] <= settled[kind] for kind in kinds)
    assert end["resident_mb"] - settled["resident_mb"] < LEAK_MB
    done = "captured, baked, removed, in Blender 4.5"
    _row(fault_record, f"{CAPTURES} captures in one Blender", done, told, "every take's file")


def _ms_a_frame(samples: Any) -> float:
    frames = samples[-1].frame - samples[0].frame
    return 1000 * (samples[-1].cpu_s - samples[0].cpu_s) / frames


def _lag_frames(frames: Any, values: Any, tones_s: Any, film: LongPerformance) -> float:
    """Scene frames by which the last repeat's curve is later than its tone says, against the second repeat."""
    scene_rate = SCENE_RATE[0] / SCENE_RATE[1]
    within = np.arange(0.5, float(film.repeat_s) - 0.5, 1 / 120)  # of one repeat, seconds

    def curve(tone_s: float, shift_frames: float) -> Any:
        return np.interp(1 + (tone_s + within) * scene_rate + shift_frames, frames, values)

    reference = curve(tones_s[1], 0.0)
    shifts = np.arange(-4, 4.01, 0.02)
    misfits = [np.mean((curve(tones_s[-1], shift) - reference) ** 2) for shift in shifts]
    return float(shifts[int(np.argmin(misfits))])


def _short_clip(folder: Path) -> Path:
    short = folder / "short.mp4"
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin"]
    subprocess.run([*ffmpeg, "-t", "0.5", "-i", str(CLIP), "-c:v", "copy", "-an", str(short)], check=True)
    return short


def _in_blender(command: str, *arguments: str) -> None:
    """Nothing, after the program has ended well in Blender's Python."""
    if not BLENDER.is_file():
        pytest.fail(f"Blender's environment is not there: {BLENDER}")
    program = str(Path(__file__).with_name("in_blender.py"))
    subprocess.run([str(BLENDER), program, command, *arguments], check=True, cwd=ROOT)


def _row(record: Any, fault: str, done: str, told: str, survived: str) -> None:
    record(group="endurance", fault=fault, done=done, user_saw=told, survived=survived)


def _tell(line: str) -> None:
    """Nothing; half an hour is long to look at an empty screen."""
    sys.stderr.write(line + "\n")
