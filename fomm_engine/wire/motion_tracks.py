# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion file (*.motion.npz): what animating a source found and used, frame by frame, beside its film.

A sibling of the capture file, for models whose keypoints are their own: keys of the archive are `header` (0-d text,
JSON), `time_s` (T,) float64 in order, `model/<name>` and `track/<name>`, float32.

    model/source_square (3,)        track/driving_square (T,3)             centre x, y and side, px: what was looked at
    model/source_value (K,2)        model/source_jacobian (K,2,2)          the source's keypoints in its square
    track/driving_value (T,K,2)     track/driving_jacobian (T,K,2,2)       as seen in the driving video
    track/normalised_value (T,K,2)  track/normalised_jacobian (T,K,2,2)    made to fit the source: what moved it
    track/occlusion (T,h,w)         on request: 1 where the source can be seen
    track/deformation (T,h,w,2)     on request: where each pixel of the result lies in the source

Times are the driving video's; the header says in `conventions` what coordinates mean. Written array by array and chunk
by chunk, since maps of a long video do not fit in memory.
"""

import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.archive import read_arrays
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.strict_json import parse_json
from fomm_engine.wire.versions import require_same_major
from fomm_engine.wire.whole_file import whole_file

Array = npt.NDArray[Any]
FORMAT, VERSION = "face-motion", (1, 0)
SOURCE = ("source_value", "source_jacobian", "source_square")
POINT_TRACKS = ("driving_square", "driving_value", "driving_jacobian", "normalised_value", "normalised_jacobian")
MAP_TRACKS = ("occlusion", "deformation")


@dataclass(frozen=True)
class MotionTracks:
    """A motion file in memory: header, time_s (T,), tracks and models by name."""

    header: dict[str, Any]
    time_s: Array
    tracks: dict[str, Array]
    models: dict[str, Array]


def write_motion(
    path: Path, header: dict[str, Any], models: dict[str, Array], chunks: Callable[[], Iterable[dict[str, Array]]]
) -> None:
    """Nothing; the motion stands whole in `path`. `chunks()` gives the frames from the first on, time_s and tracks.

    It is asked once for each array, so that only one chunk is in memory. Raises UserError("not-writable").
    """
    shapes = _shapes(chunks())
    full = {**header, "format": FORMAT, "version": list(VERSION)}
    try:
        with whole_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            _write(archive, "header", [np.array(json.dumps(full, ensure_ascii=True, allow_nan=False))], ())
            for name, value in models.items():
                _write(archive, f"model/{name}", [value.astype(np.float32)], value.shape)
            for name, shape in shapes.items():
                key, kind = ("time_s", np.float64) if name == "time_s" else (f"track/{name}", np.float32)
                _write(archive, key, (chunk[name].astype(kind) for chunk in chunks()), shape)
    except OSError as error:
        hint = "Choose another folder, or free some space."
        raise UserError("not-writable", f"{path} cannot be written ({error.strerror}).", hint) from error


def read_motion(path: Path) -> MotionTracks:
    """The motion in `path`. Raises UserError "motion-missing", "motion-broken" or "version-unsupported"."""
    if not Path(path).is_file():
        raise UserError("motion-missing", f"There is no motion file {path}.", "Choose the file again.")
    try:
        arrays = read_arrays(Path(path))
        header = parse_json(str(arrays.pop("header")))
        time_s = arrays.pop("time_s")
    except (OSError, ValueError, KeyError) as error:
        raise _broken(path, str(error)) from error
    fields = cast(dict[str, Any], header) if isinstance(header, dict) else {}
    if fields.get("format") != FORMAT:
        raise _broken(path, "it is of another kind")
    require_same_major(f"The motion file {Path(path).name}", fields.get("version"), VERSION)
    tracks = {key.removeprefix("track/"): value for key, value in arrays.items() if key.startswith("track/")}
    models = {key.removeprefix("model/"): value for key, value in arrays.items() if key.startswith("model/")}
    _check(Path(path), time_s, tracks, models)
    return MotionTracks(fields, time_s, tracks, models)


def _check(path: Path, time_s: Array, tracks: dict[str, Array], models: dict[str, Array]) -> None:
    if time_s.dtype != np.float64 or time_s.ndim != 1 or len(time_s) == 0 or not np.isfinite(time_s).all():
        raise _broken(path, "times must be a list of finite numbers")
    if not (np.diff(time_s) >= 0).all():
        raise _broken(path, "times must not decrease")
    missing = [name for name in POINT_TRACKS if name not in tracks] + [name for name in SOURCE if name not in models]
    if missing:
        raise _broken(path, f"{missing[0]} is missing")
    for name, value in {**tracks, **models}.items():
        if value.dtype != np.float32 or not np.isfinite(value).all():
            raise _broken(path, f"{name} holds something other than finite numbers")
        if name in tracks and value.shape[:1] != time_s.shape:
            raise _broken(path, f"{name} does not have {len(time_s)} frames")


def _shapes(chunks: Iterable[dict[str, Array]]) -> dict[str, tuple[int, ...]]:
    """The whole arrays' shapes: of the times, and of the tracks that the first chunk has."""
    names: dict[str, tuple[int, ...]] = {}
    count = 0
    for chunk in chunks:
        wanted = ("time_s", *POINT_TRACKS, *MAP_TRACKS)
        names = names or {name: chunk[name].shape[1:] for name in wanted if name in chunk}
        count += len(chunk["time_s"])
    return {name: (count, *shape) for name, shape in names.items()}


def _write(archive: zipfile.ZipFile, name: str, pieces: Iterable[Array], shape: tuple[int, ...]) -> None:
    """One npy member, its header first, then its rows as they come."""
    with archive.open(name + ".npy", "w", force_zip64=True) as stream:
        begun = False
        for piece in pieces:
            if not begun:
                described = {"descr": piece.dtype.str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, described)
                begun = True
            stream.write(np.ascontiguousarray(piece).tobytes())


def _broken(path: Path, reason: str) -> UserError:
    return UserError("motion-broken", f"{Path(path).name} cannot be used: {reason}.", "Animate the source again.")
