# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: steps, learning rates, checkpoints, previews and figures."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fomm_engine.fomm_training.clips import ClipFolder, ClipReader
from fomm_engine.fomm_training.losses import (
    Deformed,
    Pyramid,
    Reconstruction,
    equivariance_losses,
    fooling_losses,
    judging_loss,
    picture_loss,
)
from fomm_engine.fomm_training.measures import l1, ssim
from fomm_engine.fomm_training.pairs import PairPlan, batches, entries_of
from fomm_engine.fomm_training.perceptual import Features
from fomm_engine.fomm_training.preview import preview, write_preview
from fomm_engine.fomm_training.reconstruction import reconstructed
from fomm_engine.fomm_training.run_state import Progress, RunState
from fomm_engine.fomm_training.transform import RandomTransform

CHECKPOINT = "checkpoint.safetensors"
FIGURES = "figures.jsonl"
PREVIEWS = "previews"
_HELD_OUT_CLIPS, _HELD_OUT_FRAMES = 8, 4

Told = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class RunSettings:
    """How a training is run: until `steps` are made (None: the config's epochs) or `minutes` are over; a look at it
    every `look_every` steps."""

    folder: Path
    steps: int | None = None
    minutes: float | None = None
    look_every: int = 500
    save_every: int = 500
    workers: int = 0


class Trainer:
    """One training, from where its state is to its end."""

    def __init__(
        self, state: RunState, features: Features, clips: ClipFolder, settings: RunSettings, *, start: Progress
    ) -> None:
        training = state.config.training
        self.state, self.settings, self.step = state, settings, start.step
        self._device = next(state.networks.generator.parameters()).device
        self._features = features.to(self._device)
        self._pyramid = Pyramid(training.losses.scales, state.config.channels).to(self._device)
        self._clips, self._start = clips, start
        entries = entries_of(clips.train, id_sampling=training.id_sampling)
        size, repeats = state.config.image_size, training.repeats
        self.plan = PairPlan(entries, size, start.batch, repeats, start.seed, training.augment)
        self.steps = settings.steps or training.epochs * self.plan.batches_per_epoch
        (settings.folder / PREVIEWS).mkdir(parents=True, exist_ok=True)

    def run(self, told: Told) -> None:
        """Nothing; the training is at its end. `told(step, losses)` after each step may stop it by raising: what was
        learned until then is kept."""
        end_s = time.monotonic() + 60 * self.settings.minutes if self.settings.minutes is not None else float("inf")
        stream = batches(self.plan, self.step, self.settings.workers)
        saved = self.step
        try:
            while self.step < self.steps and time.monotonic() < end_s:
                losses = self._advance(stream)
                if self.step % self.settings.save_every == 0:
                    self.save()
                    saved = self.step
                told(self.step, losses)
        finally:
            if saved != self.step:
                self.save()

    def save(self) -> None:
        """Nothing; everything stands in the run's folder."""
        self.state.save(self.settings.folder / CHECKPOINT, replace(self._start, step=self.step))

    def measure(self) -> dict[str, float]:
        """L1 and SSIM of frames of held-out clips, each made from its clip's first frame."""
        reader = ClipReader(self.state.config.image_size)
        scores: list[tuple[float, float]] = []
        for clip in self._clips.test[:_HELD_OUT_CLIPS]:
            frames = reader.frames(clip)
            chosen = frames[np.linspace(0, len(frames) - 1, min(_HELD_OUT_FRAMES, len(frames))).round().astype(int)]
            made = reconstructed(self.state.networks, frames[0], chosen)
            scores += [(l1(ours, real), ssim(ours, real)) for ours, real in zip(made, chosen, strict=True)]
        mean = np.mean(scores, axis=0)
        return {"held_out_l1": float(mean[0]), "held_out_ssim": float(mean[1])}

    def _advance(self, stream: Iterator[tuple[Tensor, Tensor]]) -> dict[str, float]:
        self.state.set_epoch(self.step // self.plan.batches_per_epoch)
        source, driving = (part.to(self._device) for part in next(stream))
        batch, deformed = self._forward(source, driving)
        losses = self._learn(batch, deformed)
        self.step += 1
        if self.step % self.settings.look_every == 0 or self.step == 1:
            self._look(batch, deformed, losses)
        return losses

    def _forward(self, source: Tensor, driving: Tensor) -> tuple[Reconstruction, Deformed | None]:
        networks, training = self.state.networks, self.state.config.training
        source_keypoints, driving_keypoints = networks.kp_detector(source), networks.kp_detector(driving)
        made = networks.generator(source, source_keypoints, driving_keypoints)
        batch = Reconstruction(source, driving, source_keypoints, driving_keypoints, made)
        weights = training.losses
        if "kp_detector" not in self.state.modules or not (weights.equivariance_value or weights.equivariance_jacobian):
            return batch, None
        draw = torch.Generator().manual_seed(_seed_of(self._start.seed, self.step))
        transform = RandomTransform(len(driving), training.transform, draw, self._device)
        image = transform.image(driving)
        return batch, Deformed(transform, image, networks.kp_detector(image))

    def _learn(self, batch: Reconstruction, deformed: Deformed | None) -> dict[str, float]:
        weights, judge, optimizers = self.state.config.training.losses, self.state.judge, self.state.optimizers
        losses = {"perceptual": picture_loss(self._pyramid, self._features, batch, weights)}
        if deformed is not None:
            losses |= equivariance_losses(batch, deformed, weights)
        if judge is not None:
            losses |= fooling_losses(judge, batch, weights)
        learners = [optimizer for name, optimizer in optimizers.items() if name != "discriminator"]
        for optimizer in optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        for optimizer in learners:
            optimizer.step()
        if judge is not None:
            optimizers["discriminator"].zero_grad(set_to_none=True)
            losses["discriminator"] = judging_loss(judge, batch, weights)
            losses["discriminator"].backward()
            optimizers["discriminator"].step()
        return {name: float(value.detach()) for name, value in losses.items()}

    def _look(self, batch: Reconstruction, deformed: Deformed | None, losses: dict[str, float]) -> None:
        """A picture and a line of figures."""
        picture = preview(batch, deformed)
        write_preview(picture, self.settings.folder / PREVIEWS / f"step_{self.step:07d}.png")
        row: dict[str, Any] = {"step": self.step, **losses, **self.measure()}
        with (self.settings.folder / FIGURES).open("a", encoding="ascii") as stream:
            stream.write(json.dumps(row, allow_nan=False) + "\n")


def _seed_of(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint32)[0])
