# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are full, folders that may only be read, memory that runs out: one sentence, and the next run works."""

import os
import resource
from pathlib import Path

import pytest

from fomm_engine.wire.unfinished import parts_folder
from tests.reliability.conftest import capture_job
from tests.reliability.engines import forked, last_of, limit_memory, none_left_about, sentence
from tests.reliability.places import small_disk

MEGABYTE = 2**20
NOBODY = 65534


def limit_files(size: int):
    """A preparation after which no file of the child can grow beyond `size` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


MOMENTS = {"at its beginning": ("", 0), "in the midst of tracking": ("track", 6), "in the solve": ("solve", 1)}


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_disk_fills_up(moment, clip, undisturbed, tmp_path: Path, fault_record) -> None:
    stage, current = MOMENTS[moment]
    with small_disk(tmp_path / "disk", "1m") as disk:
        assert disk is not None, "this user may not mount a small disk"
        output, ballast = disk.folder / "take.capture.npz", disk.folder / "ballast"
        if not stage:
            disk.fill(ballast)
        engine = forked(capture_job(clip, output), tmp_path)
        if stage:
            engine.until(lambda event: event.get("stage") == stage and event["current"] >= current)
            engine.pause()
            disk.fill(ballast)
            engine.go_on()
        failed = last_of(engine.finish())
        assert failed["type"] == "failed" and failed["code"] in ("disk-full", "not-writable"), failed
        assert "space" in sentence(failed) and "Traceback" not in failed["message"]
        assert not output.exists()
        ballast.unlink()
        events = forked(capture_job(clip, output), tmp_path).finish()
        assert last_of(events)["status"] == "ok" and output.read_bytes() == undisturbed
        assert any("Resuming" in str(event.get("message")) for event in events) == bool(stage)
        assert [path.name for path in disk.folder.iterdir()] == [output.name]
    fault_record(
        group="disk and files",
        fault=f"The disk is full: a capture stands {moment}",
        done="a capture onto a tmpfs of 1 MB, then again with space",
        user_saw=sentence(failed),
        survived="no half take, and what was tracked before; the second run ends with the same take, byte for byte",
    )


def test_files_may_not_grow(clip, undisturbed, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    failed = last_of(forked(capture_job(clip, output), tmp_path, limit_files(24_000)).finish())
    assert failed["type"] == "failed" and not output.exists()
    assert last_of(forked(capture_job(clip, output), tmp_path).finish())["status"] == "ok"
    assert output.read_bytes() == undisturbed
    fault_record(
        group="disk and files",
        fault="A quota: no file may grow beyond 24 kB (RLIMIT_FSIZE)",
        done="a capture, then again without the quota",
        user_saw=sentence(failed),
        survived="no half take; the second run ends with the same take, byte for byte",
    )


def test_a_disk_that_may_only_be_read(clip, tmp_path: Path, fault_record) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        folder = tmp_path / "disk"
        earlier = folder / "earlier.capture.npz"
        earlier.write_bytes(b"an earlier take")
        if disk is None:
            folder.chmod(0o555)
        else:
            disk.remount("ro")
        engine = forked(capture_job(clip, folder / "take.capture.npz"), tmp_path)
        failed = last_of(engine.finish())
        assert (failed["type"], failed["code"]) == ("failed", "not-writable")
        assert [path.name for path in folder.iterdir()] == [earlier.name]
        if disk is None:
            folder.chmod(0o755)
    fault_record(
        group="disk and files",
        fault="The takes' disk may only be read" + (" (a tmpfs mounted read-only)" if disk else ""),
        done="a capture onto it",
        user_saw=sentence(failed),
        survived="the earlier take; refused before a frame is tracked",
    )


def test_a_folder_of_somebody_else(clip, tmp_path: Path, fault_record) -> None:
    if os.getuid() != 0:
        done = "a capture into a folder without write permission"
        prepare = lambda: None  # noqa: E731
    else:
        done = "a capture by another user, into a folder that is not theirs"
        prepare = lambda: os.setuid(NOBODY)  # noqa: E731
    folder = tmp_path / "theirs"
    folder.mkdir()
    folder.chmod(0o555)
    allow_passing(tmp_path)
    failed = last_of(forked(capture_job(clip, folder / "take.capture.npz"), tmp_path, prepare).finish())
    folder.chmod(0o755)
    assert failed["code"] == "not-writable" and list(folder.iterdir()) == []
    fault_record(
        group="disk and files",
        fault="The takes' folder may not be written by this user",
        done=done,
        user_saw=sentence(failed),
        survived="the folder as it was; refused before a frame is tracked",
    )


def allow_passing(path: Path) -> None:
    """Nothing; every user may walk down to `path` (pytest's folders are the owner's alone)."""
    for folder in (path, *path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o055)


def capture_within(extra_mb: int, clip: Path, output: Path) -> dict:
    """The last event of a capture that may have so much more memory than it starts with."""
    return last_of(forked(capture_job(clip, output), output.parent, limit_memory(extra_mb * MEGABYTE)).finish())


@pytest.mark.parametrize("most_mb", [1, 24])
def test_memory_runs_out(most_mb, clip, undisturbed, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    extra_mb, last = most_mb, capture_within(most_mb, clip, output)
    while last["type"] == "done" and extra_mb > 1:  # what is free within a process differs from machine to machine
        assert output.read_bytes() == undisturbed
        output.unlink()
        extra_mb //= 2
        last = capture_within(extra_mb, clip, output)
    assert (last["type"], last.get("code")) == ("failed", "out-of-memory"), last
    assert not output.exists() and none_left_about(str(clip))
    assert last_of(forked(capture_job(clip, output), tmp_path).finish())["status"] == "ok"
    assert output.read_bytes() == undisturbed and not parts_folder(output).exists()
    fault_record(
        group="engine",
        fault=f"Memory runs out (RLIMIT_AS, {extra_mb} MB more than at the start)",
        done="a capture, then again with memory",
        user_saw=sentence(last),
        survived="no half take, no process left; the second run ends with the same take, byte for byte",
    )
