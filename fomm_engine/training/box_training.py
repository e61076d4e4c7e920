# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the face box net: far and near faces over backgrounds, second faces, and pictures without any."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from fomm_engine.face.nets import BOX_INPUT_SIZE, BoxNet, BoxOutput
from fomm_engine.training.augment import Backgrounds, Crop, PhotoSettings, cut, face_box, photograph
from fomm_engine.training.checkpoint import Progress, average_of, follow, load_checkpoint, save_checkpoint
from fomm_engine.training.dataset import FaceSet
from fomm_engine.training.landmark_data import backgrounds
from fomm_engine.training.landmark_training import as_input, learning_rate

CHECKPOINT_NAME = "box.checkpoint.safetensors"
Picture = np.ndarray


@dataclass(frozen=True)
class BoxDataSettings:
    """Frames: the face's share of the side (drawn evenly in its logarithm) and how often there is none or a second."""

    size: int = BOX_INPUT_SIZE
    share: tuple[float, float] = (0.1, 0.9)
    reach: float = 0.9  # how near the face may come to the border, 1 = its box touches it
    cut_off: float = 0.08  # share of frames where it may go beyond
    turn_deg: float = 6.0
    none: float = 0.15
    second: float = 0.25
    letterbox: float = 0.4
    photo: PhotoSettings = field(default_factory=PhotoSettings)


@dataclass(frozen=True)
class BoxTrainingSettings:
    """A run of the box net."""

    planned_s: float
    batch: int = 48
    peak_rate: float = 3e-3
    warm_up_steps: int = 40
    average_decay: float = 0.995
    save_every_s: float = 60.0
    workers: int = 1
    held_out: int = 600
    seed: int = 0
    data: BoxDataSettings = field(default_factory=BoxDataSettings)


class BoxBatch(NamedTuple):
    """`picture` (B, S, S, 3) uint8, `center` (B, 2) in [-1, 1], `log_size` (B,), `present` (B,) 0 or 1."""

    picture: Tensor
    center: Tensor
    log_size: Tensor
    present: Tensor


def train_box(data: Path, out: Path, settings: BoxTrainingSettings, log: Callable[[str], None]) -> None:
    """Train until the planned time is used up; goes on from the checkpoint in `out` where there is one."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    net = BoxNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(net.parameters(), settings.peak_rate, fused=True)
    path = out / CHECKPOINT_NAME
    average, progress = average_of(net), Progress()
    if path.exists():
        average, progress = load_checkpoint(path, net, optimizer)
    progress = Progress(progress.steps, progress.samples, progress.elapsed_s, progress.starts + 1)
    batches = _training_batches(data, settings, seed=progress.starts)
    held_out = held_out_boxes(data, settings)
    before_s, started_s = progress.elapsed_s, time.monotonic()
    saved_s = started_s
    while progress.elapsed_s < settings.planned_s:
        elapsed_s = before_s + time.monotonic() - started_s
        _step(net, optimizer, next(batches), settings, progress=progress)
        follow(average, net, min(settings.average_decay, progress.steps / (progress.steps + 20)))
        progress = Progress(progress.steps + 1, progress.samples + settings.batch, elapsed_s, progress.starts)
        if time.monotonic() - saved_s > settings.save_every_s or elapsed_s >= settings.planned_s:
            save_checkpoint(path, net, average, optimizer, progress)
            log(json.dumps({"steps": progress.steps, "elapsed_s": round(elapsed_s), **_scores(average, held_out)}))
            saved_s = time.monotonic()


def box_loss(logits: Tensor, log_size: Tensor, presence: Tensor, batch: BoxBatch) -> Tensor:
    """Cross entropy of the centre's cell (shared among its four neighbours in proportion), size there, presence."""
    target = _cells(batch.center, logits.shape[-1])
    entropy = -(target * functional.log_softmax(logits.flatten(1), -1)).sum(1)
    near = (target > 0).float() * (0.25 + target)
    size_error = (near * (log_size.flatten(1) - batch.log_size[:, None]).abs()).sum(1) / near.sum(1)
    there = functional.binary_cross_entropy_with_logits(presence, batch.present)
    return ((entropy + 3 * size_error) * batch.present).mean() + 0.7 * there


