# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights and configs from strangers: code, bombs, nonsense and sizes that no machine has give one sentence."""

import io
import json
import os
import pickle
import textwrap
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from fomm_engine.model.config import load_config
from fomm_engine.model.weights import load_networks
from fomm_engine.wire.archive import read_arrays
from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.errors import UserError
from tests.golden.make import FOLDER

LONGEST_S = 2.0


class Code:
    """What runs a command where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def torch_zip(folder: Path, data: bytes, **more: bytes) -> Path:
    """A file in torch's zip form whose pickle is `data`."""
    path = folder / "model.pth.tar"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"data.pkl": data, "version": b"3\n", "byteorder": b"little", **more}.items():
            archive.writestr(f"archive/{name}", content)
    return path


def code(folder: Path) -> Path:
    return torch_zip(folder, pickle.dumps({"generator": Code(folder / "ran")}, protocol=2))


def code_legacy(folder: Path) -> Path:
    path = folder / "model.pth"
    path.write_bytes(pickle.dumps(Code(folder / "ran"), protocol=2))
    return path


def bomb(folder: Path) -> Path:
    return torch_zip(folder, b"x", **{"data/0": bytes(110_000_000)})


def wrong_keys(folder: Path) -> Path:
    path = folder / "model.safetensors"
    save_file({"encoder.weight": torch.zeros(3)}, path)
    return path


def wrong_shapes(folder: Path) -> Path:
    path = folder / "model.safetensors"
    save_file({"generator.first.conv.weight": torch.zeros(3), "kp_detector.kp.weight": torch.zeros(1)}, path)
    return path


def said_huge(folder: Path, config: str = "") -> Path:
    """A small file that says of itself that its networks are enormous."""
    path = folder / "model.safetensors"
    tree = {"name": "x", "generator": {"width": 10**9, "max_width": 10**9}}
    tensors = {"generator.a": torch.zeros(1), "kp_detector.a": torch.zeros(1)}
    save_file(tensors, path, metadata={"config": config or json.dumps(tree)})
    return path


def stretched(folder: Path) -> Path:
    """One number that claims, by a stride of 0, to be a tensor of terabytes."""
    path = folder / "model.pth"
    tensor = torch.zeros(1).as_strided((10**6, 10**6, 7, 7), (0, 0, 0, 0))
    torch.save({"generator": {"first.conv.weight": tensor}, "kp_detector": {"kp.weight": tensor}}, path)
    return path


def said_nonsense(folder: Path) -> Path:
    return said_huge(folder, "[" * 5000)


def header_of_exabytes(folder: Path) -> Path:
    path = folder / "model.safetensors"
    path.write_bytes((2**60).to_bytes(8, "little") + b"{" + bytes(100))
    return path


