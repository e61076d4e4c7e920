# SPDX-License-Identifier: GPL-3.0-or-later
"""The standard face is a face, is read once, and a damaged file of it is refused."""

from pathlib import Path

import numpy as np
import pytest

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import ARKIT_INDEX, LANDMARKS, MIRRORED_POINTS
from fomm_engine.wire.standard_face import FILE, standard_face


def test_it_is_a_face_with_its_parts_where_they_belong() -> None:
    face = standard_face()
    assert face.neutral_cm.shape == (70, 3) and face.expression_cm.shape == (52, 70, 3)
    assert face.neutral_cm.dtype == face.expression_cm.dtype == np.float64
    x, y = face.neutral_cm[:, 0], face.neutral_cm[:, 1]
    assert x[LANDMARKS["eye_left_outer"][0]] > 3 > -3 > x[LANDMARKS["eye_right_outer"][0]]
    assert y[LANDMARKS["chin"][0]] < y[LANDMARKS["lip_lower"][0]] < y[LANDMARKS["nose_tip"][0]] < y[68]
    assert 8.0 < face.outer_eyes_cm < 11.0
    assert np.abs(face.neutral_cm[list(MIRRORED_POINTS)] * [-1, 1, 1] - face.neutral_cm).max() < 0.3
    jaw = face.expression_cm[ARKIT_INDEX["jawOpen"]]
    assert jaw[LANDMARKS["chin"][0], 1] < -1.0 < -0.2 < jaw[LANDMARKS["brow_left"][2], 1]


def test_it_is_read_once() -> None:
    assert standard_face() is standard_face()


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (cut, "cannot be read"),
        (lambda _data: b"", "cannot be read"),
        (lambda data: data[:8] + b"[" + data[9:], "cannot be read"),
        (lambda data: data.replace(b"neutral_cm", b"neutral_in"), "cannot be read"),
        (lambda data: data.replace(b"[70,3]", b"[35,6]"), "another product"),
        (lambda data: data.replace(b'"F32"', b'"I32"').replace(b'"F16"', b'"I16"'), "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change, sentence: str) -> None:
    path = tmp_path / FILE.name
    path.write_bytes(change(FILE.read_bytes()))
    with pytest.raises(UserError, match=sentence) as caught:
        standard_face(path)
    assert caught.value.code == "weights-damaged"
    assert caught.value.hint == "Install the extension again."


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no gone") as caught:
        standard_face(tmp_path / "gone.safetensors")
    assert caught.value.code == "weights-missing"