def box_scores(output: BoxOutput, batch: BoxBatch) -> dict[str, float]:
    """Centre error in shares of the box's side, size error, failures (centre off by over a quarter of the side or size
    by over 1.5 times) and wrong presence (at logit 0), each in percent."""
    here = batch.present > 0
    side = torch.exp(batch.log_size) * 2
    error = ((output.center - batch.center).norm(dim=1) / side)[here]
    size_error = (output.log_size - batch.log_size).abs()[here]
    failed = (error > 0.25) | (size_error > float(np.log(1.5)))
    wrong = ((output.presence_logit > 0) != here).float()
    scores = {
        "center": error.median(),
        "size": size_error.median(),
        "failed": failed.float().mean(),
        "wrong": wrong.mean(),
    }
    return {f"{name}_percent": round(100 * float(value), 3) for name, value in scores.items()}


def measure(net: BoxNet, frames: BoxBatch) -> dict[str, float]:
    """`box_scores` of a net in eval mode, and failures by the face's share of the frame's side."""
    with torch.inference_mode():
        output = net(as_input(frames.picture))
    scores = box_scores(output, frames)
    share = torch.exp(frames.log_size)
    for low, high in ((0.0, 0.2), (0.2, 0.35), (0.35, 1.0)):
        rows = (share >= low) & (share < high) & (frames.present > 0)
        part = box_scores(BoxOutput(*(value[rows] for value in output)), BoxBatch(*(value[rows] for value in frames)))
        scores[f"failed_percent_{low}_to_{high}"] = part["failed_percent"]
    return scores


def held_out_boxes(data: Path, settings: BoxTrainingSettings) -> BoxBatch:
    """The same held-out frames at every call."""
    faces = FaceSet(data, held_out=True)
    return _batch(faces, backgrounds(data), np.random.default_rng(0), settings.held_out, settings.data)


def _scores(average: dict[str, Tensor], held_out: BoxBatch) -> dict[str, float]:
    net = BoxNet()
    net.load_state_dict(average)
    return measure(net.eval(), held_out)


def _step(
    net: BoxNet,
    optimizer: torch.optim.Optimizer,
    batch: BoxBatch,
    settings: BoxTrainingSettings,
    *,
    progress: Progress,
) -> None:
    share = progress.elapsed_s / settings.planned_s
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(settings.peak_rate, progress.steps, settings.warm_up_steps, share)
    with torch.autocast("cpu", torch.bfloat16):
        logits, log_size, presence = net.maps_of(as_input(batch.picture))
    loss = box_loss(logits, log_size, presence.float(), batch)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 3.0)
    optimizer.step()


def _cells(center: Tensor, cells: int) -> Tensor:
    """A distribution (B, cells * cells) over cells whose mean is the centre: bilinear shares of the four around it."""
    place = ((center + 1) / 2 * cells - 0.5).clamp(0, cells - 1)
    index = torch.arange(cells)
    across = (1 - (place[:, :1] - index).abs()).clamp_min(0)
    down = (1 - (place[:, 1:] - index).abs()).clamp_min(0)
    return (down[:, :, None] * across[:, None, :]).flatten(1)


class _Stream(IterableDataset[BoxBatch]):
    def __init__(self, data: Path, settings: BoxTrainingSettings, seed: int) -> None:
        super().__init__()
        self._data = data
        self._settings = settings
        self._seed = seed

    def __iter__(self) -> Iterator[BoxBatch]:
        cv2.setNumThreads(0)
        rng = np.random.default_rng([self._seed, 77])
        faces = FaceSet(self._data, held_out=False)
        pool = backgrounds(self._data)
        while True:
            yield _batch(faces, pool, rng, self._settings.batch, self._settings.data)


