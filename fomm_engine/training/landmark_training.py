# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the landmark net."""

import dataclasses
import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fomm_engine.face.nets import LandmarkNet, LandmarkOutput
from fomm_engine.training.checkpoint import Progress, average_of, follow, load_checkpoint, save_checkpoint
from fomm_engine.training.landmark_data import Batch, held_out_batch, training_batches
from fomm_engine.training.landmark_losses import LossSettings, landmark_loss, landmark_scores, peak_loss
from fomm_engine.training.peers import Peers, run_with_peers

CHECKPOINT_NAME = "landmarks.checkpoint.safetensors"
Log = Callable[[str], None]


@dataclass(frozen=True)
class LandmarkTrainingSettings:
    """A run. `planned_s` is the whole schedule, over all its starts; the rate falls along a cosine to its end."""

    planned_s: float
    batch: int = 24
    workers: int = 1
    processes: int = 1
    peak_rate: float = 2e-3
    warm_up_steps: int = 100
    weight_decay: float = 1e-3
    clip_norm: float = 5.0
    average_decay: float = 0.999
    save_every_s: float = 150.0
    held_out: int = 400
    seed: int = 0
    loss: LossSettings = field(default_factory=LossSettings)


def train_landmarks(data: Path, out: Path, settings: LandmarkTrainingSettings, log: Log) -> None:
    """Train until the planned time is used up; goes on from the checkpoint in `out` where there is one."""
    out.mkdir(parents=True, exist_ok=True)
    run_with_peers(functools.partial(_train, data, out, settings, log), settings.processes, out)


def evaluate(net: LandmarkNet, batch: Batch) -> dict[str, float]:
    """Scores of a net in eval mode on a batch."""
    return landmark_scores(outputs_of(net, batch), batch.points, batch.rotation)


def outputs_of(net: LandmarkNet, batch: Batch) -> LandmarkOutput:
    """What a net in eval mode says of every picture of a batch."""
    with torch.inference_mode():
        outputs = [net(as_input(part)) for part in batch.picture.split(50)]
    return LandmarkOutput(*(torch.cat(part) for part in zip(*outputs, strict=True)))


def as_input(picture: Tensor) -> Tensor:
    """A batch (B, H, W, 3) of uint8 as the nets take it: (B, 3, H, W) in [-1, 1]."""
    scaled = picture.permute(0, 3, 1, 2).float().div(127.5).sub(1)
    return scaled.contiguous(memory_format=torch.channels_last)


def learning_rate(peak: float, step: int, warm_up: int, share_done: float) -> float:
    """The rate of a step: a linear warm-up, then half a cosine down to a hundredth of the peak."""
    cosine = 0.5 * (1 + np.cos(np.pi * min(1.0, share_done)))
    return float(peak * min(1.0, (step + 1) / warm_up) * (cosine + 0.01))


class _Run:
    """The moving parts of one start of a run."""

    def __init__(self, out: Path, settings: LandmarkTrainingSettings, peers: Peers) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.peers = peers
        self.path = out / CHECKPOINT_NAME
        self.net = LandmarkNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.logits = torch.empty(0)
        self.net.heatmaps.register_forward_hook(self._keep_logits)
        decay = settings.weight_decay
        self.optimizer = torch.optim.AdamW(self.net.parameters(), settings.peak_rate, weight_decay=decay, fused=True)
        self.average = average_of(self.net)
        self.progress = Progress()
        if self.path.exists():
            self.average, self.progress = load_checkpoint(self.path, self.net, self.optimizer)
        self.progress = dataclasses.replace(self.progress, starts=self.progress.starts + 1)

    def step(self, batch: Batch, *, elapsed_s: float) -> tuple[float, bool]:
        """One step of the optimiser; its loss, and whether the planned time is over."""
        settings, progress = self.settings, self.progress
        rate = learning_rate(settings.peak_rate, progress.steps, settings.warm_up_steps, elapsed_s / settings.planned_s)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            output = self.net(as_input(batch.picture))
        loss = landmark_loss(output, batch.points, batch.rotation, settings.loss)
        loss = loss + peak_loss(self.logits, settings.loss)
        self.optimizer.zero_grad()
        loss.backward()
        over = self.peers.average_gradients(self.net, stop=elapsed_s >= settings.planned_s)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), settings.clip_norm)
        self.optimizer.step()
        follow(self.average, self.net, min(settings.average_decay, progress.steps / (progress.steps + 20)))
        samples = progress.samples + len(batch.picture) * self.peers.count
        self.progress = dataclasses.replace(progress, steps=progress.steps + 1, samples=samples, elapsed_s=elapsed_s)
        return float(loss.detach()), over

    def _keep_logits(self, _: torch.nn.Module, __: tuple[Tensor, ...], logits: Tensor) -> None:
        self.logits = logits

    def save(self) -> None:
        """Write the checkpoint (the leading process only)."""
        if self.peers.leads:
            save_checkpoint(self.path, self.net, self.average, self.optimizer, self.progress)

    def averaged_net(self) -> LandmarkNet:
        """A net with the averaged weights, in eval mode."""
        net = LandmarkNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        net.load_state_dict(self.average)
        return net.eval()


def _train(data: Path, out: Path, settings: LandmarkTrainingSettings, log: Log, peers: Peers) -> None:
    run = _Run(out, settings, peers)
    seed = 1000 * run.progress.starts + peers.rank
    batches = training_batches(data, batch=settings.batch, seed=seed, workers=settings.workers)
    held_out = held_out_batch(data, count=settings.held_out, augmented=True) if peers.leads else None
    before_s = run.progress.elapsed_s
    started_s = saved_s = time.monotonic()
    losses: list[float] = []
    over = False
    while not over:
        batch = next(batches)
        loss, over = run.step(batch, elapsed_s=before_s + time.monotonic() - started_s)
        losses.append(loss)
        if time.monotonic() - saved_s < settings.save_every_s and not over:
            continue
        run.save()
        if held_out is not None:
            log(_report(run, held_out, float(np.mean(losses)), batch.available))
        losses, saved_s = [], time.monotonic()


def _report(run: _Run, held_out: Batch, loss: float, available: int) -> str:
    """One line of JSON for the log."""
    scores = {name: round(value, 3) for name, value in evaluate(run.averaged_net(), held_out).items()}
    known = {"loss": round(loss, 4), "frames": available, **dataclasses.asdict(run.progress)}
    return json.dumps({**known, **scores})
