# SPDX-License-Identifier: GPL-3.0-or-later
"""The capture file (*.capture.npz): one performance as tracks, written once and never overwritten in place.

Keys of the archive: `header` (0-d text, JSON), `time_s` (T,) float64 strictly increasing, `valid` (T,) bool,
`track/<name>`, `model/<name>` and optionally `confidence/<name>`, all float32. `names.TRACKS` and `names.MODELS` give
the shapes; frames of reference stand in the header's `conventions`. Frames without a face hold zeros.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.archive import read_arrays, write_arrays
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import MODELS, TRACKS
from fomm_engine.wire.strict_json import parse_json
from fomm_engine.wire.versions import CAPTURE, CAPTURE_FORMAT, require_same_major

Array = npt.NDArray[Any]
CONVENTIONS = {
    "image": "px, origin the top-left corner, y down, pixel centres at +0.5",
    "camera": "x image-right, y up, z towards the camera; u = cx + f X/(-Z), v = cy - f Y/(-Z)",
    "head": "x the subject's left, y up, z out of the face, cm; head_rotation turns head into camera",
    "fomm": "[-1, 1] over the square header.crop (x, y its top left corner, size its side), x right, y down",
}


@dataclass(frozen=True)
class Capture:
    """One take as arrays.

    header: what was captured, from what, with what. time_s: (T,) float64, seconds from the start of the media.
    valid: (T,) bool, false where no face was found. tracks, models, confidences: float32 arrays by name.
    """

    header: dict[str, Any]
    time_s: Array
    valid: Array
    tracks: dict[str, Array]
    models: dict[str, Array]
    confidences: dict[str, Array] = field(default_factory=lambda: {})

    @property
    def frame_count(self) -> int:
        """Frames in the take."""
        return len(self.time_s)


def write_capture(capture: Capture, path: Path) -> None:
    """Nothing; the capture stands whole in `path`, or the old file is untouched.

    Raises UserError("capture-broken") where the capture breaks its own rules, UserError("not-writable") where the file
    cannot be written.
    """
    check_capture(capture)
    header = {**capture.header, "format": CAPTURE_FORMAT, "version": list(CAPTURE), "conventions": CONVENTIONS}
    arrays: dict[str, Array] = {
        "header": np.array(json.dumps(header, ensure_ascii=True, allow_nan=False)),
        "time_s": capture.time_s.astype(np.float64),
        "valid": capture.valid.astype(bool),
    }
    for prefix, group in _groups(capture):
        arrays.update({f"{prefix}/{name}": value.astype(np.float32) for name, value in group.items()})
    _save(arrays, Path(path))


def read_capture(path: Path) -> Capture:
    """The capture in `path`.

    Raises UserError("capture-missing"), UserError("capture-broken") or UserError("version-unsupported").
    """
    path = Path(path)
    if not path.is_file():
        raise UserError("capture-missing", f"There is no take at {path}.", "Choose the file again, or capture again.")
    try:
        arrays = read_arrays(path)
        header = parse_json(str(arrays.pop("header")))
    except (OSError, ValueError, KeyError) as error:
        raise _broken(f"{path.name} is not a take, or only part of one ({error})") from error
    fields = cast(dict[str, Any], header) if isinstance(header, dict) else {}
    if fields.get("format") != CAPTURE_FORMAT:
        raise _broken(f"{path.name} is not a face capture")
    require_same_major(f"The take {path.name}", fields.get("version"), CAPTURE)
    capture = _capture_from_arrays(fields, arrays)
    check_capture(capture)
    return capture


def check_capture(capture: Capture) -> None:
    """Nothing, if every array has the shape, the length and the finite numbers that the format asks for.

    Raises UserError("capture-broken") with the first thing that is wrong.
    """
    count = len(capture.time_s)
    if capture.time_s.ndim != 1 or count == 0 or capture.valid.shape != (count,):
        raise _broken("times and validity must be lists of the same length, with at least one frame")
    if not np.isfinite(capture.time_s).all() or (np.diff(capture.time_s) <= 0).any():
        raise _broken("times must increase strictly")
    _check_shapes("track", capture.tracks, {name: (count, *shape) for name, shape in TRACKS.items()})
    _check_shapes("model", capture.models, MODELS)
    for prefix, group in _groups(capture):
        for name, value in group.items():
            if value.dtype.kind != "f" or not np.isfinite(value).all():
                raise _broken(f"{prefix} {name} holds something other than finite numbers")


def _check_shapes(prefix: str, group: Mapping[str, Array], expected: Mapping[str, tuple[int, ...]]) -> None:
    for name, shape in expected.items():
        if name not in group:
            raise _broken(f"{prefix} {name} is missing")
        if group[name].shape != shape:
            raise _broken(f"{prefix} {name} has shape {group[name].shape}, expected {shape}")


def _groups(capture: Capture) -> tuple[tuple[str, dict[str, Array]], ...]:
    return ("track", capture.tracks), ("model", capture.models), ("confidence", capture.confidences)


def _capture_from_arrays(header: dict[str, Any], arrays: dict[str, Array]) -> Capture:
    groups: dict[str, dict[str, Array]] = {"track": {}, "model": {}, "confidence": {}}
    for key, value in arrays.items():
        prefix, _, name = key.partition("/")
        if prefix in groups and name:
            groups[prefix][name] = value
    if "time_s" not in arrays or "valid" not in arrays:
        raise _broken("times or validity are missing")
    if arrays["valid"].dtype != np.bool_ or arrays["time_s"].dtype != np.float64:
        raise _broken("times must be float64 and validity bool")
    return Capture(header, arrays["time_s"], arrays["valid"], groups["track"], groups["model"], groups["confidence"])


def _save(arrays: dict[str, Array], path: Path) -> None:
    try:
        write_arrays(arrays, path)
    except OSError as error:
        hint = "Choose another folder, or free some space."
        raise UserError("not-writable", f"The take cannot be written to {path} ({error.strerror}).", hint) from error


def _broken(reason: str) -> UserError:
    return UserError("capture-broken", f"This take cannot be used: {reason}.", "Capture the performance again.")
