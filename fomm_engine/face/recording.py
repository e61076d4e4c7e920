# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tracker saw, frame by frame: numbers only, in records of one size, so that a long video costs little memory.

The records go to a stream as they come. Where that is a file, they outlive the process, and a later one goes on.
"""

import io
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from fomm_engine.face.tracker import FrameFace
from fomm_engine.wire.names import POINT_COUNT

Array = npt.NDArray[Any]
RECORD = np.dtype(
    [
        ("time_s", "<f8"),
        ("valid", "<f8"),  # 0 or 1; as wide as the rest, so that every number lies where processors like it
        ("points_px", "<f8", (POINT_COUNT, 2)),
        ("sigma_px", "<f8", (POINT_COUNT,)),
        ("rotation", "<f8", (3, 3)),
        ("doubt", "<f8"),
    ]
)


@dataclass(frozen=True)
class Recording:
    """The tracker's results as arrays; frames without a face hold zeros (and identity rotations).

    time_s: (T,) float64. valid: (T,) bool. points_px: (T, 70, 2). sigma_px: (T, 70). rotation: (T, 3, 3) camera from
    head, the landmark net's own guess. doubt: (T,) mean log sigma of the inner points.
    """

    time_s: Array
    valid: Array
    points_px: Array
    sigma_px: Array
    rotation: Array
    doubt: Array


class Recorder:
    """Collects one frame after the other, in memory or in a file that is open for reading and writing.

    kept: so many records of an earlier run the file holds already; whatever stands behind them is cut off.
    """

    def __init__(self, stream: IO[bytes] | None = None, kept: int = 0) -> None:
        self._stream = stream or io.BytesIO()
        self.count = kept
        self._last_s = -np.inf
        self._stream.truncate(kept * RECORD.itemsize)
        self._stream.seek(kept * RECORD.itemsize)
        if kept:
            self._last_s = float(self._records(kept - 1)["time_s"][-1])

    def add(self, time_s: float, face: FrameFace | None) -> bytes:
        """The record that was kept of a frame. Times that do not increase are moved up by a microsecond, since a
        take's must."""
        self._last_s = time_s = time_s if time_s > self._last_s else self._last_s + 1e-6
        record = np.zeros((), RECORD)
        record["time_s"], record["rotation"] = time_s, np.eye(3)
        if face is not None:
            record["valid"], record["doubt"] = 1.0, face.doubt
            record["points_px"], record["sigma_px"], record["rotation"] = face.points_px, face.sigma_px, face.rotation
        written = record.tobytes()
        self._stream.write(written)
        self.count += 1
        return written

    def recording(self) -> Recording:
        """Everything so far."""
        records = self._records()
        return Recording(
            records["time_s"].copy(),
            records["valid"] > 0,
            *(records[name] for name in ("points_px", "sigma_px", "rotation", "doubt")),
        )

    def _records(self, first: int = 0) -> Array:
        self._stream.seek(first * RECORD.itemsize)
        return np.frombuffer(self._stream.read((self.count - first) * RECORD.itemsize), RECORD)
