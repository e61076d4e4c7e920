# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline's command as a pipeline runs it: its events, files and exit codes, and Ctrl-C at every stage."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILDER = """
import sys
sys.path.insert(0, {folder!r})
from tiny_character import make_character


def build_character():
    return make_character("Ada")
"""
QUICK = ("--render-engine", "cycles", "--width", "32", "--height", "24", "--samples", "1")


@pytest.fixture
def builder(tmp_path):
    path = tmp_path / "build_ada.py"
    path.write_text(BUILDER.format(folder=str(Path(__file__).parent)))
    return path


@pytest.fixture
def start():
    """Starts the command; what a failed test leaves running is ended."""
    started = []

    def begin(*arguments):
        started.append(begin_command(*arguments))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def run(start):
    return lambda *arguments: finish(start(*arguments))


def begin_command(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("BLENDER_USER_RESOURCES", None)
    return subprocess.Popen(
        [sys.executable, "-m", "blender_addon.blender.headless", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def finish(process):
    out, err = process.communicate(timeout=120)
    events = [json.loads(line) for line in out.splitlines()]
    return process.returncode, events, err


def wait_for(process, stage, current=0):
    for line in process.stdout:
        event = json.loads(line)
        if event["type"] == "progress" and event["stage"] == stage and event["current"] >= current:
            return
    pytest.fail(f"it ended before {stage} {current}: {process.stderr.read()[-800:]}")


def test_perform_and_measure(run, builder, take_path, tmp_path):
    out = tmp_path / "out"
    code, events, err = run(
        "perform",
        "--take",
        take_path,
        "--character",
        builder,
        "--out",
        out,
        "--json",
        out / "result.json",
        "--no-render",
    )
    assert code == 0, err
    assert (events[-1]["type"], events[-1]["status"]) == ("done", "ok")
    stages = list(dict.fromkeys(event["stage"] for event in events[:-1]))
    assert stages == ["character", "capture", "bake", "measure", "save"]
    result = json.loads((out / "result.json").read_text())
    assert (result["frames"], result["frame_rate"], result["take_lost"]) == ([1, 45], [30000, 1001], 2)
    assert result["character"]["bones"]["head"] == "head"
    with np.load(out / "measured.npz") as measured:
        assert measured["head_rotation"].shape == (45, 3, 3)
        assert measured["shape_values"].shape == (45, len(measured["shape_names"]))
    code, _, err = run("measure", "--blend", out / "character.blend", "--out", tmp_path / "again.npz")
    assert code == 0, err
    with np.load(out / "measured.npz") as first, np.load(tmp_path / "again.npz") as second:
        for key in first.files:
            np.testing.assert_array_equal(first[key], second[key])
    assert sorted(path.name for path in out.iterdir()) == ["character.blend", "measured.npz", "result.json"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--video", "none.mp4"), "video-missing"),
        (("--video", "letter.mp4"), "video-unreadable"),
        (("--take", "letter.mp4"), "capture-broken"),
        ((), "no-performance"),
        (("--take", "TAKE", "--character", "letter.mp4"), "character-unreadable"),
        (("--take", "TAKE", "--character", "none.blend"), "character-missing"),
        (("--take", "TAKE", "--character", "empty.py"), "no-character"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(run, builder, take_path, tmp_path, arguments, code):
    (tmp_path / "letter.mp4").write_text("not a film")
    (tmp_path / "empty.py").write_text("def build_character():\n    pass\n")
    places = {"TAKE": str(take_path)}
    given = [places.get(word, word if word.startswith("--") else str(tmp_path / word)) for word in arguments]
    chosen = () if "--character" in given else ("--character", builder)
    exit_code, events, err = run("perform", *given, *chosen, "--out", tmp_path / "out", "--no-render")
    assert exit_code == 2, err
    last = events[-1]
    assert (last["type"], last["code"]) == ("failed", code)
    assert last["message"].endswith(".")
    assert "\n" not in last["message"]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("mode", ["ok", "deaf"])
def test_ctrl_c_in_the_capture(start, builder, fake_engine, video, tmp_path, mode):
    fake_engine.behave(mode, steps=10_000, sleep_s=0.02)
    process = start(
        "perform",
        "--video",
        video,
        "--engine-python",
        fake_engine.python,
        "--character",
        builder,
        "--out",
        tmp_path / "out",
        *QUICK,
    )
    wait_for(process, "capture", 3)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert time.monotonic() - asked < 3.0
    assert code == 130, err
    assert fake_engine.is_gone()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_in_a_frame_that_takes_long(start, builder, take_path, tmp_path):
    process = start(
        "perform",
        "--take",
        take_path,
        "--character",
        builder,
        "--out",
        tmp_path / "out",
        "--width",
        1920,
        "--height",
        1080,
        "--samples",
        4096,
    )
    wait_for(process, "render")
    time.sleep(1.0)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert time.monotonic() - asked < 3.0
    assert code == 130, err
    names = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*"))
    assert names == ["character.blend", "frames", "measured.npz"]