def more_tensor_than_file(folder: Path) -> Path:
    header = json.dumps({"generator.a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    path = folder / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
    return path


WEIGHTS = {
    "code in a torch zip's pickle": (code, "weights-unreadable"),
    "code in a torch legacy pickle": (code_legacy, "weights-unreadable"),
    "a zip bomb": (bomb, "weights-unreadable"),
    "another network's keys": (wrong_keys, "weights-unfit"),
    "wrong shapes": (wrong_shapes, "weights-unfit"),
    "a config in its metadata of networks a billion wide": (said_huge, "config-invalid"),
    "a config in its metadata that is nested 5,000 deep": (said_nonsense, "weights-unreadable"),
    "a tensor of terabytes in four bytes": (stretched, "weights-unfit"),
    "a header of an exabyte": (header_of_exabytes, "weights-unreadable"),
    "a tensor larger than the file": (more_tensor_than_file, "weights-unreadable"),
}


@pytest.mark.parametrize("what", WEIGHTS)
def test_hostile_weights_give_one_sentence(what: str, tmp_path: Path, fault_record: Any) -> None:
    make, expected = WEIGHTS[what]
    path = make(tmp_path)
    started = time.process_time()
    with pytest.raises(UserError) as caught:
        load_networks(path)
    assert caught.value.code == expected
    assert time.process_time() - started < LONGEST_S
    assert not (tmp_path / "ran").exists()
    fault_record(
        group="models",
        fault=f"Weights with {what}",
        done="loaded as a model",
        user_saw=textwrap.shorten(str(caught.value), 580),
        survived="nothing was run, no memory taken",
    )


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
CONFIGS = {
    "aliases that stand for a billion words": (BOMB + "name: *j\n", "config-unreadable"),
    "nesting 20,000 deep": ("name: " + "[" * 20_000, "config-unreadable"),
    "a Python object": ("name: !!python/object/apply:os.system ['true']\n", "config-unreadable"),
    "a number without end": ("name: x\nimage_size: .inf\n", "config-invalid"),
    "not a number": ("name: x\ndense_motion: {scale: .nan}\n", "config-invalid"),
    "a picture a billion wide": ("name: x\nimage_size: 1073741824\n", "config-invalid"),
    "a megabyte of text": ("# " + "x" * 1_000_000, "config-unreadable"),
    "a key of 10,000 letters": ("x" * 1000 + ": 1\n", "config-invalid"),
    "bytes that are no text": (b"\xff\xfe\x00\xd8", "config-unreadable"),
    "another kind of file": ("- 1\n- 2\n", "config-invalid"),
}


@pytest.mark.parametrize("what", CONFIGS)
def test_hostile_configs_give_one_sentence(what: str, tmp_path: Path, fault_record: Any) -> None:
    content, expected = CONFIGS[what]
    path = tmp_path / "model.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    started = time.process_time()
    with pytest.raises(UserError) as caught:
        load_config(path)
    assert caught.value.code == expected
    assert len(str(caught.value)) < 600
    assert time.process_time() - started < LONGEST_S
    fault_record(
        group="models",
        fault=f"A model config (YAML) with {what}",
        done="loaded",
        user_saw=str(caught.value),
        survived="nothing was run, no memory taken",
    )


@given(st.text(st.sampled_from("ab:-[]{}&*!|>?#\n ,'\"0.~"), max_size=60) | st.text(max_size=40))
def test_any_text_is_a_config_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError):
        load_config(path)


def take_with(folder: Path, name: str, content: bytes) -> Path:
    """The golden take with one array's file in it exchanged, or added."""
    path = folder / "hostile.capture.npz"
    source = next(FOLDER.glob("take-*"))
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        new.writestr(name, content)
    return path


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def claiming(shape: tuple[int, ...]) -> bytes:
    """An array's header of that shape, and next to nothing behind it."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return stream.getvalue() + bytes(16)


NAN = np.full((3, 52), np.nan, np.float32)
ARKIT = "track/arkit.npy"
TAKES = {
    "NaN": (ARKIT, lambda _mark: npy(NAN)),
    "a track of another shape": (ARKIT, lambda _mark: npy(np.zeros((3, 51), np.float32))),
    "a track of text": (ARKIT, lambda _mark: npy(np.full((3, 52), "a"))),
    "a track that claims terabytes": (ARKIT, lambda _mark: claiming((3, 2**40))),
    "a shape of negative numbers": (ARKIT, lambda _mark: claiming((-3, 52))),
    "an array of objects with code in it": (
        ARKIT,
        lambda mark: npy(np.array([Code(mark)], dtype=object), allow_pickle=True),
    ),
    "an array that unpacks to 80 MB of zeros": ("extra.npy", lambda _mark: npy(np.zeros(20_000_000, np.float32))),
    "a file in it that is no array": ("../../evil.sh", lambda _mark: b"echo"),
    "times that go back": ("time_s.npy", lambda _mark: npy(np.array([0.0, 2.0, 1.0]))),
    "a header nested 100,000 deep": ("header.npy", lambda _mark: npy(np.array("[" * 100_000))),
    "infinity in its header": ("header.npy", lambda _mark: npy(np.array('{"format": "face-capture", "x": Infinity}'))),
}


@pytest.mark.parametrize("what", TAKES)
def test_hostile_takes_give_one_sentence(what: str, tmp_path: Path, fault_record: Any) -> None:
    name, content = TAKES[what]
    path = take_with(tmp_path, name, content(tmp_path / "ran"))
    started = time.process_time()
    with pytest.raises(UserError) as caught:
        read_capture(path)
    assert caught.value.code == "capture-broken"
    assert len(str(caught.value)) < 400
    assert time.process_time() - started < LONGEST_S
    assert {entry.name for entry in tmp_path.iterdir()} == {path.name}, "nothing ran, nothing was unpacked"
    fault_record(
        group="hostile files",
        fault=f"A take with {what}",
        done="read",
        user_saw=str(caught.value),
        survived="nothing was run, no memory taken, no file unpacked",
    )


def test_the_golden_take_is_good_where_nothing_is_exchanged(tmp_path: Path) -> None:
    source = next(FOLDER.glob("take-*"))
    arrays = read_arrays(source)
    assert read_capture(take_with(tmp_path, ARKIT, npy(arrays["track/arkit"]))).frame_count == 3
