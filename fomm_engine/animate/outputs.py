# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes out: the film, the comparison beside the driving video, numbered pictures; all while frames still come."""

import contextlib
import json
import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from fomm_engine.animate.canvas import Canvas
from fomm_engine.animate.driving import DrivingFrame, fitted
from fomm_engine.animate.options import AnimateOptions
from fomm_engine.animate.painter import Painted
from fomm_engine.video.sound import Sound, copy_sound
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.errors import UserError

Image = NDArray[np.uint8]
COMPARISON_HIGHEST = 1080
_SOUND_FILE, _TIMES_FILE = "sound.mka", "frames.json"
_OURS = re.compile(r"\d{6,}\.png|sound\.mka|frames\.json")
_ENDLESS_S = 1e6
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 3]


@dataclass(frozen=True)
class FilmPaths:
    """Where one film and what belongs to it will stand."""

    film: Path

    @property
    def comparison(self) -> Path:
        """The film beside the driving video."""
        return self.film.with_name(f"{self.film.stem}.comparison{self.film.suffix}")

    @property
    def pictures(self) -> Path:
        """The folder of numbered pictures."""
        return self.film.with_name(f"{self.film.stem}_frames")

    @property
    def pictures_times(self) -> Path:
        """What says when each picture is shown."""
        return self.pictures / _TIMES_FILE

    @property
    def motion(self) -> Path:
        """The keypoints."""
        return self.film.with_name(f"{self.film.stem}.motion.npz")

    def require_places(self, options: AnimateOptions) -> None:
        """Nothing, if the pictures' folder is free or holds an earlier result. Raises UserError("output-exists")."""
        if options.pictures:
            _require_ours(self.pictures)


@dataclass(frozen=True)
class Timing:
    """frame_rate: exact fraction, None where every frame has its own time.

    sound: what goes along, None for silence; its offset is from the driving video's first picture. end_s: where it is
    cut, on the driving video's clock; None: it comes to its end.
    """

    frame_rate: tuple[int, int] | None
    sound: Sound | None
    end_s: float | None = None

    def sound_from(self, first_s: float) -> Sound | None:
        """The sound for a film whose first frame is shown at `first_s` in the driving video."""
        if self.sound is None or (first_s == 0 and self.end_s is None):
            return self.sound
        length_s = None if self.end_s is None else max(self.end_s - first_s, 0.0)
        if length_s is None and first_s > 0:
            length_s = _ENDLESS_S  # what was before the first frame is left out all the same
        return replace(self.sound, offset_s=(self.sound.offset_s or 0.0) - first_s, length_s=length_s)


class Outputs:
    """Everything that is written of one film, into `workshop` first; at the block's good end it is put in its place."""

    def __init__(
        self, paths: FilmPaths, workshop: Path, canvas: Canvas, options: AnimateOptions, timing: Timing
    ) -> None:
        self.paths, self._workshop, self._canvas, self._options, self._timing = paths, workshop, canvas, options, timing
        self._films = contextlib.ExitStack()
        self._film: VideoWriter | None = None
        self._beside: VideoWriter | None = None
        self._times_s: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        finished = not self._films.__exit__(kind, error, trace) and kind is None
        if finished:
            self._put_in_place()

    def write(self, frame: DrivingFrame, painted: Painted) -> None:
        """Nothing; the next frame goes where it is wanted."""
        picture = self._canvas.picture(painted.image)
        if not self._times_s:
            self._open(frame)
        self._times_s.append(frame.time_s)
        if self._film is not None:
            self._film.write(picture, frame.time_s)
        if self._beside is not None and frame.beside is not None:
            height = frame.beside.shape[0]
            right = fitted(picture, (round(picture.shape[1] * height / picture.shape[0]), height))
            self._beside.write(np.concatenate([frame.beside, right], axis=1), frame.time_s)
        if self._options.pictures:
            self._write_picture(picture, self._canvas.alpha(painted.image, self._options.alpha))

    def _open(self, frame: DrivingFrame) -> None:
        """The films begin with the first frame: only then is known how large they are."""
        rate, sound = self._timing.frame_rate, self._timing.sound_from(frame.time_s)
        if self._options.film:
            path = self._workshop / self.paths.film.name
            self._film = self._films.enter_context(VideoWriter(path, self._canvas.size, frame_rate=rate, sound=sound))
        if frame.beside is not None:
            height = frame.beside.shape[0]
            width = frame.beside.shape[1] + round(self._canvas.size[0] * height / self._canvas.size[1])
            path = self._workshop / self.paths.comparison.name
            self._beside = self._films.enter_context(VideoWriter(path, (width, height), frame_rate=rate, sound=sound))
        if self._options.pictures:
            (self._workshop / "frames").mkdir(exist_ok=True)

    def _write_picture(self, picture: Image, alpha: Image) -> None:
        path = self._workshop / "frames" / f"{len(self._times_s) - 1:06d}.png"
        layers = np.concatenate([picture[..., ::-1], alpha[..., None]], -1)
        if not cv2.imwrite(str(path), layers, _PNG):
            raise UserError("not-writable", f"{path} cannot be written.", "Free some space.")

    def _put_in_place(self) -> None:
        if self._options.pictures:
            folder = self._workshop / "frames"
            wanted = self._timing.sound_from(self._times_s[0])
            sound = wanted is not None and copy_sound(wanted, folder / _SOUND_FILE)
            (folder / _TIMES_FILE).write_text(json.dumps(self._described(sound=sound)), encoding="ascii")
            _require_ours(self.paths.pictures)
            if self.paths.pictures.exists():
                shutil.rmtree(self.paths.pictures)
            os.replace(folder, self.paths.pictures)
        for path in (self.paths.film, self.paths.comparison):
            if (self._workshop / path.name).is_file():
                os.replace(self._workshop / path.name, path)

    def _described(self, *, sound: bool) -> dict[str, Any]:
        first_s = self._times_s[0]
        return {
            "frame_rate": list(self._timing.frame_rate) if self._timing.frame_rate else None,
            "time_s": [time_s - first_s for time_s in self._times_s],
            "size": list(self._canvas.size),
            "sound": _SOUND_FILE if sound else None,
        }


def _require_ours(folder: Path) -> None:
    """Nothing, if `folder` is not there or holds an earlier result alone. Raises UserError("output-exists")."""
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    if any(not _OURS.fullmatch(name) for name in names):
        hint = "Choose another name for the film, or move that folder away."
        raise UserError("output-exists", f"{folder} holds other files, and would be replaced.", hint)


def beside_size(driving: tuple[int, int], canvas: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the driving video in the comparison: as high as the film, at most 1080, and even."""
    height = min(canvas[1] + canvas[1] % 2, COMPARISON_HIGHEST)
    return max(2, round(driving[0] * height / driving[1] / 2) * 2), height
