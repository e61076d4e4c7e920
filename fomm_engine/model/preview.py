# SPDX-License-Identifier: GPL-3.0-or-later
"""A portrait moved by first-order motion alone: the preview for keypoints that have no trained generator.

Each keypoint k says where its surroundings come from, T_k(z) = s_k + J (z - d_k) (FOMM, equation 4, with the relative
Jacobian J = Jd0 Jd^-1). FOMM blends these maps by a learned mask and paints what is missing. Here they are blended by
Gaussians around the keypoints, and in the log domain: each affine map becomes a velocity field, the fields are
averaged, and pixels are carried along the average. The result is smooth and one-to-one however much the maps differ,
so nothing tears or folds (Arsigny et al., "A fast and log-Euclidean polyaffine framework", 2009). The head's own
affine motion goes first and fades into the still background; what the keypoints do beyond it follows, in the
portrait's frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fomm_engine.model.lip_seam import find_seam, parted
from fomm_engine.model.motion import Keypoints, MotionSettings, hull_scale, inverse_2x2, transferred
from fomm_engine.model.polyaffine import affine_fit, applied, carried, logarithms, tamed, unsheared
from fomm_engine.wire.names import KEYPOINTS

Array = NDArray[Any]
Image = NDArray[np.uint8]
_INDEX = {name: index for index, name in enumerate(KEYPOINTS)}
_EYES = (_INDEX["eye_right"], _INDEX["eye_left"])
_CORNERS = (_INDEX["mouth_right"], _INDEX["mouth_left"])
_ZONE_EDGE = 0.02  # below it a sheet's motion is that of the whole
_REACHES = 3.5  # so many standard deviations away a keypoint moves nothing that could be seen
_CHIN_INSIDE = (
    1.2  # a long chin belongs to the head: its radius downwards is at least so many times the chin's distance
)
_LIPS = (_INDEX["lip_upper"], _INDEX["lip_lower"])


def _reach() -> dict[str, float]:
    sides = {"eye": 0.17, "brow": 0.22, "mouth": 0.17}
    both = {f"{part}_{side}": reach for part, reach in sides.items() for side in ("right", "left")}
    return {**both, "nose": 0.2, "lip_upper": 0.15, "lip_lower": 0.17, "chin": 0.28}


def _head_share() -> dict[str, float]:
    both = {"eye": 1.0, "brow": 0.3, "mouth": 0.3}
    return {**{f"{part}_{side}": share for part, share in both.items() for side in ("right", "left")}, "nose": 0.6}


@dataclass(frozen=True)
class PreviewSettings:
    """How the portrait gives way. Lengths are in units of the distance between the eyes.

    adapt_scale: fit the motion to the portrait's size. grid: cells along a side on which motion is computed. steps: of
    its integration. eye_share: how much of an eye keypoint's vertical stretch is the eye's own (the rest is its
    surroundings', see face.keypoints). lid_limits: smallest and largest opening, as a share of the portrait's.
    own_limits: the largest stretch and turn (rad) of a keypoint against the head. head_radius: (across, up, down) from
    the point between the eyes within which the head moves as one; head_fade: how many times that until nothing moves.
    edge: how far from the picture's edge (in [-1,1]) motion across it begins to fade. head_stiffness: see
    polyaffine.affine_fit. head_limits: the share of the head's shear that is kept, and its largest stretch.
    head_share: how much each keypoint says about the head. reach: the standard deviation of each keypoint's
    Gaussian. rest: the weight against which they must prevail.
    """

    adapt_scale: bool = True
    grid: int = 128
    steps: int = 4
    eye_share: float = 0.35
    lid_limits: tuple[float, float] = (0.14, 1.35)
    own_limits: tuple[float, float] = (2.0, 0.7)
    head_radius: tuple[float, float, float] = (1.35, 1.6, 2.0)
    head_fade: float = 1.9
    head_stiffness: float = 0.05
    head_limits: tuple[float, float] = (0.25, 1.35)
    edge: float = 0.12
    head_share: Mapping[str, float] = field(default_factory=_head_share)
    reach: Mapping[str, float] = field(default_factory=_reach)
    rest: float = 0.25


@dataclass(frozen=True)
class Pose:
    """One frame's motion: head (2,3) takes the moved face back to the portrait's; own (10,2,3): the logarithms of what
    each keypoint does beyond it, around centers (10,2), in the portrait's frame.
    """

    head: Array
    own: Array
    centers: Array


class PortraitWarp:
    """One portrait, ready to be moved.

    portrait: (S,S,3) uint8 RGB; its keypoints in [-1,1] of it (-1 and +1 its edges); initial: the driving keypoints
    that correspond to the portrait as it is.
    """

    def __init__(
        self, portrait: Image, source: Keypoints, initial: Keypoints, settings: PreviewSettings | None = None
    ) -> None:
        self.portrait = portrait
        self.source = source
        self.settings = settings or PreviewSettings()
        self._source = source.value.astype(np.float64)
        self._initial = initial
        self._scale = hull_scale(source.value, initial.value) if self.settings.adapt_scale else 1.0
        self._middle = self._source[list(_EYES)].mean(0)
        across = self._source[_EYES[1]] - self._source[_EYES[0]]
        self._unit = max(float(np.hypot(*across)), 1e-3)
        self._axes = np.array([across, [-across[1], across[0]]]) / self._unit  # rows: to the face's left, and down
        self._reach = np.array([self.settings.reach[name] for name in KEYPOINTS]) * self._unit
        far = np.hypot(*(self._source - self._middle).T)
        self._own_radius = float((far + _REACHES * self._reach).max())
        chin = float((self._source[_INDEX["chin"]] - self._middle) @ self._axes[1]) / self._unit
        *sides, down = self.settings.head_radius
        self._radius = (*sides, max(down, _CHIN_INSIDE * chin))
        self._seam = find_seam(portrait, self._source[list(_CORNERS)], self._source[list(_LIPS)])
        self._grid = _cell_centres(self.settings.grid).astype(np.float32)  # half the time of double, and exact enough

    def frame(self, driving: Keypoints) -> Image:
        """The portrait (S,S,3) uint8 in the pose of `driving`."""
        pose = self.pose(driving)
        by_head = self._by_head(pose)
        whole = self._by_own(by_head, pose.own, pose.centers)
        image = self._looked_up(whole)
        return self._with_mouth(image, by_head, whole, pose)

    def lookup(self, driving: Keypoints) -> Array:
        """(grid,grid,2) in [-1,1]: where each cell of the result lies in the portrait, the lips as one sheet."""
        pose = self.pose(driving)
        return self._by_own(self._by_head(pose), pose.own, pose.centers)

    def normalised(self, driving: Keypoints) -> Keypoints:
        """The driving keypoints made to fit the portrait (see motion.transferred)."""
        return transferred(self.source, driving, self._initial, MotionSettings(adapt_scale=self.settings.adapt_scale))

    def pose(self, driving: Keypoints) -> Pose:
        """The motion from the portrait to the pose of `driving`, relative to the initial driving keypoints."""
        target = (driving.value.astype(np.float64) - self._initial.value) * self._scale + self._source
        share = np.array([self.settings.head_share.get(name, 0.0) for name in KEYPOINTS])
        head = self._head(target, share / share.sum())
        anchors = applied(head, target)
        relative = self._initial.jacobian.astype(np.float64) @ inverse_2x2(driving.jacobian.astype(np.float64))
        backward = relative @ np.linalg.inv(head[:, :2])
        limits = self.settings.own_limits
        linear = [self._lid(map_) if k in _EYES else tamed(map_, *limits) for k, map_ in enumerate(backward)]
        own = [np.column_stack([a, s - a @ d]) for a, s, d in zip(linear, self._source, anchors, strict=True)]
        centers = (self._source + anchors) / 2
        return Pose(head, logarithms(np.stack(own)).astype(np.float32), centers.astype(np.float32))

    def _head(self, target: Array, share: Array) -> Array:
        """(2,3) the head's own motion back to the portrait, about the middle of the keypoints.

        A turned head is narrower and a rolled one is turned in the picture, but neither is sheared: what looks like
        shear comes from the nose's and the brows' depth, and would lean hair and ears that lie farther back.
        """
        head = affine_fit(target, self._source, share, self.settings.head_stiffness)
        linear = np.linalg.inv(head[:, :2])  # forward, so that the axes are the portrait's face's own
        linear = np.linalg.inv(unsheared(linear, self._axes, *self.settings.head_limits))
        return np.column_stack([linear, share @ self._source - linear @ (share @ target)])

    def _lid(self, backward: Array) -> Array:
        """The eye's map reduced to its vertical stretch, undiluted: lids close as far as the actor's do."""
        forward = np.linalg.inv(self._axes @ backward @ self._axes.T)
        opening = np.clip(1 - (1 - forward[1, 1]) / self.settings.eye_share, *self.settings.lid_limits)
        return self._axes.T @ np.diag([1.0, 1 / opening]) @ self._axes

    def _by_head(self, pose: Pose) -> Array:
        log = logarithms(pose.head).astype(np.float32)
        return carried(self._grid, lambda z: self._on_head(z) * applied(log, z), self.settings.steps)

    def _on_head(self, points: Array) -> Array:
        """(...,2) how far points follow the head along x and y: 1 on it, falling smoothly to 0 around it; at the
        picture's edge they only follow along it, so that nothing from outside comes in.
        """
        x, y = np.moveaxis((points - self._middle) @ self._axes.T / self._unit, -1, 0)
        across, up, down = self._radius
        distance = np.hypot(x / across, y / np.where(y < 0, up, down))
        follows = _smooth((self.settings.head_fade - distance) / (self.settings.head_fade - 1))
        return _smooth((1 - np.abs(points)) / self.settings.edge) * follows[..., None]

    def _by_own(self, points: Array, own: Array, centers: Array) -> Array:
        near = ((points - self._middle) ** 2).sum(-1) < self._own_radius**2
        result = points.copy()
        result[near] = carried(points[near], lambda z: self._blend(z, own, centers), self.settings.steps)
        return result

    def _blend(self, points: Array, own: Array, centers: Array) -> Array:
        squared = (points[:, :1] - centers[:, 0]) ** 2 + (points[:, 1:] - centers[:, 1]) ** 2
        weights = np.exp(squared * (-0.5 / self._reach**2).astype(np.float32))
        total = weights.sum(-1, keepdims=True) + self.settings.rest
        mixed = (weights / total) @ own.reshape(len(own), 6)  # the averaged logarithm, row by row
        x, y = points[:, 0], points[:, 1]
        moves = (mixed[:, row] * x + mixed[:, row + 1] * y + mixed[:, row + 2] for row in (0, 3))
        return np.stack(list(moves), -1)

    def _with_mouth(self, image: Image, by_head: Array, whole: Array, pose: Pose) -> Image:
        """`image` with the lips as two sheets, each moved by its own keypoint, and the mouth's inside between them."""
        along, depth = self._seam.coordinates(whole)
        zone = _smooth((1.15 - np.abs(along)) / 0.3) * _smooth((1.6 - np.abs(depth)) / 0.8)
        box = _pixels(zone > 0, image.shape[:2])
        half_mouth_px = float(np.hypot(*self._seam.across)) * image.shape[1] / 2
        looks, depths = [], []
        for kept, lost in (_LIPS, _LIPS[::-1]):
            sheet = self._sheet(by_head, whole, zone, _alone(pose, kept, lost))
            looks.append(self._looked_up(sheet, box))
            depths.append(_finer(self._seam.coordinates(sheet)[1], image.shape[:2])[box] * half_mouth_px)
        mouth = parted(looks[0], looks[1], -depths[0], depths[1])
        result = image.copy()
        result[box] = np.where(_finer(zone, image.shape[:2])[box][..., None] > _ZONE_EDGE, mouth, image[box])
        return result

    def _sheet(self, by_head: Array, whole: Array, zone: Array, pose: Pose) -> Array:
        """`whole` with the cells of `zone` moved as `pose` says instead, as far as the zone's weight goes."""
        cells = zone > 0
        moved = carried(by_head[cells], lambda z: self._blend(z, pose.own, pose.centers), self.settings.steps)
        sheet = whole.copy()
        sheet[cells] += zone[cells][:, None] * (moved - whole[cells])
        return sheet

    def _looked_up(self, lookup: Array, box: tuple[slice, slice] = (slice(None), slice(None))) -> Image:
        """The portrait at the points that `lookup` (grid,grid,2) says, refined to its resolution; only the pixels in
        `box`. Reflected outside.
        """
        height, width = self.portrait.shape[:2]
        fine = _finer(lookup - self._grid, (height, width))[box]
        columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        x, y = columns[box] + fine[..., 0] * (width / 2), rows[box] + fine[..., 1] * (height / 2)
        return np.asarray(cv2.remap(self.portrait, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT), np.uint8)


def _alone(pose: Pose, kept: int, lost: int) -> Pose:
    """`pose` with one keypoint's own motion taken by another."""
    own = pose.own.copy()
    own[lost] = own[kept]
    return Pose(pose.head, own, pose.centers)


def _pixels(cells: Array, size: tuple[int, ...]) -> tuple[slice, slice]:
    """The rows and columns of pixels that the `cells` (grid,grid) which are set lie in, with a cell's margin."""
    bounds: list[slice] = []
    for axis, pixels in ((1, size[0]), (0, size[1])):
        used = np.flatnonzero(cells.any(axis))
        first, last = (used[0] - 1, used[-1] + 2) if used.size else (0, 0)
        per_cell = pixels / cells.shape[0]
        bounds.append(slice(max(0, int(first * per_cell)), min(pixels, int(np.ceil(last * per_cell)))))
    return bounds[0], bounds[1]


def _cell_centres(side: int) -> Array:
    line = (np.arange(side) + 0.5) / side * 2 - 1
    return np.stack(np.meshgrid(line, line), -1)


def _finer(field_: Array, size: tuple[int, ...]) -> Array:
    return cv2.resize(field_.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_CUBIC)


def _smooth(share: Array) -> Array:
    """Smoothstep: 0 below 0, 1 above 1."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)
