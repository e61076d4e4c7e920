# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stopped job left is found, described and removed; what is somebody else's, or in use, stays."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fomm_engine.wire.claim import LOCK_FILE, Claimed, claimed, is_claimed
from fomm_engine.wire.job import Job, fields_of
from fomm_engine.wire.unfinished import (
    FORGOTTEN_AFTER_S,
    LARGEST_STATE,
    STATE_FILE,
    discard,
    is_parts,
    parts_folder,
    read_state,
    sweep,
    unfinished_in,
)


def left(folder: Path, name: str = "a.capture.npz", *, age_s: float = 0.0, **changes: object) -> Path:
    """What a capture left beside the take `name`."""
    parts = parts_folder(folder / name)
    parts.mkdir()
    job = Job("capture", {"video": "/v.mp4"}, str(folder / name))
    state = {"identity": {"sha": "1"}, "progress": [30, 90], "job": fields_of(job), **changes}
    (parts / STATE_FILE).write_text(json.dumps(state))
    then = time.time() - age_s
    for path in (parts / STATE_FILE, parts):
        os.utime(path, (then, then))
    return parts


def test_the_newest_comes_first_and_the_result_belongs_beside_its_parts(tmp_path: Path) -> None:
    old, new = left(tmp_path, "old.npz", age_s=500), left(tmp_path, "new.npz", job=None)
    (new / STATE_FILE).write_text(json.dumps({"identity": 1, "progress": [5, 3], "job": fields_of(
        Job("capture", {}, "/elsewhere/new.npz"))}))  # fmt: skip
    left(tmp_path, "film.mp4", job=fields_of(Job("animate", {}, "/film.mp4")))
    found = unfinished_in(tmp_path, "capture")
    assert [each.folder for each in found] == [new, old]
    assert [(each.done, each.total) for each in found] == [(5, 5), (30, 90)]
    assert found[0].job.output == str(tmp_path / "new.npz")
    assert found[1].job == Job("capture", {"video": "/v.mp4"}, str(tmp_path / "old.npz"))
    assert found[0].changed_s - found[1].changed_s > 400


@pytest.mark.parametrize(
    "changes",
    [{"progress": 3}, {"progress": [1]}, {"progress": [0, 9]}, {"progress": ["1", 2]}, {"job": {}}, {"job": 1}],
)
def test_a_state_that_says_nothing_is_no_unfinished_job(tmp_path: Path, changes: dict[str, object]) -> None:
    left(tmp_path, **changes)
    assert unfinished_in(tmp_path, "capture") == []


def test_a_job_that_runs_is_not_unfinished_and_not_discarded(tmp_path: Path) -> None:
    parts = left(tmp_path)
    with claimed(parts):
        assert is_claimed(parts)
        assert unfinished_in(tmp_path, "capture") == []
        discard(parts)
        assert parts.is_dir()
        with pytest.raises(Claimed), claimed(parts):
            pass
    assert not is_claimed(parts)
    assert not (parts / LOCK_FILE).exists()
    assert len(unfinished_in(tmp_path, "capture")) == 1
    discard(parts)
    assert not parts.exists()


def test_a_claimed_folder_is_made_and_goes_again_when_it_is_empty(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with claimed(folder):
        assert (folder / LOCK_FILE).is_file()
    assert not folder.exists()
    with claimed(folder):
        (folder / "kept").touch()
    assert [path.name for path in folder.iterdir()] == ["kept"]
    assert not is_claimed(tmp_path / "nowhere")


def test_somebodys_own_folder_of_that_name_stays(tmp_path: Path) -> None:
    own = tmp_path / "holiday.parts"
    own.mkdir()
    (own / "photo.jpg").touch()
    assert not is_parts(own)
    discard(own)
    assert sweep(tmp_path, now_s=time.time() + 10 * FORGOTTEN_AFTER_S) == []
    assert (own / "photo.jpg").exists()
    (tmp_path / "link.parts").symlink_to(left(tmp_path))
    assert not is_parts(tmp_path / "link.parts")
    assert not is_parts(tmp_path / "gone.parts")
    (tmp_path / "empty.parts").mkdir()
    assert is_parts(tmp_path / "empty.parts")


def test_a_month_later_it_is_swept_but_for_the_one_in_use(tmp_path: Path) -> None:
    old, other = left(tmp_path, "old.npz", age_s=FORGOTTEN_AFTER_S + 60), left(tmp_path, "keep.npz", age_s=1e8)
    fresh = left(tmp_path, "fresh.npz", age_s=FORGOTTEN_AFTER_S - 60)
    assert sweep(tmp_path, keep=other) == [old]
    assert not old.exists() and other.exists() and fresh.exists()


def test_long_names_are_shortened_and_stay_apart(tmp_path: Path) -> None:
    assert parts_folder(tmp_path / "a.npz") == tmp_path / "a.npz.parts"
    assert parts_folder(tmp_path / ("x" * 249)).name == "x" * 249 + ".parts"
    one, two = (parts_folder(tmp_path / ("é" * 125 + end)).name for end in "ab")
    assert one != two
    for name in (one, two):
        assert len(name.encode()) <= 255
        assert name.startswith("é" * 100 + "-") and name.endswith(".parts")


@given(st.binary(max_size=60) | st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists).map(
    lambda value: json.dumps({"identity": 1, "progress": value, "job": value}).encode()))  # fmt: skip
def test_any_state_file_is_a_state_or_nothing(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("s")
    parts = parts_folder(folder / "a.npz")
    parts.mkdir()
    (parts / STATE_FILE).write_bytes(data)
    assert isinstance(read_state(parts), dict)
    assert unfinished_in(folder, "capture") == []


def test_a_state_of_megabytes_is_nothing(tmp_path: Path) -> None:
    parts = left(tmp_path)
    with (parts / STATE_FILE).open("a") as stream:
        stream.write(" " * LARGEST_STATE)
    assert read_state(parts) == {}
    assert read_state(tmp_path) == {}
