# SPDX-License-Identifier: GPL-3.0-or-later
"""What is fuzzed: one function for each format, which takes any bytes and may raise only the format's own errors."""

import functools
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from blender_addon.core.actor_calibration import calibration_from_plain
from blender_addon.core.live_link import parse_csv
from blender_addon.core.movie_header import read_movie_header
from blender_addon.core.rig_basis import basis_from_plain
from blender_addon.core.rig_map import match_shapes, parse_convention
from blender_addon.engine.session import Session, take_end, take_line
from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.errors import ProtocolError, UserError
from fomm_engine.wire.events import parse_line
from fomm_engine.wire.job import job_from_fields
from fomm_engine.wire.motion_tracks import POINT_TRACKS, SOURCE, read_motion
from fomm_engine.wire.names import MODELS, TRACKS
from fomm_engine.wire.standard_face import standard_face
from fomm_engine.wire.strict_json import parse_json
from fomm_engine.wire.unfinished import STATE_FILE, parts_folder, unfinished_in


def event(data: bytes) -> None:
    """One line of an engine's output."""
    try:
        parse_line(data.decode("utf-8", "replace"))
    except ProtocolError:
        return


def session(data: bytes) -> None:
    """All of an engine's output, as the add-on follows it."""
    state = Session(started_at_s=0.0)
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines()):
        state = take_line(state, line, float(number))
        _ = state.fraction
    assert take_end(state, 0, ()).is_final


def job(data: bytes) -> None:
    """A job file."""
    fields = _json(data)
    try:
        job_from_fields(fields)
    except (ProtocolError, UserError):
        return


def capture(data: bytes) -> None:
    """A take: raw bytes as the file, and as parts of an archive that is otherwise whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.capture.npz"
        for content in (data, _archive_of(data, _take_members())):
            path.write_bytes(content)
            try:
                read_capture(path)
            except UserError:
                continue


def motion(data: bytes) -> None:
    """A motion file: raw bytes as the file, and as parts of an archive that is otherwise whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.motion.npz"
        for content in (data, _archive_of(data, _motion_members())):
            path.write_bytes(content)
            try:
                read_motion(path)
            except UserError:
                continue


def face(data: bytes) -> None:
    """A safetensors file, as the standard face is read from one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.safetensors"
        path.write_bytes(data)
        try:
            standard_face.__wrapped__(path)
        except UserError:
            return


def movie(data: bytes) -> None:
    """A movie's header."""
    read_movie_header(io.BytesIO(data))


def unfinished(data: bytes) -> None:
    """The state that a stopped job left."""
    with tempfile.TemporaryDirectory() as folder:
        parts = parts_folder(Path(folder) / "a.capture.npz")
        parts.mkdir()
        (parts / STATE_FILE).write_bytes(data)
        unfinished_in(Path(folder), "capture")


def rig_map(data: bytes) -> None:
    """A rig map's JSON, and the match with a few names."""
    fields = _json(data)
    if not isinstance(fields, dict):
        return
    try:
        convention = parse_convention(fields)
    except ValueError:
        return
    match_shapes(convention, ["jawOpen", "EyeBlink_L", "Mouth Smile Left", ""])


def rig_basis(data: bytes) -> None:
    """A measured rig that a character carries."""
    try:
        basis_from_plain(_json(data))
    except ValueError:
        return


def calibration(data: bytes) -> None:
    """An actor's calibration."""
    try:
        calibration_from_plain(_json(data))
    except ValueError:
        return


def live_link(data: bytes) -> None:
    """A Live Link Face CSV."""
    try:
        parse_csv(data.decode("utf-8", "replace"))
    except ValueError:
        return


TARGETS: dict[str, Callable[[bytes], None]] = {
    "event": event,
    "session": session,
    "job": job,
    "capture": capture,
    "rig_map": rig_map,
    "rig_basis": rig_basis,
    "live_link": live_link,
    "calibration": calibration,
    "motion": motion,
    "face": face,
    "movie": movie,
    "unfinished": unfinished,
}


def _json(data: bytes) -> Any:
    try:
        return parse_json(data.decode("utf-8", "replace"))
    except ValueError:
        return None


@functools.cache
def _take_members() -> dict[str, bytes]:
    """The members of a take of two frames."""
    header = json.dumps({"format": "face-capture", "version": [1, 0]})
    arrays: dict[str, Any] = {"header": np.array(header), "time_s": np.arange(2.0), "valid": np.ones(2, bool)}
    arrays |= {f"track/{name}": np.zeros((2, *shape), np.float32) for name, shape in TRACKS.items()}
    arrays |= {f"model/{name}": np.zeros(shape, np.float32) for name, shape in MODELS.items()}
    return {name: _npy(array) for name, array in arrays.items()}


@functools.cache
def _motion_members() -> dict[str, bytes]:
    """The members of a motion file of two frames."""
    header = json.dumps({"format": "face-motion", "version": [1, 0]})
    arrays: dict[str, Any] = {"header": np.array(header), "time_s": np.arange(2.0)}
    arrays |= {f"track/{name}": np.zeros((2, 10, 2), np.float32) for name in POINT_TRACKS}
    arrays |= {f"model/{name}": np.zeros((10, 2), np.float32) for name in SOURCE}
    return {name: _npy(array) for name, array in arrays.items()}


def _archive_of(data: bytes, members: dict[str, bytes]) -> bytes:
    """The archive whose header, or one array chosen by the first byte, is replaced by the rest of `data`."""
    names = sorted(members)
    chosen = names[data[0] % len(names)] if data else "header"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            if name == "header" and data[:1] == b"{":
                archive.writestr("header.npy", _npy(np.array(data.decode("utf-8", "replace"))))
            else:
                archive.writestr(f"{name}.npy", data[1:] if name == chosen else content)
    return stream.getvalue()


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
