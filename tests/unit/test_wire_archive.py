# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of arrays: what is written is read; nothing that a file claims is believed before it is checked."""

import io
import os
import pickle
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from fomm_engine.wire.archive import ArchiveLimits, read_arrays, write_arrays
from fomm_engine.wire.whole_file import FORGOTTEN_AFTER_S, whole_file

KINDS = st.sampled_from([np.float32, np.float64, np.bool_, np.int64, np.uint8])


@given(arrays_of.arrays(KINDS, arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
def test_any_array_comes_back(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("archive") / "a.npz"
    write_arrays({"track/x": array}, path)
    found = read_arrays(path)["track/x"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_column_order_and_text_come_back(tmp_path: Path) -> None:
    given_arrays = {"f": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "text": np.array('{"a": "\u00e9"}')}
    write_arrays(given_arrays, tmp_path / "a.npz")
    found = read_arrays(tmp_path / "a.npz")
    np.testing.assert_array_equal(found["f"], given_arrays["f"])
    assert str(found["text"]) == '{"a": "\u00e9"}'


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _npy(header: str, content: bytes = b"") -> bytes:
    text = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin1") + content


def _pickled() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return stream.getvalue()


HOSTILE = {
    "no array inside": ({"readme.txt": b"hello"}, "is no array"),
    "an object array": ({"a.npy": _pickled()}, "not numbers or text"),
    "a pickle under an array's name": ({"a.npy": pickle.dumps(os.getcwd)}, "magic string"),
    "a claim of a terabyte": (
        {"a.npy": _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 125000)}", b"1234")},
        "claims more than it holds",
    ),
    "a negative side": (
        {"a.npy": _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2)}", b"1" * 64)},
        "claims more|negative",
    ),
    "a header that is no header": ({"a.npy": _npy("{'descr': (lambda: 0)()}")}, "malformed"),
    "a record type": (
        {"a.npy": _npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", b"1" * 8)},
        "not numbers or text",
    ),
    "a future array format": ({"a.npy": b"\x93NUMPY\x09\x00" + bytes(64)}, "not known"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused(name: str, tmp_path: Path) -> None:
    members, sentence = HOSTILE[name]
    with pytest.raises(ValueError, match=sentence):
        read_arrays(_zip(tmp_path / "a.npz", members))


def test_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    many = _zip(tmp_path / "many.npz", {f"{index}.npy": b"" for index in range(10)})
    with pytest.raises(ValueError, match="more than 5"):
        read_arrays(many, ArchiveLimits(members=5))
    write_arrays({"zeros": np.zeros(200_000)}, tmp_path / "zeros.npz")
    assert read_arrays(tmp_path / "zeros.npz")["zeros"].size == 200_000, "a small file may be mostly zeros"
    with pytest.raises(ValueError, match="would unpack to 2 MB"):
        read_arrays(tmp_path / "zeros.npz", ArchiveLimits(always_bytes=1_000_000))


@given(st.data())
def test_damaged_archives_never_give_more_than_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("archive") / "a.npz"
    write_arrays({"a": np.arange(9.0), "b": np.array("text")}, path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        found = read_arrays(path)
    except ValueError:
        return
    assert all(array.nbytes < 1000 for array in found.values())


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "take.npz"
    target.write_text("old")
    with pytest.raises(FileNotFoundError), whole_file(target) as partial:
        _half_then_fail(partial)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["take.npz"]


def _half_then_fail(partial: Path) -> None:
    partial.write_text("half")
    (partial.parent / "missing").read_text()


def test_names_of_250_characters_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("a" * 246 + ".npz")
    write_arrays({"a": np.zeros(3)}, target)
    assert list(read_arrays(target)) == ["a"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_the_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    with whole_file(tmp_path / "a.txt") as partial:
        partial.touch(mode=0o600)
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with whole_file(target) as first:
        first.write_text("first")
        with whole_file(target) as second:
            second.write_text("second")
        assert target.read_text() == "second"
    assert target.read_text() == "first"


def test_what_a_killed_process_left_is_swept_up(tmp_path: Path) -> None:
    old, young = tmp_path / ".understudy-1-aa.part", tmp_path / ".understudy-2-bb.part"
    for path in (old, young):
        path.write_text("half")
    long_ago_s = time.time() - FORGOTTEN_AFTER_S - 60
    os.utime(old, (long_ago_s, long_ago_s))
    with whole_file(tmp_path / "a.txt") as partial:
        partial.write_text("whole")
    assert not old.exists(), "forgotten parts go"
    assert young.exists(), "another process may still be writing this one"
