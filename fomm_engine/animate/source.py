# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture that comes alive: its pixels, its transparency, its face and the square of it that is painted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fomm_engine.animate.framing import Square, face_square
from fomm_engine.animate.options import AnimateOptions
from fomm_engine.animate.tasks import Task
from fomm_engine.model.anatomical import PortraitFace, find_portrait_face
from fomm_engine.model.config import ModelConfig
from fomm_engine.video.picture import largest_square, read_alpha, read_picture, square_of
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import LANDMARK_COUNT

Image = NDArray[np.uint8]
_NOT_FACES = ("taichi", "tai chi", "fashion", "mgif", "animal", "bair", "robot")


@dataclass(frozen=True)
class Source:
    """The source picture (H,W,3), its own alpha (H,W) where that is wanted and there, and its largest face, if any."""

    image: Image
    alpha: Image | None
    face: PortraitFace | None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.image.shape[1], self.image.shape[0]

    def square(self, options: AnimateOptions, sides: float) -> Square:
        """The square that is painted; around the face (`sides` of it) where one was looked for and is wanted."""
        if self.face is None or options.source_crop == "whole":
            return largest_square(self.size)
        return face_square(self.size, self.face.points_px[:LANDMARK_COUNT], sides)

    def part(self, square: Square, side: int) -> tuple[Image, Image | None]:
        """The square at `side` pixels: picture, and alpha where there is one."""
        return square_of(self.image, square, side), None if self.alpha is None else square_of(self.alpha, square, side)


def read_source(task: Task, options: AnimateOptions, *, faces: bool, needed: bool) -> Source:
    """The task's source. faces: look for its face; needed: raise UserError("no-face") where there is none.

    Raises as `read_picture` does.
    """
    image = read_picture(task.source, options.source_frame)
    wants_alpha = options.pictures and options.alpha == "source"
    alpha = read_alpha(task.source) if wants_alpha else None
    return Source(image, alpha, _face(image, needed=needed) if faces or needed else None)


def is_of_faces(config: ModelConfig) -> bool:
    """Whether a model moves faces: all that are published do but those of bodies, clothes, animals and robots."""
    words = f"{config.name} {config.subject}".lower()
    return not any(word in words for word in _NOT_FACES)


def _face(image: Image, *, needed: bool) -> PortraitFace | None:
    try:
        return find_portrait_face(image)
    except UserError as error:
        if needed or error.code != "no-face":
            raise
        return None
