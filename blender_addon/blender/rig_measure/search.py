# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for the landmarks: which pictures to take next, from what the engine saw on the last ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fomm_engine.wire.archive import read_arrays
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import LANDMARK_COUNT

from ...core.array_types import BoolArray, FloatArray
from ..characters.rig_scan import Scan
from . import controls, store
from .anchors import Anchors
from .cast import cast_points
from .family import Family, require_measurable
from .head_guess import guessed_frames
from .pictures import SIZE_PX, Studio
from .restore import Kept
from .setting import Setter
from .stage import Stage
from .surface import read_surface
from .views import Frame, View, triangulate

# How the camera walks around the head: yaw and pitch in radians; the first is the view from the front.
AROUND = ((0.0, 0.0), (0.35, 0.0), (-0.35, 0.0), (0.0, 0.22), (0.0, -0.22))
LEAST_VIEWS = 3
SURE_DOUBT = -2.2  # the mean log sigma of faces that are surely seen; people's are -2.5 to -3.8
ASKEW_RAD = 0.2  # a head that is turned so far away in the front view is looked at again, from its own front
FACE_SHARE = (0.30, 0.80)  # of the picture that a face should fill
FRAMED_SHARE = 0.55
ROUNDS = 4


@dataclass(frozen=True)
class Seen:
    """What the engine saw on N pictures: valid (N,), points_px (N, 70, 2), sigma_px (N, 70), rotation (N, 3, 3) camera
    from head, doubt (N,)."""

    valid: BoolArray
    points_px: FloatArray
    sigma_px: FloatArray
    rotation: FloatArray
    doubt: FloatArray


def read_seen(path: Path) -> Seen:
    """What the engine wrote. Raises as `read_arrays` does."""
    arrays = read_arrays(path)
    return Seen(
        arrays["valid"].astype(bool),
        arrays["points_px"].astype(np.float64),
        arrays["sigma_px"].astype(np.float64),
        arrays["rotation"].astype(np.float64),
        arrays["doubt"].astype(np.float64),
    )


