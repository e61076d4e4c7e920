# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, places and videos that change under a capture, two jobs at once, clocks that jump, jobs from the future."""

import json
import os
import time
from pathlib import Path

import pytest

from fomm_engine.jobs import check_output
from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.claim import claimed, is_claimed
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.unfinished import parts_folder, sweep, unfinished_in
from tests.reliability.conftest import FRAMES, capture_job
from tests.reliability.engines import cold, forked, last_of, none_left_about, sentence

DAY_S = 24 * 3600.0
NAMES = {
    "spaces, quotes and a leading dash": ('-my take "1" it\'s', "my performance (final) .mp4"),
    "Unicode in several scripts": ("Ünïcödé 表情 🎭 עברית", "فيديو 映像.mp4"),
    "250 characters": ("t" * 238, "v" * 246 + ".mp4"),
    "Windows-reserved names and forbidden letters": ("CON", "aux: <a|b>?*.mp4"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names(kind, clip, tmp_path: Path, fault_record) -> None:
    take, film = NAMES[kind]
    folder = tmp_path / take[:60]
    folder.mkdir()
    video, output = folder / film, folder / f"{take}.capture.npz"
    video.write_bytes(clip.read_bytes())
    engine = forked(capture_job(video, output, end_s=0.1), tmp_path)
    engine.until(lambda event: event["type"] == "progress" and event["stage"] == "solve")
    engine.stop_for_good()
    events = forked(capture_job(video, output, end_s=0.1), tmp_path).finish()
    assert last_of(events)["status"] == "ok", last_of(events)
    assert read_capture(output).header["source"]["file"] == str(video)
    assert sorted(path.name for path in folder.iterdir()) == sorted([film, output.name])
    said = next(event["message"] for event in events if "Resuming" in str(event.get("message")))
    fault_record(
        group="disk and files",
        fault=f"Paths with {kind}",
        done="a capture of a video of that name into a take of that name, killed and gone on with",
        user_saw=said,
        survived="the take, under its whole name; nothing else is left",
    )


def test_a_name_that_no_file_can_have(clip, tmp_path: Path, fault_record) -> None:
    with pytest.raises(UserError) as caught:
        check_output(capture_job(clip, tmp_path / ("t" * 300 + ".capture.npz")))
    fault_record(
        group="disk and files",
        fault="A take's name of 312 characters",
        done="a capture",
        user_saw=str(caught.value),
        survived="refused before a frame is tracked",
    )


def test_two_captures_into_one_take(clip, undisturbed, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    first = forked(capture_job(clip, output), tmp_path)
    first.until(lambda event: event["type"] == "progress" and event["stage"] == "track")
    assert is_claimed(parts_folder(output)) and unfinished_in(tmp_path, "capture") == []
    second = last_of(forked(capture_job(clip, output), tmp_path).finish())
    assert (second["type"], second["code"]) == ("failed", "output-busy")
    assert last_of(first.finish())["status"] == "ok" and output.read_bytes() == undisturbed
    fault_record(
        group="disk and files",
        fault="Two captures at once into one take",
        done="the second was started while the first tracked",
        user_saw=sentence(second),
        survived="the first one's take, as if it had been alone",
    )


def test_a_claim_is_let_go_when_its_holder_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "x.parts"
    with claimed(folder):
        assert is_claimed(folder)
    assert not folder.exists() and not is_claimed(folder)
    pid = os.fork()
    if pid == 0:
        with claimed(folder):
            os._exit(0)
    os.waitpid(pid, 0)
    assert (folder / "lock").is_file() and not is_claimed(folder)
    with claimed(folder):
        (folder / "kept").touch()
    assert [path.name for path in folder.iterdir()] == ["kept"]


def test_a_folder_of_the_users_own_is_in_the_way(clip, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    own = parts_folder(output)
    own.mkdir()
    (own / "diary.txt").write_text("mine")
    failed = last_of(forked(capture_job(clip, output), tmp_path).finish())
    assert failed["code"] == "output-exists" and (own / "diary.txt").read_text() == "mine"
    fault_record(
        group="disk and files",
        fault="The user has a folder of the name that the parts of a capture would have",
        done="a capture",
        user_saw=sentence(failed),
        survived="the folder and what is in it",
    )


def test_parts_are_cleaned_after_a_month(clip, tmp_path: Path, fault_record) -> None:
    for name in ("old", "new"):
        engine = forked(capture_job(clip, tmp_path / f"{name}.capture.npz"), tmp_path)
        engine.until(lambda event: event["type"] == "progress" and event["current"] >= 3)
        engine.stop_for_good()
    mine = tmp_path / "mine.parts"
    mine.mkdir()
    (mine / "x").touch()
    long_ago = time.time() - 40 * DAY_S
    for path in (
        mine,
        *mine.iterdir(),
        *(tmp_path / "old.capture.npz.parts").iterdir(),
        tmp_path / "old.capture.npz.parts",
    ):
        os.utime(path, (long_ago, long_ago))
    assert [path.name for path in sweep(tmp_path)] == ["old.capture.npz.parts"]
    assert sorted(path.name for path in tmp_path.glob("*.parts")) == ["mine.parts", "new.capture.npz.parts"]
    assert sweep(tmp_path, now_s=time.time() - 5000 * DAY_S) == []
    fault_record(
        group="disk and files",
        fault="Unfinished captures that nobody goes on with",
        done="the next job in that folder, 40 days later",
        user_saw="Nothing: what is older than 30 days is removed",
        survived="younger parts, and folders of that name that are the user's own",
    )


def set_clock(at_s: float, step_s: float):
    """A preparation after which the child's clock stands at `at_s` and goes by `step_s` each time it is asked."""

    def prepare() -> None:
        asked = iter(range(10**9))
        time.time = lambda: at_s + step_s * next(asked)

    return prepare


@pytest.mark.parametrize(
    ("jump", "at_s"), [("back, to 1970, and on backwards", 3 * DAY_S), ("forward by ten years", 2e9)]
)
def test_the_clock_jumps(jump, at_s, clip, undisturbed, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    engine = forked(capture_job(clip, output), tmp_path)
    engine.until(lambda event: event["type"] == "progress" and event["stage"] == "track" and event["current"] >= 5)
    engine.stop_for_good()
    step_s = -3600.0 if at_s < 1e9 else 0.0
    events = forked(capture_job(clip, output), tmp_path, set_clock(at_s, step_s)).finish()
    assert last_of(events)["status"] == "ok" and last_of(events)["seconds"] >= 0
    assert output.read_bytes() == undisturbed
    fault_record(
        group="engine",
        fault=f"The clock is set {jump}, between a kill and its resume",
        done="the killed capture again, in a process whose clock was changed",
        user_saw=next(event["message"] for event in events if "Resuming" in str(event.get("message"))),
        survived="every tracked frame; the same take, byte for byte",
    )


def changed_while_read(video: Path, folder: Path, change) -> list:
    """The events of a capture under whose tracking `change` is done."""
    engine = forked(capture_job(video, folder / "take.capture.npz"), folder)
    heard = engine.until(lambda event: event["type"] == "progress" and event["stage"] == "track")
    change()
    return heard + engine.finish()


def test_the_video_is_deleted_while_it_is_read(video, tmp_path: Path, fault_record) -> None:
    events = changed_while_read(video, tmp_path, video.unlink)
    assert last_of(events)["status"] == "ok" and read_capture(tmp_path / "take.capture.npz").frame_count == FRAMES
    fault_record(
        group="video",
        fault="The video deleted while it is read",
        done="a capture",
        user_saw=next(event["message"] for event in events if event["type"] == "warn"),
        survived=f"the whole take, all {FRAMES} frames",
    )


@pytest.mark.parametrize("how", ["replaced by another one", "cut short", "still being copied"])
def test_the_video_changes_while_it_is_read(how, video, clip, tmp_path: Path, fault_record) -> None:
    content = video.read_bytes()

    def change() -> None:
        if how == "replaced by another one":
            (tmp_path / "other.mp4").write_bytes(content + b"\0")
            os.replace(tmp_path / "other.mp4", video)
        elif how == "cut short":
            os.truncate(video, len(content) // 2)
        else:
            video.write_bytes(content + b"\0" * 1000)

    events = changed_while_read(video, tmp_path, change)
    failed = last_of(events)
    assert (failed["type"], failed["code"]) == ("failed", "video-changed"), failed
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".json") == ["performance.mp4"]
    fault_record(
        group="video",
        fault=f"The video {how} while it is read",
        done="a capture",
        user_saw=sentence(failed),
        survived="no take of two videos; nothing is left of it, and capturing again begins anew",
    )


def test_a_job_of_a_newer_version(clip, tmp_path: Path, fault_record) -> None:
    job = capture_job(clip, tmp_path / "take.capture.npz")
    failed = last_of(cold(Job(**{**vars(job), "protocol": (2, 0)}), tmp_path).finish())
    assert failed["type"] == "failed" and failed["code"] == "version-unsupported"
    assert not (tmp_path / "take.capture.npz").exists()
    fault_record(
        group="engine",
        fault="A job file of a newer major version",
        done="given to the engine",
        user_saw=sentence(failed),
        survived="nothing is touched",
    )


def test_a_half_written_job(clip, tmp_path: Path, fault_record) -> None:
    from fomm_engine.wire.job import fields_of, read_job

    text = json.dumps(fields_of(capture_job(clip, tmp_path / "take.capture.npz")))
    said = set()
    for end in range(0, len(text), 7):
        (tmp_path / "job.json").write_text(text[:end])
        with pytest.raises(UserError) as caught:
            read_job(tmp_path / "job.json")
        said.add(caught.value.code)
    assert said == {"job-unreadable"}
    fault_record(
        group="engine",
        fault=f"A job file cut off, at {len(range(0, len(text), 7))} places",
        done="given to the engine",
        user_saw=str(caught.value).replace(str(tmp_path), "<folder>"),
        survived="nothing is touched",
    )


def test_a_half_written_take(undisturbed, tmp_path: Path, fault_record) -> None:
    path = tmp_path / "take.capture.npz"
    ends = [len(undisturbed) * part // 40 for part in range(40)]
    for end in ends:
        path.write_bytes(undisturbed[:end])
        with pytest.raises(UserError) as caught:
            read_capture(path)
        assert caught.value.code == "capture-broken"
    fault_record(
        group="takes",
        fault=f"A take cut off, at {len(ends)} places",
        done="read",
        user_saw=str(caught.value),
        survived="the program: one sentence each time",
    )


def test_the_host_stops_listening(clip, undisturbed, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    engine = forked(capture_job(clip, output), tmp_path)
    engine.until(lambda event: event["type"] == "progress" and event["stage"] == "track")
    engine.deafen()
    engine.finish()
    assert engine.exit_status == 0 and output.read_bytes() == undisturbed
    assert none_left_about(str(clip))
    fault_record(
        group="engine",
        fault="The host closes its end of the engine's output in mid-capture",
        done="a capture",
        user_saw="Nothing: nobody listens",
        survived="the take, byte for byte that of an undisturbed run; no process is left",
    )
