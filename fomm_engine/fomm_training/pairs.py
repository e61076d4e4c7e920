# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of frame pairs in an order that follows from the seed alone, so that a training can go on anywhere in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fomm_engine.fomm_training.augment import augmented
from fomm_engine.fomm_training.clips import ClipReader
from fomm_engine.model.training_settings import AugmentSettings


@dataclass(frozen=True)
class PairPlan:
    """What to draw pairs from: entries are lists of clips, one of which is drawn each time the entry's turn comes."""

    entries: tuple[tuple[Path, ...], ...]
    size: int
    batch: int
    repeats: int
    seed: int
    augment: AugmentSettings

    @property
    def batches_per_epoch(self) -> int:
        """Whole batches of an epoch; the rest is left out, as it would make a batch norm of few pictures."""
        return max(1, len(self.entries) * self.repeats // self.batch)


def entries_of(clips: tuple[Path, ...], *, id_sampling: bool) -> tuple[tuple[Path, ...], ...]:
    """Each clip alone, or with id_sampling all the clips of a name before '#' together ('id01#a.mp4', 'id01#b.mp4')."""
    if not id_sampling:
        return tuple((clip,) for clip in clips)
    groups: dict[str, list[Path]] = {}
    for clip in clips:
        groups.setdefault(clip.name.split("#")[0], []).append(clip)
    return tuple(tuple(group) for _, group in sorted(groups.items()))


def batches(plan: PairPlan, first_step: int, workers: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless (source, driving), each (B,3,S,S) in [0,1], from step `first_step` on."""
    per_epoch = plan.batches_per_epoch
    dataset = _Pairs(plan)
    epoch, skip = divmod(first_step, per_epoch)
    while True:
        order = _order(plan, epoch)[skip * plan.batch : per_epoch * plan.batch]
        keys = [(epoch, place, entry) for place, entry in order]
        groups = [keys[start : start + plan.batch] for start in range(0, len(keys), plan.batch)]
        yield from DataLoader(dataset, batch_sampler=groups, num_workers=workers)
        epoch, skip = epoch + 1, 0


def _order(plan: PairPlan, epoch: int) -> list[tuple[int, int]]:
    """(place, entry) of each pair of an epoch; at least one whole batch."""
    count = len(plan.entries) * plan.repeats
    shuffled = np.random.default_rng([plan.seed, epoch]).permutation(count)
    filled = np.resize(shuffled, max(count, plan.batch))
    return [(place, int(number) % len(plan.entries)) for place, number in enumerate(filled)]


class _Pairs(Dataset[tuple[Tensor, Tensor]]):
    """The pair of a key (epoch, place in it, entry): the same one whenever and by whichever process it is asked for."""

    def __init__(self, plan: PairPlan) -> None:
        self._plan = plan
        self._reader = ClipReader(plan.size)

    def __getitem__(self, key: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        epoch, place, entry = key
        cv2.setNumThreads(1)
        rng = np.random.default_rng([self._plan.seed, epoch, place])
        clips = self._plan.entries[entry]
        clip = clips[int(rng.integers(len(clips)))]
        frames = self._reader.pair(clip, (float(rng.random()), float(rng.random())))
        pair = np.stack(frames).astype(np.float32) / 255
        source, driving = augmented(pair, rng, self._plan.augment)
        return _tensor(source), _tensor(driving)


def _tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).contiguous()
