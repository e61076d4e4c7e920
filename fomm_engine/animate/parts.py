# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of finished parts beside a film in the making: what lets a killed job go on where it was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fomm_engine.animate.driving import CHUNK, DrivingFrame
from fomm_engine.animate.framing import Square
from fomm_engine.animate.painter import Painted
from fomm_engine.model.motion import Keypoints
from fomm_engine.resuming.parts import PartsFolder
from fomm_engine.wire.archive import read_arrays
from fomm_engine.wire.motion_tracks import MAP_TRACKS
from fomm_engine.wire.whole_file import whole_file

Array = NDArray[Any]
Image = NDArray[np.uint8]
_QUICK = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # the parts live for as long as the job runs


class Parts(PartsFolder):
    """One film's folder: a small state, and chunks of painted frames, each a file that is whole or not there.

    keep_pictures: whether what was painted is kept, or its numbers alone. The rest as PartsFolder.
    """

    def __init__(self, folder: Path, identity: dict[str, Any], *, keep_pictures: bool = True) -> None:
        super().__init__(folder, identity)
        self._keep_pictures = keep_pictures
        self._chunk: list[tuple[DrivingFrame, Painted]] = []

    def painted_count(self) -> int:
        """How many frames from the first on are painted already, in chunks without a gap."""
        numbers = self._numbers()
        while numbers:
            try:
                return (len(numbers) - 1) * CHUNK + len(self.chunk(numbers[-1]).pictures())
            except (OSError, ValueError, KeyError):
                self._path(numbers.pop()).unlink(missing_ok=True)
        return 0

    def add(self, frame: DrivingFrame, painted: Painted) -> None:
        """Nothing; the frame is kept: for good when its chunk is full."""
        self._chunk.append((frame, painted))
        if len(self._chunk) == CHUNK:
            self.flush()

    def flush(self) -> None:
        """Nothing; the frames of a chunk that is not full stand on the disk too: the video has ended."""
        if self._chunk:
            with whole_file(self._path(self._chunk[0][0].index // CHUNK)) as partial, partial.open("wb") as stream:
                pictures = _pictures(self._chunk) if self._keep_pictures else {}
                np.savez(stream, **_arrays(self._chunk), **pictures)  # pyright: ignore[reportArgumentType]
        self._chunk = []

    def chunk(self, number: int) -> "StoredChunk":
        """A finished chunk. Raises OSError or ValueError where it is damaged."""
        return StoredChunk(read_arrays(self._path(number)))

    def chunks(self) -> Iterator["StoredChunk"]:
        """All finished chunks, one at a time."""
        return (self.chunk(number) for number in self._numbers())

    def _numbers(self) -> list[int]:
        numbers: list[int] = []
        while self._path(len(numbers)).is_file():
            numbers.append(len(numbers))
        return numbers

    def _path(self, number: int) -> Path:
        return self.folder / f"chunk-{number:06d}.npz"


class StoredChunk:
    """A chunk as it stands on the disk: arrays, and its pictures packed without loss."""

    def __init__(self, arrays: dict[str, Array]) -> None:
        self.arrays = arrays

    @property
    def last(self) -> tuple[float, Square]:
        """The time and the square of its last frame."""
        x, y, side = (float(value) for value in self.arrays["driving_square"][-1])
        return float(self.arrays["time_s"][-1]), (x, y, side)

    def pictures(self) -> list[Image]:
        """Its pictures (S,S,3) RGB or (S,S,4). Raises KeyError where they were not kept."""
        packed, ends = self.arrays["packed"], self.arrays["ends"]
        return [_unpacked(packed[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def painted(self) -> list[Painted]:
        """Its frames as the painter made them."""
        driving, normalised = (
            [Keypoints(value, jacobian) for value, jacobian in zip(*pair, strict=True)]
            for pair in (
                (self.arrays["driving_value"], self.arrays["driving_jacobian"]),
                (self.arrays["normalised_value"], self.arrays["normalised_jacobian"]),
            )
        )
        maps = {name: self.arrays[name] for name in MAP_TRACKS if name in self.arrays}
        return [
            Painted(image, driving[row], normalised[row], **{name: rows[row] for name, rows in maps.items()})
            for row, image in enumerate(self.pictures())
        ]


def _pictures(chunk: list[tuple[DrivingFrame, Painted]]) -> dict[str, Array]:
    packed = [_packed(made.image) for _, made in chunk]
    return {"packed": np.concatenate(packed), "ends": np.cumsum([len(one) for one in packed])}


def _arrays(chunk: list[tuple[DrivingFrame, Painted]]) -> dict[str, Array]:
    frames, painted = [frame for frame, _ in chunk], [made for _, made in chunk]
    columns = {
        "driving_value": [made.driving.value for made in painted],
        "driving_jacobian": [made.driving.jacobian for made in painted],
        "normalised_value": [made.normalised.value for made in painted],
        "normalised_jacobian": [made.normalised.jacobian for made in painted],
        "occlusion": [made.occlusion for made in painted if made.occlusion is not None],
        "deformation": [made.deformation for made in painted if made.deformation is not None],
    }
    return {
        "time_s": np.array([frame.time_s for frame in frames]),
        "driving_square": np.array([frame.square for frame in frames]),
        **{name: np.stack(rows).astype(np.float32) for name, rows in columns.items() if rows},
    }


def _packed(image: Image) -> Image:
    """(N,) bytes of `image` as a PNG, its channels in whatever order: `_unpacked` gives them back as they were."""
    _, png = cv2.imencode(".png", image, _QUICK)
    return np.asarray(png, np.uint8).reshape(-1)


def _unpacked(png: Image) -> Image:
    image = cv2.imdecode(png, cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("a picture is damaged")
    return np.asarray(image, np.uint8)