class Search:
    """Finds a character's landmarks in rounds: `shoot` takes pictures, `learn` takes in what was seen on them."""

    def __init__(self, family: Family, scan: Scan, frame_number: int) -> None:
        require_measurable(family)
        self._family, self._scan, self._number = family, scan, frame_number
        self._frames: list[Frame] = []
        self._views: list[View] = []
        self._scouting = False
        self._round = 0
        self.anchors: Anchors | None = None

    def shoot(self, folder: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """Nothing; the pictures of this round lie in the folder, and the character is as it was."""
        with ExitStack() as stack:
            stage = self._at_rest(stack, plain=False)
            if not self._frames:
                self._frames = guessed_frames(self._family, self._scan, stage)
                self._views = _around(self._frames[0])
            studio = stack.enter_context(Studio(stage, folder))
            for number, view in enumerate(self._views):
                studio.take(view, f"view {number:02d}")
                if progress is not None:
                    progress(number + 1, len(self._views))
        self._round += 1

    def learn(self, seen: Seen) -> bool:
        """Whether the landmarks are found; else another round is wanted. Raises UserError("no-face-seen")."""
        usable = seen.valid & np.isfinite(seen.doubt)
        if self._scouting:
            self._take_best(seen, usable)
            return False
        if usable.sum() < LEAST_VIEWS or float(np.median(seen.doubt[usable])) > _limit(self._round):
            self._scout()
            return False
        views = [view for view, good in zip(self._views, usable, strict=True) if good]
        found = triangulate(views, seen.points_px[usable], seen.sigma_px[usable])
        better = self._reframed(seen, usable, found.points)
        if better is not None and self._round < ROUNDS:
            self._views = _around(better)
            return False
        rotation = _mean_rotation(
            [view.frame.rotation @ R for view, R in zip(views, seen.rotation[usable], strict=True)]
        )
        error = np.hypot(found.spread, self._blur(views, seen.sigma_px[usable]))
        self.anchors = self._cast(found.points, error, Frame(rotation, found.points.mean(axis=0), 1.0), seen, usable)
        return True

    def _at_rest(self, stack: ExitStack, *, plain: bool) -> Stage:
        kept = Kept(self._family)
        stack.callback(kept.put_back)
        if plain:
            kept.make_plain()
        found = controls.find_sliders(self._family, store.kept(self._family.main))
        kept.rest()
        setter = Setter(self._family, found.sliders)
        kept.keep_properties(setter.properties)
        stage = stack.enter_context(Stage(self._family, self._number))
        setter.rest()
        stage.update()
        return stage

    def _scout(self) -> None:
        if self._round >= ROUNDS or len(self._frames) < 2 or self._round > 1:
            raise _unseen(self._family)
        self._scouting = True
        self._views = [View(frame, SIZE_PX) for frame in self._frames[1:]]

    def _take_best(self, seen: Seen, usable: BoolArray) -> None:
        self._scouting = False
        if not usable.any():
            raise _unseen(self._family)
        best = int(np.where(usable, seen.doubt, np.inf).argmin())
        frame = self._views[best].frame
        self._views = _around(Frame(frame.rotation @ seen.rotation[best], frame.centre, frame.height))

    def _reframed(self, seen: Seen, usable: BoolArray, points: FloatArray) -> Frame | None:
        """A better frame for the pictures, None where the face is seen large enough and from its front."""
        views = [view for view, good in zip(self._views, usable, strict=True) if good]
        rotation = _mean_rotation(
            [view.frame.rotation @ R for view, R in zip(views, seen.rotation[usable], strict=True)]
        )
        own = self._views[0].frame
        askew = np.arccos(np.clip((np.trace(own.rotation.T @ rotation) - 1.0) / 2.0, -1.0, 1.0))
        face = points[:LANDMARK_COUNT]
        extent = float(np.ptp(face @ rotation, axis=0)[:2].max())
        if askew < ASKEW_RAD and FACE_SHARE[0] < extent / own.height < FACE_SHARE[1]:
            return None
        middle = rotation @ ((face @ rotation).max(axis=0) + (face @ rotation).min(axis=0)) / 2
        return Frame(rotation, middle, extent / FRAMED_SHARE)

    def _blur(self, views: list[View], sigma_px: FloatArray) -> FloatArray:
        """(70,) how surely each point is seen, in world units: the sigmas of views as if independent by half."""
        unit = np.array([view.frame.height / view.size_px for view in views])[:, None]
        return np.sqrt(((sigma_px * unit) ** 2).mean(axis=0) / np.sqrt(len(views)))

    def _cast(
        self, points: FloatArray, error: FloatArray, frame: Frame, seen: Seen, usable: BoolArray
    ) -> Anchors:  # fmt: skip
        with ExitStack() as stack:
            stage = self._at_rest(stack, plain=True)
            anchors = cast_points(read_surface(stage, self._family.meshes), points, error, frame)
        doubt = float(np.median(seen.doubt[usable]))
        notes = () if doubt <= SURE_DOUBT else ("The face was seen unsurely: look at the landmark points.",)
        return Anchors(
            anchors.meshes, anchors.mesh, anchors.vertices, anchors.shares, anchors.confidence, (), doubt, notes
        )


def _around(frame: Frame) -> list[View]:
    return [View(frame.turned(yaw, pitch), SIZE_PX) for yaw, pitch in AROUND]


def _limit(number: int) -> float:
    """The doubt up to which a round's pictures are believed: stricter while other sides have not been looked at."""
    return SURE_DOUBT if number <= 1 else -1.5


def _mean_rotation(rotations: list[FloatArray]) -> FloatArray:
    left, _, right = np.linalg.svd(np.mean(rotations, axis=0))
    return left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right


def _unseen(family: Family) -> UserError:
    message = f"The engine does not see a face on {family.main.name}."
    hint = "Show its face, with the materials of eyes, brows and mouth, and find the landmarks again."
    return UserError("no-face-seen", message, hint)
