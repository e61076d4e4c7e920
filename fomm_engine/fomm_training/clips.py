# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of training clips: videos, folders of frames, or pictures with frames side by side."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fomm_engine.video.picture import largest_square, read_picture, square_of
from fomm_engine.video.reader import VideoReader
from fomm_engine.wire.errors import UserError

Images = NDArray[np.uint8]
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
VIDEOS = (".mp4", ".mov", ".gif", ".avi", ".mkv", ".webm", ".m4v")
TEST_SHARE = 0.2
CACHE_BYTES = 2_000_000_000


@dataclass(frozen=True)
class ClipFolder:
    """The clips to train on and those held out, each in the order of their names."""

    train: tuple[Path, ...]
    test: tuple[Path, ...]


def find_clips(root: Path, seed: int = 0) -> ClipFolder:
    """The clips in `root`: of its folders `train` and `test` where both are there, else a fifth of all held out.

    Raises UserError: "data-missing", "data-empty" where there are too few to hold any out.
    """
    if not root.is_dir():
        raise UserError("data-missing", f"There is no folder {root}.", "Choose a folder of videos, or of frames.")
    if (root / "train").is_dir() and (root / "test").is_dir():
        found = ClipFolder(_clips_in(root / "train"), _clips_in(root / "test"))
    else:
        clips = _clips_in(root)
        held_out = max(1, round(TEST_SHARE * len(clips)))
        chosen = set(np.random.default_rng(seed).permutation(len(clips))[:held_out].tolist())
        found = ClipFolder(
            tuple(clip for index, clip in enumerate(clips) if index not in chosen),
            tuple(clip for index, clip in enumerate(clips) if index in chosen),
        )
    if not found.train or not found.test:
        hint = "Put at least two clips into it: videos, folders of frames, or pictures of frames side by side."
        raise UserError("data-empty", f"{root} holds too few clips to train on some and hold others out.", hint)
    return found


class ClipReader:
    """Frames of clips as squares of one size; those read last are kept, up to `cache_bytes`."""

    def __init__(self, size: int, cache_bytes: int = CACHE_BYTES) -> None:
        self._size = size
        self._limit = cache_bytes
        self._kept: OrderedDict[Path, Images] = OrderedDict()
        self._counts: dict[Path, int] = {}

    def frames(self, clip: Path) -> Images:
        """(T,size,size,3) uint8 RGB: the middle square of every frame. Raises UserError as the readers do."""
        if clip in self._kept:
            self._kept.move_to_end(clip)
            return self._kept[clip]
        frames = _read(clip, self._size)
        self._kept[clip] = frames
        while len(self._kept) > 1 and sum(value.nbytes for value in self._kept.values()) > self._limit:
            self._kept.popitem(last=False)
        return frames

    def pair(self, clip: Path, draw: tuple[float, float]) -> tuple[Images, Images]:
        """Two frames, by numbers in [0,1), the earlier one first; of a folder of frames only those two are read."""
        if clip in self._kept or not clip.is_dir():
            frames = self.frames(clip)
            first, second = sorted(int(number * len(frames)) for number in draw)
            return frames[first], frames[second]
        files = _pictures_in(clip)
        first, second = sorted(int(number * len(files)) for number in draw)
        return _squared(read_picture(files[first]), self._size), _squared(read_picture(files[second]), self._size)


def _clips_in(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.iterdir() if not path.name.startswith(".") and _is_clip(path)))


def _is_clip(path: Path) -> bool:
    if path.is_dir():
        return any(child.suffix.lower() in PICTURES for child in path.iterdir())
    return path.suffix.lower() in (*VIDEOS, *PICTURES)


def _pictures_in(folder: Path) -> list[Path]:
    """Frames in the order of the numbers in their names, so that 10 comes after 9."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in PICTURES and not path.name.startswith(".")]
    return sorted(files, key=lambda path: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", path.name)])


def _read(clip: Path, size: int) -> Images:
    if clip.is_dir():
        return np.stack([_squared(read_picture(path), size) for path in _pictures_in(clip)])
    if clip.suffix.lower() in PICTURES:
        return _side_by_side(clip, size)
    with VideoReader(clip) as reader:
        return np.stack([_squared(frame.image, size) for frame in reader])


def _side_by_side(clip: Path, size: int) -> Images:
    picture = read_picture(clip)
    height, width = picture.shape[:2]
    if width % height:
        hint = "A picture is a clip where square frames stand side by side in it; single frames go into a folder."
        raise UserError("data-unreadable", f"{clip.name} is {width} x {height}: no row of square frames.", hint)
    return np.stack([_squared(part, size) for part in np.split(picture, width // height, axis=1)])


def _squared(image: Images, size: int) -> Images:
    return square_of(image, largest_square((image.shape[1], image.shape[0])), size)
