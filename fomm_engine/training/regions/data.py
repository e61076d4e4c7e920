# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of patches for the region nets, made in worker processes, and their fixed held-out set."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from fomm_engine.face.crop import SquareCrop
from fomm_engine.face.regions import (
    EYE_PATCH_PX,
    EYE_POINTS,
    LEFT_EYE_POINTS,
    MOUTH_PATCH_PX,
    MOUTH_POINTS,
    patch_crops,
)
from fomm_engine.training.augment import Backgrounds, PhotoSettings, over, photograph
from fomm_engine.training.dataset import FaceSet, Labels
from fomm_engine.training.landmark_data import CLEAN_PHOTO, Faces, backgrounds, endless_draws
from fomm_engine.training.regions.misses import Misses
from fomm_engine.wire.names import ARKIT_INDEX, MIRRORED_POINTS

_MIRRORED_MOUTH = [MOUTH_POINTS.index(MIRRORED_POINTS[point]) for point in MOUTH_POINTS]
_BLINKS = [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]
_DOWN = 0.45
_Patch = tuple[NDArray[np.uint8], NDArray[np.float64]]


class RegionBatch(NamedTuple):
    """Patches (B, S, S, 3) uint8 and points (B, N, 2) in [-1, 1] of them, of eyes and of mouths, and the frames so
    far."""

    eyes: Tensor
    eye_points: Tensor
    mouths: Tensor
    mouth_points: Tensor
    available: int


@dataclass(frozen=True)
class RegionDataSettings:
    """What a training patch is."""

    mouths: int = 32  # in a batch, which holds both eyes of each face too
    miss_factor: float = 1.15  # real faces are missed by more than synthetic ones
    free_shift: float = 0.03  # a spread beside the measured one: of the side, of the logarithm, in degrees
    free_log_scale: float = 0.08
    free_turn_deg: float = 4.0
    lids_down: float = 0.5  # how often a face with lids nearly half shut or more is drawn, against any other
    photo: PhotoSettings = field(
        default_factory=lambda: PhotoSettings(occluder=0.07, blur=0.25, shrink=0.33, motion=0.06, noise=0.5, uneven=0.5)
    )


STILL = RegionDataSettings(miss_factor=0.0, free_shift=0.0, free_log_scale=0.0, free_turn_deg=0.0, photo=CLEAN_PHOTO)


def region_batches(
    folder: Path, misses: Misses, *, seed: int, workers: int, settings: RegionDataSettings
) -> Iterator[RegionBatch]:
    """Endless batches; `seed` should differ from one start to the next."""
    backgrounds(folder)
    stream = _Stream(folder, misses, seed, settings)
    return iter(DataLoader(stream, batch_size=None, num_workers=workers, prefetch_factor=6 if workers else None))


def held_out_regions(folder: Path, misses: Misses, *, count: int, augmented: bool) -> RegionBatch:
    """The same patches of `count` held-out faces at every call, missed as `misses` says; clean or photographed."""
    settings = RegionDataSettings() if augmented else STILL
    faces = FaceSet(folder, held_out=True)
    order = np.arange(min(count, len(faces)))
    return regions_of(faces, order, backgrounds(folder), np.random.default_rng(0), misses, settings)


class _Stream(IterableDataset[RegionBatch]):
    def __init__(self, folder: Path, misses: Misses, seed: int, settings: RegionDataSettings) -> None:
        super().__init__()
        self._folder = folder
        self._misses = misses
        self._seed = seed
        self._settings = settings

    def __iter__(self) -> Iterator[RegionBatch]:
        draws = endless_draws(self._folder, self._seed, self._settings.mouths, self._chances)
        for drawn in draws:
            yield regions_of(drawn.faces, drawn.order, drawn.pool, drawn.rng, self._misses, self._settings)

    def _chances(self, labels: Labels) -> NDArray[np.float64]:
        return lids_chances(labels, self._settings.lids_down)


def lids_chances(labels: Labels, lids_down: float) -> NDArray[np.float64]:
    """(N,) how often each face is drawn: `lids_down` where a lid is nearly half shut or more, else 1.

    A set made to teach blinks shows more shut eyes than films do, and nets that see them all expect shut eyes.
    """
    down = (labels.arkit[:, _BLINKS] > _DOWN).any(1)
    return np.where(down, lids_down, 1.0)


def regions_of(
    faces: Faces,
    order: NDArray[np.int64],
    pool: Backgrounds,
    rng: Generator,
    misses: Misses,
    settings: RegionDataSettings,
) -> RegionBatch:
    """Both eyes and the mouth of the faces that `order` numbers; misses and photography drawn from `rng`."""
    eyes: list[_Patch] = []
    mouths: list[_Patch] = []
    for index in order:
        picture, points = faces.picture(index), faces.labels.points_px[index].astype(np.float64)
        right = patch_crops(points, faces.labels.rotation[index])
        patcher = _Patcher(picture, points, pool, rng, settings)
        eyes.append(patcher.patch(_missed(right.eye_right, "eye", rng, misses, settings), EYE_POINTS, EYE_PATCH_PX))
        left = _missed(right.eye_left, "eye", rng, misses, settings)
        eyes.append(_mirrored(*patcher.patch(left, LEFT_EYE_POINTS, EYE_PATCH_PX)))
        mouth = patcher.patch(_missed(right.mouth, "mouth", rng, misses, settings), MOUTH_POINTS, MOUTH_PATCH_PX)
        turned = settings.miss_factor > 0 and rng.random() < 0.5
        mouths.append(_mirrored_mouth(*mouth) if turned else mouth)
    return RegionBatch(*_stacked(eyes), *_stacked(mouths), len(faces.labels.person))


@dataclass(frozen=True)
class _Patcher:
    """Cuts patches of one stored picture (RGBA) and lays them over backgrounds."""

    picture: NDArray[np.uint8]
    points_px: NDArray[np.float64]
    pool: Backgrounds
    rng: Generator
    settings: RegionDataSettings

    def patch(self, crop: SquareCrop, ids: tuple[int, ...], size: int) -> _Patch:
        """The photographed patch (size, size, 3) and its points (N, 2) in [-1, 1]."""
        cut = over(crop.cut(self.picture, size), self.pool.sample(self.rng, size))
        photo = photograph(cut, self.rng, self.settings.photo)
        return photo, crop.from_picture(self.points_px[list(ids)])


def _missed(crop: SquareCrop, kind: str, rng: Generator, misses: Misses, settings: RegionDataSettings) -> SquareCrop:
    """The patch as a tracker would cut it."""
    crop = misses.draw(kind, crop, rng, factor=settings.miss_factor)
    x, y = np.asarray(crop.center_px) + rng.normal(0, 1, 2) * settings.free_shift * crop.side_px
    side = crop.side_px * float(np.exp(rng.normal(0, 1) * settings.free_log_scale))
    turn = np.radians(rng.normal(0, 1) * settings.free_turn_deg)
    return SquareCrop((float(x), float(y)), side, crop.roll_rad + float(turn))


def _mirrored(picture: NDArray[np.uint8], points: NDArray[np.float64]) -> _Patch:
    return picture[:, ::-1], points * (-1, 1)


def _mirrored_mouth(picture: NDArray[np.uint8], points: NDArray[np.float64]) -> _Patch:
    """A mouth and its mirror image are both mouths."""
    return _mirrored(picture, points[_MIRRORED_MOUTH])


def _stacked(patches: list[_Patch]) -> tuple[Tensor, Tensor]:
    pictures, points = zip(*patches, strict=True)
    return torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(points).astype(np.float32))
