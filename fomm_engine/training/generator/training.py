# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the generator on pairs of frames of one person; goes on where it stopped."""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator as Rng
from torch import Tensor

from fomm_engine.face.weights import load_landmark_net
from fomm_engine.model.config import named_config
from fomm_engine.model.generator import Generator
from fomm_engine.model.keypoints import KeypointTensors
from fomm_engine.training.checkpoint import Progress, average_of, follow, load_checkpoint, save_checkpoint
from fomm_engine.training.generator.clips import Clip, ClipSet
from fomm_engine.training.generator.losses import GeneratorLossSettings, PictureLoss
from fomm_engine.training.landmark_training import learning_rate

CHECKPOINT_NAME = "generator.checkpoint.safetensors"
_REFRESH_S = 60.0
Log = Callable[[str], None]


@dataclass(frozen=True)
class GeneratorTrainingSettings:
    """A run. `planned_s` is the whole schedule, over all its starts; the rate falls along a cosine to its end."""

    planned_s: float
    batch: int = 6
    peak_rate: float = 1e-3
    warm_up_steps: int = 200
    weight_decay: float = 1e-4
    clip_norm: float = 5.0
    average_decay: float = 0.998
    save_every_s: float = 240.0
    judged: int = 8  # held-out people in the log's lines
    seed: int = 0
    loss: GeneratorLossSettings = field(default_factory=GeneratorLossSettings)


class Pairs(NamedTuple):
    """Pictures (B, 3, S, S) in [0, 1] and their keypoints."""

    source: Tensor
    driving: Tensor
    source_keypoints: KeypointTensors
    driving_keypoints: KeypointTensors


def train_generator(folder: Path, out: Path, settings: GeneratorTrainingSettings, log: Log) -> None:
    """Train until the planned time is used up; goes on from the checkpoint in `out` where there is one."""
    out.mkdir(parents=True, exist_ok=True)
    clips, held_out = ClipSet(folder, held_out=False), ClipSet(folder, held_out=True)
    run = _Run(out, settings)
    rng = np.random.default_rng([settings.seed, run.progress.starts])
    before_s = run.progress.elapsed_s
    started_s = saved_s = refreshed_s = time.monotonic()
    losses: list[float] = []
    while True:
        elapsed_s = before_s + time.monotonic() - started_s
        losses.append(run.step(sample_pairs(clips.clips, rng, settings.batch), elapsed_s=elapsed_s))
        over = elapsed_s >= settings.planned_s
        if time.monotonic() - refreshed_s > _REFRESH_S:
            clips.refresh()
            refreshed_s = time.monotonic()
        if time.monotonic() - saved_s >= settings.save_every_s or over:
            run.save()
            scores = held_out_error(run.averaged(), held_out.clips[: settings.judged])
            row = {"loss": float(np.mean(losses)), "people": len(clips), **dataclasses.asdict(run.progress), **scores}
            log(json.dumps({name: round(value, 4) for name, value in row.items()}))
            losses, saved_s = [], time.monotonic()
        if over:
            return


def sample_pairs(clips: list[Clip], rng: Rng, count: int) -> Pairs:
    """`count` pairs of frames, each of one person, half of them mirrored, their colours changed together."""
    pictures, values, jacobians = [], [], []
    for index in rng.integers(len(clips), size=count):
        clip = clips[index]
        both = rng.choice(len(clip.frames), 2, replace=False)
        levels = clip.frames[both].astype(np.float32) / 255
        gain, shift = np.exp(rng.normal(0, 0.1, 3)) * np.exp(rng.normal(0, 0.1)), rng.normal(0, 0.03)
        pictures.append(np.clip(levels * gain.astype(np.float32) + np.float32(shift), 0, 1))
        values.append(clip.value[both])
        jacobians.append(clip.jacobian[both])
    picture = torch.from_numpy(np.stack(pictures)).permute(1, 0, 4, 2, 3)
    value = torch.from_numpy(np.stack(values)).transpose(0, 1)
    jacobian = torch.from_numpy(np.stack(jacobians)).transpose(0, 1)
    source, driving = (part.contiguous(memory_format=torch.channels_last) for part in picture)
    return Pairs(source, driving, *(KeypointTensors(value[side], jacobian[side]) for side in range(2)))


def held_out_error(generator: Generator, clips: list[Clip]) -> dict[str, float]:
    """L1 of every other frame of `clips` made from the first, and of the first itself, which is what copying costs."""
    made_l1, copied_l1 = [], []
    for clip in clips:
        made = paint(generator, clip)
        made_l1.append(np.abs(made.astype(np.float32) - clip.frames[1:]).mean() / 255)
        copied_l1.append(np.abs(clip.frames[:1].astype(np.float32) - clip.frames[1:]).mean() / 255)
    return {"held_out_l1": float(np.mean(made_l1)), "copy_l1": float(np.mean(copied_l1))}


def paint(generator: Generator, clip: Clip) -> np.ndarray:
    """(F - 1, S, S, 3) uint8: the first frame of a clip in the pose of each of the others."""
    frames = torch.from_numpy(clip.frames).permute(0, 3, 1, 2).float() / 255
    value, jacobian = torch.from_numpy(clip.value), torch.from_numpy(clip.jacobian)
    with torch.inference_mode():
        source = generator.encode(frames[:1], KeypointTensors(value[:1], jacobian[:1]))
        made = [
            generator.paint(source, KeypointTensors(value[row : row + 1], jacobian[row : row + 1])).prediction
            for row in range(1, len(frames))
        ]
    levels = torch.cat(made).clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().numpy()


def new_generator() -> Generator:
    """The default generator with random weights."""
    return Generator(named_config("default")).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class _Run:
    """The moving parts of one start of a run."""

    def __init__(self, out: Path, settings: GeneratorTrainingSettings) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.path = out / CHECKPOINT_NAME
        self.net = new_generator()
        self.picture_loss = PictureLoss(load_landmark_net(), settings.loss)
        decay = settings.weight_decay
        self.optimizer = torch.optim.AdamW(self.net.parameters(), settings.peak_rate, weight_decay=decay, fused=True)
        self.average = average_of(self.net)
        self.progress = Progress()
        if self.path.exists():
            self.average, self.progress = load_checkpoint(self.path, self.net, self.optimizer)
        self.progress = dataclasses.replace(self.progress, starts=self.progress.starts + 1)

    def step(self, pairs: Pairs, *, elapsed_s: float) -> float:
        """One step of the optimiser; its loss."""
        settings, progress = self.settings, self.progress
        rate = learning_rate(settings.peak_rate, progress.steps, settings.warm_up_steps, elapsed_s / settings.planned_s)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            made = self.net(pairs.source, pairs.source_keypoints, pairs.driving_keypoints)
        loss = self.picture_loss(made, pairs.source, pairs.driving, pairs.driving_keypoints.value)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), settings.clip_norm)
        self.optimizer.step()
        follow(self.average, self.net, min(settings.average_decay, progress.steps / (progress.steps + 20)))
        samples = progress.samples + len(pairs.source)
        self.progress = dataclasses.replace(progress, steps=progress.steps + 1, samples=samples, elapsed_s=elapsed_s)
        return float(loss.detach())

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(self.path, self.net, self.average, self.optimizer, self.progress)

    def averaged(self) -> Generator:
        """The generator with the averaged weights, in eval mode."""
        net = new_generator()
        net.load_state_dict(self.average)
        return net.eval()
