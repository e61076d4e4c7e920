# SPDX-License-Identifier: GPL-3.0-or-later
"""A few whole inputs of each format, so that the fuzzer starts behind the first check and not before it."""

import io
import json
import struct
from pathlib import Path

import numpy as np

from blender_addon.core.live_link import COLUMNS
from blender_addon.core.rig_basis import MeasuredControl, RigBasis, basis_to_plain
from fomm_engine.wire.events import format_event

CONVENTIONS = Path(__file__).resolve().parents[2] / "rigs" / "conventions"
MATROSKA = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x90\x16\x54\xae\x6b\x8a\xae\x88\x83\x81\x01"
LINES = (
    format_event("hello", protocol=[1, 0], engine="0.1.0", pid=1, kinds=["capture"]),
    format_event("progress", stage="track", current=3, total=None, message=""),
    format_event("progress", stage="track", current=3, total=9, message="half"),
    format_event("warn", code="lost-frames", message="some", frames=[1, 2]),
    format_event("log", level="info", message="text"),
    format_event("failed", code="no-face", message="No face.", hint="", detail="trace"),
    format_event("done", status="ok", output="/a", sha256="00", seconds=1.5),
)


def seeds(name: str) -> list[bytes]:
    """Whole inputs for the format `name`."""
    return _MAKERS[name]()


def _session() -> list[bytes]:
    return ["".join(LINES[:5] + LINES[last:]).encode() for last in (5, 6)]


def _job() -> list[bytes]:
    fields = {"kind": "capture", "input": {"video": "/a"}, "output": "/b", "options": {"face": "first"}}
    return [json.dumps({"protocol": [1, 0], "weights": None, **fields}).encode()]


def _capture() -> list[bytes]:
    header = b"{" + json.dumps({"format": "face-capture", "version": [1, 0], "source": {"file": "a"}}).encode()[1:]
    return [header, b"\x00\x93NUMPY\x01\x00", *_archive()[1:]]


def _rig_map() -> list[bytes]:
    small = sorted(CONVENTIONS.glob("*.json"), key=lambda path: path.stat().st_size)[:3]
    return [path.read_bytes() for path in small]


def _rig_basis() -> list[bytes]:
    neutral = np.random.default_rng(0).normal(size=(70, 3)).round(1)
    control = MeasuredControl("jaw", "bone", "jaw", "rotation0")
    return [json.dumps(basis_to_plain(RigBasis((control,), neutral, np.ones((1, 70, 3))))).encode()]


def _live_link() -> list[bytes]:
    row = ",".join(["00:00:01:05.250", "61", *["0.5"] * 61])
    return [f"{','.join(COLUMNS)}\n{row}\n".encode()]


def _calibration() -> list[bytes]:
    fields = {"format": "actor-calibration", "version": 1, "actor": "Ada", "ranges": {"jawOpen": [0.1, 0.8]}}
    return [json.dumps(fields).encode()]


def _archive() -> list[bytes]:
    """An npy of two rows of numbers for each of the first arrays, and a header."""
    found = [b'{"format": "face-motion", "version": [1, 0]}', b"PK\x03\x04"]
    for place, kind in enumerate((np.float32, np.float64, np.int8, np.bool_, "U3")):
        stream = io.BytesIO()
        np.save(stream, np.zeros((2, 10, 2), kind))
        found.append(bytes([place]) + stream.getvalue())
    return found


def _face() -> list[bytes]:
    shapes = {"neutral_cm": (70, 3), "expression_cm": (2, 70, 3)}
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return [len(text).to_bytes(8, "little") + text + bytes(end)]


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _movie() -> list[bytes]:
    times = struct.pack(">I", 1) + struct.pack(">II", 60, 1001)
    media = _box(
        b"mdia",
        _box(b"mdhd", bytes(12), struct.pack(">II", 30000, 0), bytes(4)),
        _box(b"hdlr", bytes(8), b"vide", bytes(13)),
        _box(b"minf", _box(b"stbl", _box(b"stts", bytes(4), times))),
    )
    track = _box(b"trak", _box(b"tkhd", bytes(84)), media)
    return [_box(b"ftyp", b"isom", bytes(4)) + _box(b"moov", track), MATROSKA + bytes(40), b"RIFF\0\0\0\0AVI LIST"]


def _unfinished() -> list[bytes]:
    job = json.loads(_job()[0])
    return [json.dumps({"identity": {"sha": "1"}, "progress": [30, 90], "job": job}).encode()]


_MAKERS = {
    "event": lambda: [line.encode() for line in LINES],
    "session": _session,
    "job": _job,
    "capture": _capture,
    "rig_map": _rig_map,
    "rig_basis": _rig_basis,
    "live_link": _live_link,
    "calibration": _calibration,
    "motion": _archive,
    "face": _face,
    "movie": _movie,
    "unfinished": _unfinished,
}
