# SPDX-License-Identifier: GPL-3.0-or-later
"""A still picture: from an image file, or the first frame of a video."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fomm_engine.video.reader import VideoReader
from fomm_engine.wire.errors import UserError

Image = NDArray[np.uint8]
BEHIND = 128  # what shows through where a picture is transparent
_LARGEST_BYTES = 500_000_000  # of a picture's file; a larger one is a video


def read_picture(path: Path | str, frame: int = 0) -> Image:
    """The picture in `path` (H,W,3) uint8 RGB: upright (EXIF), grey or 16-bit made RGB, transparency on mid-grey.

    frame: which one of a video, from 0. Raises UserError "picture-missing" for no such file, "picture-unreadable" for
    one with no picture in it, "picture-out-of-range" for a video with fewer frames.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError("picture-missing", f"There is no file {path}.", "Choose a picture of a face.")
    decoded = _decoded(path)
    if decoded is not None:
        return decoded
    try:
        return _frame(path, frame)
    except UserError as error:
        if error.code == "picture-out-of-range":
            raise
        hint = "Use a picture (png, jpg, webp, ...) or a video whose first frame shows the face."
        raise UserError("picture-unreadable", f"{path.name} holds no picture that can be read.", hint) from error


def read_alpha(path: Path | str) -> Image | None:
    """(H,W) uint8 how much of each pixel of the picture in `path` is there; None where all of it is, as in videos."""
    data = _bytes(Path(path))
    raw: Any = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if raw is None or raw.ndim != 3 or raw.shape[2] != 4:
        return None
    alpha = np.rint(raw[..., 3].astype(np.float32) * (255 / np.iinfo(raw.dtype).max)).astype(np.uint8)
    return None if (alpha == 255).all() else np.ascontiguousarray(alpha)


def square_of(image: Image, square: tuple[float, float, float], size: int) -> Image:
    """(size,size,3) the square (centre x, centre y, side; pixels, inside `image`) of `image`, well filtered.

    An `image` (H,W) gives (size,size).
    """
    left, top, whole = pixel_square((image.shape[1], image.shape[0]), square)
    return resized(image[top : top + whole, left : left + whole], size)


def pixel_square(size: tuple[int, int], square: tuple[float, float, float]) -> tuple[int, int, int]:
    """(left, top, side) whole pixels of `square` (centre x, centre y, side) in a picture of `size` (width, height)."""
    width, height = size
    x, y, side = square
    whole = max(1, min(round(side), height, width))
    left = int(np.clip(round(x - whole / 2), 0, width - whole))
    top = int(np.clip(round(y - whole / 2), 0, height - whole))
    return left, top, whole


def resized(image: Image, size: int) -> Image:
    """(size,size,3) `image`, well filtered either way; itself where it has that size already."""
    if image.shape[:2] == (size, size):
        return image
    method = cv2.INTER_AREA if max(image.shape[:2]) > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size, size), interpolation=method), np.uint8)


def largest_square(
    size: tuple[int, int], center: tuple[float, float] | None = None, side: float | None = None
) -> tuple[float, float, float]:
    """(centre x, centre y, side) of the square of at most `side` in a picture of `size` (width, height), as near to
    `center` as it can lie inside; without them the largest in the middle.
    """
    whole = float(min(*size, side or min(size)))
    wanted = center or (size[0] / 2, size[1] / 2)
    x, y = (float(np.clip(at, whole / 2, extent - whole / 2)) for at, extent in zip(wanted, size, strict=True))
    return x, y, whole


def _frame(path: Path, index: int) -> Image:
    with VideoReader(path) as reader:
        for frame in reader:
            if frame.index == index:
                return frame.image
    hint = "Its frames are counted from 0."
    raise UserError("picture-out-of-range", f"{path.name} has no frame {index}.", hint)


def _bytes(path: Path) -> NDArray[np.uint8]:
    whole = path.stat().st_size <= _LARGEST_BYTES
    return np.frombuffer(path.read_bytes() if whole else b"", np.uint8)


def _decoded(path: Path) -> Image | None:
    data = _bytes(path)
    if data.size == 0:
        return None
    raw: Any = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if raw is not None and raw.ndim == 3 and raw.shape[2] == 4:
        return _on_grey(raw)
    flat: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)  # turned as EXIF says, 8 bit
    return None if flat is None else np.ascontiguousarray(flat[..., ::-1])


def _on_grey(bgra: NDArray[Any]) -> Image:
    levels = bgra.astype(np.float32) * (255 / np.iinfo(bgra.dtype).max)
    share = levels[..., 3:] / 255
    mixed = levels[..., 2::-1] * share + BEHIND * (1 - share)
    return np.rint(mixed).astype(np.uint8)
