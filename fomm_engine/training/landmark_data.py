# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches for the landmark net, made in worker processes, and its fixed held-out set."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from fomm_engine.face.nets import LANDMARK_INPUT_SIZE
from fomm_engine.training.augment import Backgrounds, CropSettings, PhotoSettings, cut, photograph, sample_crop
from fomm_engine.training.backgrounds import background_pool
from fomm_engine.training.dataset import FaceSet, Labels

_REFRESH_S = 45.0
_POOL_NAME = "backgrounds.npy"
_POOL_SIZE = (600, 160)

Chances = Callable[[Labels], NDArray[np.float64]]

STILL_CROP = CropSettings(shift=0.0, log_scale=0.0, turn_deg=0.0, mirror=0.0)
CLEAN_PHOTO = PhotoSettings(tone=0, grey=0, occluder=0, blur=0, shrink=0, motion=0, sharpen=0, noise=0, dim=0, jpeg=0)


class Faces(Protocol):
    """Stored pictures with labels, wherever they lie."""

    @property
    def labels(self) -> Labels:
        """The truth of every frame."""
        ...

    def picture(self, index: int) -> NDArray[np.uint8]:
        """RGBA (size, size, 4) of one frame."""
        ...


class Batch(NamedTuple):
    """`picture` (B, S, S, 3) uint8, `points` (B, 70, 2) in [-1, 1], `rotation` (B, 3, 3), `available` frames so far."""

    picture: Tensor
    points: Tensor
    rotation: Tensor
    available: int


@dataclass(frozen=True)
class LandmarkDataSettings:
    """What a training picture of a landmark net is."""

    size: int = LANDMARK_INPUT_SIZE
    crop: CropSettings = field(default_factory=CropSettings)
    photo: PhotoSettings = field(default_factory=PhotoSettings)


def backgrounds(folder: Path) -> Backgrounds:
    """The pool of backgrounds of a data folder, made once."""
    path = folder / _POOL_NAME
    if not path.exists():
        np.save(path, background_pool(np.random.default_rng(7), *_POOL_SIZE))
    return Backgrounds(np.load(path, mmap_mode="r"))


def training_batches(
    folder: Path, *, batch: int, seed: int, workers: int, settings: LandmarkDataSettings | None = None
) -> Iterator[Batch]:
    """Endless batches; `seed` should differ from one start to the next."""
    backgrounds(folder)
    stream = _Stream(folder, batch, seed, settings or LandmarkDataSettings())
    ahead = 6 if workers else None
    return iter(DataLoader(stream, batch_size=None, num_workers=workers, prefetch_factor=ahead))


def held_out_batch(folder: Path, *, count: int, augmented: bool) -> Batch:
    """The same `count` held-out pictures at every call; without `augmented` they are centred, upright and clean."""
    faces = FaceSet(folder, held_out=True)
    chances = LandmarkDataSettings()
    if not augmented:
        chances = LandmarkDataSettings(crop=STILL_CROP, photo=CLEAN_PHOTO)
    rng = np.random.default_rng(0)
    order = np.arange(min(count, len(faces)))
    return batch_of(faces, order, backgrounds(folder), rng, chances)


class _Stream(IterableDataset[Batch]):
    def __init__(self, folder: Path, batch: int, seed: int, settings: LandmarkDataSettings) -> None:
        super().__init__()
        self._folder = folder
        self._batch = batch
        self._seed = seed
        self._settings = settings

    def __iter__(self) -> Iterator[Batch]:
        for drawn in endless_draws(self._folder, self._seed, self._batch):
            yield batch_of(drawn.faces, drawn.order, drawn.pool, drawn.rng, self._settings)


class Draw(NamedTuple):
    """Faces to make a batch of (`order` numbers them), backgrounds for them, and the generator of all other chance."""

    faces: FaceSet
    order: NDArray[np.int64]
    pool: Backgrounds
    rng: Generator


def endless_draws(folder: Path, seed: int, count: int, chances: Chances | None = None) -> Iterator[Draw]:
    """Endlessly `count` training faces, other ones in each worker process; faces that come meanwhile are taken up.

    `chances` says how often each face is drawn, (N,) in any unit; without it all are drawn alike.
    """
    cv2.setNumThreads(0)
    worker = get_worker_info()
    rng = np.random.default_rng([seed, worker.id if worker else 0])
    faces = FaceSet(folder, held_out=False)
    pool = backgrounds(folder)
    refreshed_s, bounds = time.monotonic(), _bounds(faces.labels, chances)
    while True:
        if time.monotonic() - refreshed_s > _REFRESH_S:
            faces.refresh()
            refreshed_s, bounds = time.monotonic(), _bounds(faces.labels, chances)
        yield Draw(faces, np.searchsorted(bounds, rng.random(count), side="right"), pool, rng)


def _bounds(labels: Labels, chances: Chances | None) -> NDArray[np.float64]:
    """(N - 1,) where in 0..1 the next face's share begins."""
    shares = chances(labels) if chances else np.ones(len(labels.person))
    return np.cumsum(shares)[:-1] / shares.sum()


def batch_of(
    faces: Faces, order: NDArray[np.int64], pool: Backgrounds, rng: Generator, settings: LandmarkDataSettings
) -> Batch:
    """Training pictures of the faces that `order` numbers, crops, backgrounds and photography drawn from `rng`."""
    pictures, points, rotations = [], [], []
    for index in order:
        stored = faces.labels.points_px[index].astype(np.float64)
        crop = sample_crop(stored, rng, settings.crop)
        background = pool.sample(rng, settings.size)
        sample = cut(faces.picture(index), stored, faces.labels.rotation[index], crop, background)
        pictures.append(photograph(sample.picture, rng, settings.photo))
        points.append(sample.points_px / settings.size * 2 - 1)
        rotations.append(sample.rotation)
    return Batch(
        torch.from_numpy(np.stack(pictures)),
        torch.from_numpy(np.stack(points).astype(np.float32)),
        torch.from_numpy(np.stack(rotations).astype(np.float32)),
        len(faces.labels.person),
    )
