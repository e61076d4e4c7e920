# SPDX-License-Identifier: GPL-3.0-or-later
"""The side-by-side film: the performance, the animated portrait and the rendered character, in step, with the sound."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from fomm_engine.video.reader import Frame, VideoReader
from fomm_engine.video.sound import Sound
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.errors import UserError

Array = npt.NDArray[Any]
CAPTION_SHARE = 0.085  # of a panel's height
BACKGROUND = (24, 25, 28)
INK = (226, 228, 232)


@dataclass(frozen=True)
class Panel:
    """One column of the film beside the performance: its pictures in the order of time, and what stands under it."""

    frames: Iterable[Frame]
    caption: str


def write_film(
    performance: VideoReader,
    caption: str,
    panels: list[Panel],
    path: Path,
    panel_px: int = 480,
    on_frame: Callable[[int], None] | None = None,
) -> Path:
    """`path`, holding the performance and the panels side by side at the performance's times, with its sound.

    Each panel shows its picture of that moment, so rates may differ; a panel that ends first keeps its last picture.
    Memory does not grow with the length. Errors as the reader's and the writer's.
    """
    caption_px = round(panel_px * CAPTION_SHARE / 2) * 2
    texts = [caption, *(panel.caption for panel in panels)]
    captions = np.concatenate([_caption(text, panel_px, caption_px) for text in texts], axis=1)
    followers = [_Follower(iter(panel.frames)) for panel in panels]
    size = (panel_px * len(texts), panel_px + caption_px)
    with VideoWriter(path, size, frame_rate=performance.info.frame_rate, sound=Sound(performance.path)) as writer:
        for frame in performance:
            pictures = [frame.image, *(follower.at(frame.time_s) for follower in followers)]
            row = np.concatenate([fitted(picture, panel_px) for picture in pictures], axis=1)
            writer.write(np.concatenate([row, captions]))
            if on_frame is not None:
                on_frame(frame.index)
    return path


def numbered_pictures(folder: Path, start_frame: int, frame_rate: tuple[int, int]) -> Iterator[Frame]:
    """The pictures frame_NNNN.png of `folder` by number, media time 0 at `start_frame`.

    Raises UserError("no-pictures") where there is none, and for one that cannot be read.
    """
    paths = sorted(folder.glob("frame_*.png"))
    if not paths:
        raise UserError("no-pictures", f"No picture was rendered into {folder.name}.", "Render again.")
    for index, path in enumerate(paths):
        number = int(path.stem.removeprefix("frame_"))
        yield Frame(read_picture(path), (number - start_frame) * frame_rate[1] / frame_rate[0], index)


def read_picture(path: Path) -> Array:
    """(H, W, 3) uint8 RGB. Raises UserError("no-pictures") where it cannot be read."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise UserError("no-pictures", f"The picture {path.name} cannot be read.", "Render again.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


class _Follower:
    """A video that is asked for its picture at times that only go forward."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._frames = frames
        self._shown = next(frames)
        self._coming: Frame | None = next(frames, None)

    def at(self, time_s: float) -> Array:
        """The picture on screen at `time_s` (half a millisecond of tolerance for rounded time stamps)."""
        while self._coming is not None and self._coming.time_s <= time_s + 5e-4:
            self._shown, self._coming = self._coming, next(self._frames, None)
        return self._shown.image


def fitted(picture: Array, side_px: int) -> Array:
    """(side, side, 3) the picture inside a square, whole, on the film's background."""
    height, width = picture.shape[:2]
    scale = side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    square = np.full((side_px, side_px, 3), BACKGROUND, np.uint8)
    top, left = (side_px - size[1]) // 2, (side_px - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size, interpolation=method)
    return square


@lru_cache(maxsize=8)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size_px)


def _caption(text: str, width: int, height: int) -> Array:
    strip = Image.new("RGB", (width, height), BACKGROUND)
    ImageDraw.Draw(strip).text((width / 2, height / 2), text, fill=INK, font=_font(round(height * 0.44)), anchor="mm")
    return np.asarray(strip)
