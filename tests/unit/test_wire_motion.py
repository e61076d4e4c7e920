# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion file comes back as it was written, chunk by chunk, and nothing broken is taken for one."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fomm_engine.wire.archive import write_arrays
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.motion_tracks import FORMAT, MAP_TRACKS, POINT_TRACKS, SOURCE, VERSION, read_motion, write_motion

SHAPES = {"driving_square": (3,), "source_square": (3,)}


def array(count: int, name: str) -> np.ndarray:
    shape = SHAPES.get(name, (10, 2, 2) if name.endswith("jacobian") else (10, 2))
    return np.arange(count * np.prod(shape), dtype=np.float32).reshape(count, *shape) / 7


def chunk(first: int, count: int, maps: bool = False) -> dict[str, np.ndarray]:
    found = {name: array(count, name) + first for name in POINT_TRACKS}
    if maps:
        found |= {name: np.full((count, 4, 4, 2), first, np.float32) for name in MAP_TRACKS}
    return {"time_s": (first + np.arange(count)) / 25.0, **found}


MODELS = {name: array(1, name)[0] for name in SOURCE}


@pytest.mark.parametrize("maps", [False, True])
def test_what_is_written_in_chunks_comes_back_whole(tmp_path: Path, maps: bool) -> None:
    chunks = [chunk(0, 3, maps), chunk(3, 2, maps)]
    path = tmp_path / "a.motion.npz"
    write_motion(path, {"relative": True}, MODELS, lambda: chunks)
    found = read_motion(path)
    assert found.header == {"relative": True, "format": FORMAT, "version": list(VERSION)}
    np.testing.assert_array_equal(found.time_s, np.arange(5) / 25.0)
    assert set(found.tracks) == {*POINT_TRACKS, *(MAP_TRACKS if maps else ())}
    for name, value in found.tracks.items():
        np.testing.assert_array_equal(value, np.concatenate([part[name] for part in chunks]))
        assert value.dtype == np.float32
    for name, value in MODELS.items():
        np.testing.assert_array_equal(found.models[name], value)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def arrays(count: int = 2) -> dict[str, np.ndarray]:
    header = json.dumps({"format": FORMAT, "version": list(VERSION)})
    tracks = {f"track/{name}": array(count, name) for name in POINT_TRACKS}
    models = {f"model/{name}": value for name, value in MODELS.items()}
    return {"header": np.array(header), "time_s": np.arange(float(count)), **tracks, **models}


def refusal(path: Path, content: dict[str, np.ndarray]) -> UserError:
    write_arrays(content, path)
    with pytest.raises(UserError) as caught:
        read_motion(path)
    return caught.value


NAN = np.full((2, 10, 2), np.nan, np.float32)
BROKEN = {
    "no times": ({"time_s": None}, "time_s"),
    "no frames": ({"time_s": np.zeros(0)}, "finite numbers"),
    "times that are text": ({"time_s": np.array(["a", "b"])}, "finite numbers"),
    "times that go back": ({"time_s": np.array([1.0, 0.0])}, "must not decrease"),
    "infinite times": ({"time_s": np.array([0.0, np.inf])}, "finite numbers"),
    "times in two rows": ({"time_s": np.zeros((2, 2))}, "finite numbers"),
    "half a track": ({"track/driving_value": array(1, "driving_value")}, "does not have 2 frames"),
    "a track of one number": ({"track/driving_value": np.float32(1.0)}, "does not have 2 frames"),
    "a track of doubles": ({"track/driving_value": np.zeros((2, 10, 2))}, "finite numbers"),
    "NaN in a track": ({"track/driving_value": NAN}, "finite numbers"),
    "a track missing": ({"track/driving_jacobian": None}, "driving_jacobian is missing"),
    "the source missing": ({"model/source_value": None}, "source_value is missing"),
    "text for the source": ({"model/source_value": np.array("x")}, "finite numbers"),
    "another kind": ({"header": np.array("{}")}, "of another kind"),
    "a list for a header": ({"header": np.array("[1]")}, "of another kind"),
    "no JSON": ({"header": np.array("NaN")}, "no JSON number"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_motion_file_is_refused_in_one_sentence(tmp_path: Path, what: str) -> None:
    changes, sentence = BROKEN[what]
    content = {name: value for name, value in {**arrays(), **changes}.items() if value is not None}
    error = refusal(tmp_path / "a.motion.npz", content)
    assert error.code == "motion-broken"
    assert sentence in error.message
    assert error.hint == "Animate the source again."


def test_newer_and_missing_files_have_their_own_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.motion.npz"
    with pytest.raises(UserError, match="There is no motion file"):
        read_motion(path)
    newer = {**arrays(), "header": np.array(json.dumps({"format": FORMAT, "version": [2, 0]}))}
    assert refusal(path, newer).code == "version-unsupported"
    write_arrays({**arrays(), "header": np.array(json.dumps({"format": FORMAT, "version": [1, 7]}))}, path)
    assert read_motion(path).header["version"] == [1, 7]


@given(st.binary(max_size=400))
def test_any_bytes_give_an_error_of_the_formats_own(data: bytes) -> None:
    from tests.fuzz.targets import TARGETS

    TARGETS["motion"](data)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        write_motion(tmp_path / "none" / "a.motion.npz", {}, MODELS, lambda: [chunk(0, 2)])
    assert caught.value.code == "not-writable"
