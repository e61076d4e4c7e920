# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints of a tracking: what was seen and what the tracker remembers, on the disk every few seconds.

Records are appended to one file; a small second file, replaced whole, says how many of them count, their checksum and
the tracker's state after the last one. Whenever the process dies, the second file is right about the first.
"""

import os
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from fomm_engine.face.look import FrameFace
from fomm_engine.face.recording import RECORD, Recorder
from fomm_engine.resuming.plain_tree import read_tree, write_tree

RECORDS_FILE, STAND_FILE = "frames.f64", "checkpoint.npz"
_BLOCK = 4096 * RECORD.itemsize


class Memory(Protocol):
    """What a tracker must be able to tell of itself."""

    def state(self) -> Any:
        """Everything it remembers, as plain values and arrays."""
        ...


@dataclass(frozen=True)
class Stand:
    """Where a tracking stands: count frames are recorded, the last of them is number `index` of the video.

    memory: the tracker's state after that frame.
    """

    count: int
    index: int
    memory: Any


class Checkpoints:
    """The records of one tracking in `folder`; use as a context manager.

    resumed: where an earlier run stood, None where there is nothing whole to go on from. interval_s: seconds between
    checkpoints. Raises OSError.
    """

    def __init__(self, folder: Path, interval_s: float) -> None:
        self._folder, self._interval_s = folder, interval_s
        self.resumed, self._checksum = _stand_in(folder)
        path = folder / RECORDS_FILE
        self._stream: IO[bytes] = path.open("r+b" if self.resumed else "w+b")
        self.recorder = Recorder(self._stream, self.resumed.count if self.resumed else 0)
        self._kept_at_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def add(self, time_s: float, face: FrameFace | None) -> None:
        """Nothing; the next frame is recorded."""
        self._checksum = zlib.crc32(self.recorder.add(time_s, face), self._checksum)

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return time.monotonic() - self._kept_at_s >= self._interval_s

    def keep(self, index: int, tracker: Memory) -> None:
        """Nothing; all frames up to number `index` of the video outlive this process. Raises OSError."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        stand = {"count": self.recorder.count, "checksum": self._checksum, "index": index}
        write_tree({**stand, "memory": tracker.state()}, self._folder / STAND_FILE)
        self._kept_at_s = time.monotonic()


def is_kept(folder: Path) -> bool:
    """Whether a checkpoint stands in `folder`."""
    return (folder / STAND_FILE).is_file()


def _stand_in(folder: Path) -> tuple[Stand | None, int]:
    """(the stand that the folder's files agree on, the checksum of its records); (None, 0) where they do not."""
    try:
        tree = read_tree(folder / STAND_FILE)
        stand = Stand(int(tree["count"]), int(tree["index"]), tree["memory"])
        checksum = _checksum_of(folder / RECORDS_FILE, stand.count * RECORD.itemsize)
        if stand.count > 0 and checksum == tree["checksum"]:
            return stand, checksum
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None, 0


def _checksum_of(path: Path, size: int) -> int:
    """The CRC-32 of the first `size` bytes. Raises ValueError where there are fewer."""
    checksum = 0
    with path.open("rb") as stream:
        while size > 0:
            block = stream.read(min(size, _BLOCK))
            if not block:
                raise ValueError(f"{path.name} is cut off")
            checksum, size = zlib.crc32(block, checksum), size - len(block)
    return checksum
