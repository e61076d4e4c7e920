# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the nets that look closely at eyes and mouth, both in one run."""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fomm_engine.face.nets import LandmarkNet
from fomm_engine.face.region_nets import RegionNet, RegionNets, RegionOutput
from fomm_engine.training.checkpoint import Progress, average_of, follow, load_checkpoint, save_checkpoint
from fomm_engine.training.landmark_training import as_input, learning_rate
from fomm_engine.training.regions.data import RegionBatch, RegionDataSettings, held_out_regions, region_batches
from fomm_engine.training.regions.losses import RegionLossSettings, eye_loss, mouth_loss, peak_loss, region_scores
from fomm_engine.training.regions.misses import Misses, load_misses, measured_misses, save_misses, summary

CHECKPOINT_NAME = "regions.checkpoint.safetensors"
_MISSES_NAME = "misses.npz"
Log = Callable[[str], None]


@dataclass(frozen=True)
class RegionTrainingSettings:
    """A run. `planned_s` is the whole schedule, over all its starts; the rate falls along a cosine to its end."""

    planned_s: float
    workers: int = 1
    peak_rate: float = 2e-3
    warm_up_steps: int = 200
    weight_decay: float = 1e-3
    clip_norm: float = 5.0
    average_decay: float = 0.998
    save_every_s: float = 120.0
    measured: int = 3000  # faces on which the landmark net's misses are measured
    held_out: int = 400
    seed: int = 0
    data: RegionDataSettings = field(default_factory=RegionDataSettings)
    loss: RegionLossSettings = field(default_factory=RegionLossSettings)


def train_regions(data: Path, out: Path, landmarks: LandmarkNet, settings: RegionTrainingSettings, log: Log) -> None:
    """Train until the planned time is used up; goes on from the checkpoint in `out` where there is one.

    `landmarks` is the trained net whose points the patches are cut around; how far it misses is measured once.
    """
    out.mkdir(parents=True, exist_ok=True)
    misses = _misses(data, out, landmarks, settings, log)
    run = _Run(out, settings)
    workers, seed = settings.workers, 1000 * run.progress.starts + settings.seed
    batches = region_batches(data, misses, seed=seed, workers=workers, settings=settings.data)
    held_out = held_out_regions(data, misses, count=settings.held_out, augmented=True)
    before_s = run.progress.elapsed_s
    started_s = saved_s = time.monotonic()
    losses: list[float] = []
    while True:
        batch = next(batches)
        elapsed_s = before_s + time.monotonic() - started_s
        losses.append(run.step(batch, elapsed_s=elapsed_s))
        over = elapsed_s >= settings.planned_s
        if time.monotonic() - saved_s >= settings.save_every_s or over:
            run.save()
            log(_report(run, held_out, float(np.mean(losses)), batch.available))
            losses, saved_s = [], time.monotonic()
        if over:
            return


def outputs_of(nets: RegionNets, batch: RegionBatch) -> tuple[RegionOutput, RegionOutput]:
    """What nets in eval mode say of every eye and mouth of a batch."""
    return _outputs(nets.eye, batch.eyes), _outputs(nets.mouth, batch.mouths)


def evaluate(nets: RegionNets, batch: RegionBatch) -> dict[str, float]:
    """Scores of nets in eval mode on a batch."""
    eye, mouth = outputs_of(nets, batch)
    return region_scores(eye, batch.eye_points, mouth, batch.mouth_points)


def _outputs(net: RegionNet, pictures: Tensor) -> RegionOutput:
    with torch.inference_mode():
        outputs = [net(as_input(part)) for part in pictures.split(100)]
    return RegionOutput(*(torch.cat(part) for part in zip(*outputs, strict=True)))


def _misses(data: Path, out: Path, net: LandmarkNet, settings: RegionTrainingSettings, log: Log) -> Misses:
    path = out / _MISSES_NAME
    if not path.exists():
        misses = measured_misses(data, net, count=settings.measured, seed=settings.seed)
        save_misses(misses, path)
        log(json.dumps({"misses": summary(misses)}))
    return load_misses(path)


class _Run:
    """The moving parts of one start of a run."""

    def __init__(self, out: Path, settings: RegionTrainingSettings) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.path = out / CHECKPOINT_NAME
        self.nets = RegionNets().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        decay = settings.weight_decay
        self.optimizer = torch.optim.AdamW(self.nets.parameters(), settings.peak_rate, weight_decay=decay, fused=True)
        self.average = average_of(self.nets)
        self.progress = Progress()
        if self.path.exists():
            self.average, self.progress = load_checkpoint(self.path, self.nets, self.optimizer)
        self.progress = dataclasses.replace(self.progress, starts=self.progress.starts + 1)

    def step(self, batch: RegionBatch, *, elapsed_s: float) -> float:
        """One step of the optimiser; its loss."""
        settings, progress = self.settings, self.progress
        rate = learning_rate(settings.peak_rate, progress.steps, settings.warm_up_steps, elapsed_s / settings.planned_s)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self._loss(batch)
        self.optimizer.zero_grad()
        loss.backward()
        for net in (self.nets.eye, self.nets.mouth):  # each by itself: one's bad batch is not the other's
            torch.nn.utils.clip_grad_norm_(net.parameters(), settings.clip_norm)
        self.optimizer.step()
        follow(self.average, self.nets, min(settings.average_decay, progress.steps / (progress.steps + 20)))
        samples = progress.samples + len(batch.mouths)
        self.progress = dataclasses.replace(progress, steps=progress.steps + 1, samples=samples, elapsed_s=elapsed_s)
        return float(loss.detach())

    def _loss(self, batch: RegionBatch) -> Tensor:
        settings = self.settings.loss
        with torch.autocast("cpu", torch.bfloat16):
            maps = self.nets.eye.maps_of(as_input(batch.eyes)), self.nets.mouth.maps_of(as_input(batch.mouths))
        eye, mouth = (RegionNet.decode(*each) for each in maps)
        peaks = peak_loss(maps[0][0], settings) + peak_loss(maps[1][0], settings)
        return eye_loss(eye, batch.eye_points, settings) + mouth_loss(mouth, batch.mouth_points, settings) + peaks

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(self.path, self.nets, self.average, self.optimizer, self.progress)

    def averaged_nets(self) -> RegionNets:
        """Nets with the averaged weights, in eval mode."""
        nets = RegionNets().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        nets.load_state_dict(self.average)
        return nets.eval()


def _report(run: _Run, held_out: RegionBatch, loss: float, available: int) -> str:
    """One line of JSON for the log."""
    scores = {name: round(value, 3) for name, value in evaluate(run.averaged_nets(), held_out).items()}
    return json.dumps({"loss": round(loss, 4), "frames": available, **dataclasses.asdict(run.progress), **scores})
