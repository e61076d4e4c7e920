# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture files: what is written is read, and whatever is wrong with a file is said in one sentence."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fomm_engine.wire import names
from fomm_engine.wire.capture import Capture, check_capture, read_capture, write_capture
from fomm_engine.wire.errors import UserError


def small_capture(frames: int = 4, seed: int = 0) -> Capture:
    """A capture of random numbers with the right shapes."""
    rng = np.random.default_rng(seed)
    tracks = {name: rng.normal(size=(frames, *shape)).astype(np.float32) for name, shape in names.TRACKS.items()}
    models = {name: rng.normal(size=shape).astype(np.float32) for name, shape in names.MODELS.items()}
    return Capture({"source": {"file": "clip.mp4"}}, np.arange(frames) / 24, np.ones(frames, bool), tracks, models)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    capture = small_capture()
    write_capture(capture, tmp_path / "a.capture.npz")
    found = read_capture(tmp_path / "a.capture.npz")
    assert found.header["source"] == {"file": "clip.mp4"}
    np.testing.assert_array_equal(found.time_s, capture.time_s)
    for name, track in capture.tracks.items():
        np.testing.assert_array_equal(found.tracks[name], track)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.capture.npz"], "no partial file is left beside it"


def broken_copies() -> dict[str, Capture]:
    """Captures that break one rule each."""
    good = small_capture()
    with_nan = {**good.tracks, "arkit": np.full_like(good.tracks["arkit"], np.nan)}
    return {
        "times that stand still": replace(good, time_s=np.zeros(4)),
        "too few valid flags": replace(good, valid=np.ones(3, bool)),
        "no frames": replace(good, time_s=np.zeros(0), valid=np.zeros(0, bool)),
        "a track missing": replace(good, tracks={k: v for k, v in good.tracks.items() if k != "arkit"}),
        "a track too short": replace(good, tracks={**good.tracks, "arkit": good.tracks["arkit"][:3]}),
        "NaN": replace(good, tracks=with_nan),
        "no face model": replace(good, models={}),
    }


@pytest.mark.parametrize("name", broken_copies())
def test_a_broken_capture_is_refused_before_it_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be used") as caught:
        write_capture(broken_copies()[name], tmp_path / "a.capture.npz")
    assert caught.value.code == "capture-broken"
    assert not list(tmp_path.iterdir())


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.capture.npz"
    write_capture(small_capture(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError) as caught:
        read_capture(path)
    assert caught.value.code == "capture-broken"


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + b"\0" * 50])
def test_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.capture.npz"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_capture(path)
    assert caught.value.code == "capture-broken"


def test_an_object_array_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "a.capture.npz"
    np.savez(path, header=np.array({"format": "face-capture"}, dtype=object), time_s=np.arange(2.0))
    with pytest.raises(UserError) as caught:
        read_capture(path)
    assert caught.value.code == "capture-broken"


def test_a_newer_major_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "a.capture.npz"
    write_capture(small_capture(), path)
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files}
    header = {**json.loads(str(arrays["header"])), "version": [2, 0]}
    np.savez(path, **{**arrays, "header": np.array(json.dumps(header))})
    with pytest.raises(UserError, match=r"2\.0.*1\.x") as caught:
        read_capture(path)
    assert caught.value.code == "version-unsupported"


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.capture.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", b"\0" * 70_000_000)
    with pytest.raises(UserError, match="would unpack to 70 MB"):
        read_capture(path)


def test_a_missing_file_and_an_unwritable_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError) as missing:
        read_capture(tmp_path / "none.capture.npz")
    assert missing.value.code == "capture-missing"
    with pytest.raises(UserError) as unwritable:
        write_capture(small_capture(), tmp_path / "no" / "folder.capture.npz")
    assert unwritable.value.code == "not-writable"


def test_the_tables_agree() -> None:
    assert len(names.ARKIT_CHANNELS) == 52 == len(set(names.ARKIT_CHANNELS))
    assert len(names.KEYPOINTS) == 10
    check_capture(small_capture())
