# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the driving video's face is: here and there in it, and frame by frame, from a take where there is one."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from fomm_engine.face.default_tracker import default_tracker
from fomm_engine.model.anatomical import nearest
from fomm_engine.video.probe import VideoInfo
from fomm_engine.video.reader import Frame
from fomm_engine.video.sample import sampled_pictures
from fomm_engine.wire.capture import Capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import LANDMARK_COUNT

Array = NDArray[Any]
Part = tuple[float, float | None]
_SAMPLES = 8


class FaceSight(Protocol):
    """Sees one face, frame after frame."""

    def points(self, frame: Frame) -> Array | None:
        """(68,2) the face's landmarks in px of the driving video, or None where it is not seen."""
        ...

    def restart(self) -> None:
        """Forget the frames before: what follows does not depend on them."""
        ...


class TrackedSight:
    """A face found and followed by the default weights."""

    def __init__(self) -> None:
        self._tracker = default_tracker()

    def restart(self) -> None:
        """Forget the frames before."""
        self._tracker = default_tracker()

    def points(self, frame: Frame) -> Array | None:
        """(68,2) px, or None."""
        face = self._tracker.track(frame.image)
        return None if face is None else face.points_px[:LANDMARK_COUNT]


class TakeSight:
    """A face that a capture of the same video has followed already."""

    def __init__(self, take: Capture) -> None:
        self._take = take

    def restart(self) -> None:
        """Nothing: a take does not depend on what was asked before."""

    def points(self, frame: Frame) -> Array | None:
        """(68,2) px, or None."""
        index = nearest(self._take.time_s, frame.time_s)
        return self._take.tracks["landmarks_px"][index] if self._take.valid[index] else None


def faces_all_over(path: Path, info: VideoInfo, part: Part) -> list[Array]:
    """The largest face's landmarks (68,2) px in a few pictures of the video; those without a face are left out."""
    tracker = default_tracker()
    seen = (tracker.faces(picture) for picture in sampled_pictures(path, info, _SAMPLES, part))
    return [faces[0].points_px[:LANDMARK_COUNT] for faces in seen if faces]


def most_alike(frames: Iterable[Frame], sight: FaceSight, wanted: Array, on_frame: Callable[[int], None]) -> int:
    """The index of the frame whose face is most like `wanted` (68,2) in shape, as the original searches it.

    Both are centred and scaled to a convex hull of area 1; the least sum of squared distances wins, the first of
    equals. Raises UserError("no-face") where no frame shows a face.
    """
    target = _normalised(wanted)
    best: tuple[float, int] | None = None
    for frame in frames:
        points = sight.points(frame)
        if points is not None:
            distance = float(((_normalised(points) - target) ** 2).sum())
            best = min(best or (np.inf, 0), (distance, frame.index))
        on_frame(frame.index)
    if best is None:
        hint = "Use a video in which the face can be seen, or name the best frame by its number."
        raise UserError("no-face", "The driving video shows no face to compare with the source's.", hint)
    return best[1]


def _normalised(points: Array) -> Array:
    centred = points.astype(np.float64) - points.mean(0)
    try:
        area = float(ConvexHull(centred).volume)  # of a hull in the plane, scipy's volume is the area
    except QhullError:
        area = 0.0
    return centred / np.sqrt(area) if area > 0 else centred