def _training_batches(data: Path, settings: BoxTrainingSettings, *, seed: int) -> Iterator[BoxBatch]:
    backgrounds(data)
    ahead = 4 if settings.workers else None
    loader = DataLoader(
        _Stream(data, settings, seed), batch_size=None, num_workers=settings.workers, prefetch_factor=ahead
    )
    return iter(loader)


def _batch(faces: FaceSet, pool: Backgrounds, rng: Generator, count: int, settings: BoxDataSettings) -> BoxBatch:
    rows = [_frame(faces, pool, rng, settings) for _ in range(count)]
    pictures, centers, sizes, present = zip(*rows, strict=True)
    return BoxBatch(
        torch.from_numpy(np.stack(pictures)),
        torch.from_numpy(np.stack(centers).astype(np.float32)),
        torch.tensor(sizes, dtype=torch.float32),
        torch.tensor(present, dtype=torch.float32),
    )


def _frame(
    faces: FaceSet, pool: Backgrounds, rng: Generator, settings: BoxDataSettings
) -> tuple[Picture, Picture, float, float]:
    """Picture, centre, log size, presence."""
    picture = pool.sample(rng, settings.size)
    if rng.random() < settings.none:
        return photograph(picture, rng, settings.photo), np.zeros(2), -1.0, 0.0
    share = float(np.exp(rng.uniform(*np.log(settings.share))))
    if rng.random() < settings.second and share < 0.6:
        picture = _place(picture, faces, rng, settings, share=share * rng.uniform(0.3, 0.6))[0]
    picture, points = _place(picture, faces, rng, settings, share=share)
    picture = photograph(picture, rng, settings.photo)
    if rng.random() < settings.letterbox:
        picture, points = _letterbox(picture, points, rng)
    centre, side = face_box(points)
    return picture, centre / settings.size * 2 - 1, float(np.log(side / settings.size)), 1.0


def _place(
    picture: Picture, faces: FaceSet, rng: Generator, settings: BoxDataSettings, *, share: float
) -> tuple[Picture, Picture]:
    """A random face over the picture, its box `share` of the side; the new picture and its points in pixels."""
    index = int(rng.integers(len(faces)))
    stored = faces.labels.points_px[index].astype(np.float64)
    centre, side = face_box(stored)
    reach = 1.15 if rng.random() < settings.cut_off else settings.reach
    offset = rng.uniform(-1, 1, 2) * (1 - share) / 2 * reach * side / share
    crop = Crop(centre + offset, side / share, np.radians(rng.normal(0, settings.turn_deg)), bool(rng.random() < 0.5))
    sample = cut(feathered(faces.picture(index)), stored, faces.labels.rotation[index], crop, picture)
    return sample.picture, sample.points_px


def feathered(rgba: Picture) -> Picture:
    """The stored picture with its lower border faded out, so that shoulders do not end in a line in wide frames."""
    faded = rgba.copy()
    rows = 12
    faded[-rows:, :, 3] = (faded[-rows:, :, 3] * np.linspace(1, 0, rows)[:, None]).astype(np.uint8)
    return faded


def _letterbox(picture: Picture, points: Picture, rng: Generator) -> tuple[Picture, Picture]:
    """The picture with black bars at two sides, as a wide or tall frame comes in; they never cover the face's box."""
    size = picture.shape[0]
    bar = int(size * rng.uniform(0.05, 0.23))
    upright = rng.random() < 0.3
    centre, side = face_box(points)
    low, high = (centre - side / 2)[0 if upright else 1], (centre + side / 2)[0 if upright else 1]
    if low < bar or high > size - bar:
        return picture, points
    masked = picture.copy()
    view = masked.transpose(1, 0, 2) if upright else masked
    view[:bar] = 0
    view[size - bar :] = 0
    return masked, points
