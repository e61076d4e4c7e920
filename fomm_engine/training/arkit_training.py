# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the net that reads ARKit weights from landmarks and the same actor's neutral face."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from fomm_engine.face.nets import ArkitRegressor, regressor_features
from fomm_engine.training.appearance import brow_heights_cm
from fomm_engine.training.checkpoint import Progress, average_of, follow, load_checkpoint, save_checkpoint
from fomm_engine.training.expressions import ExpressionSampler, ExpressionSettings
from fomm_engine.training.eye_shapes import EyeShapeSettings, narrowing
from fomm_engine.training.face_model import FaceModel
from fomm_engine.training.landmark_training import learning_rate
from fomm_engine.training.scene import SceneSettings, rotation_from_euler, sample_pose_rad
from fomm_engine.wire.names import ARKIT_CHANNELS, LANDMARKS, POINT_COUNT

CHECKPOINT_NAME = "arkit.checkpoint.safetensors"
FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class ArkitNoise:
    """Errors of the features in use, as one standard deviation. Lengths are shares of the outer eye distance.

    `point` differs from frame to frame, `bias` is the same through a person's take (what a net always gets wrong about
    a face, in image coordinates), `neutral` is the misfit of the actor's neutral face. All three are for points of
    average difficulty; the groups' factors are the errors of the landmark net on held-out faces over their mean.
    """

    point: float = 0.010
    bias: float = 0.010
    neutral: float = 0.010
    jaw: float = 1.7
    brows: float = 1.2
    nose: float = 0.9
    eyes: float = 0.8
    lips: float = 1.05
    irises: float = 0.75
    rotation_deg: float = 1.2
    scale: float = 0.01
    shift: float = 0.01

    def difficulty(self) -> FloatArray:
        """Factors (70, 1) of the points."""
        factor = np.full((POINT_COUNT, 1), self.irises)
        groups = {
            "jaw": self.jaw,
            "brow_right": self.brows,
            "brow_left": self.brows,
            "nose_bridge": self.nose,
            "nose_base": self.nose,
            "eye_right": self.eyes,
            "eye_left": self.eyes,
            "lips_outer": self.lips,
            "lips_inner": self.lips,
        }
        for name, value in groups.items():
            factor[list(LANDMARKS[name])] = value
        return factor


@dataclass(frozen=True)
class ArkitTrainingSettings:
    """A run of the regressor. Sets are drawn in memory: `people` with `frames` each, with new noise in every pass."""

    planned_s: float
    people: int = 6000
    frames: int = 8
    passes: int = 4  # over one set, before another is drawn
    held_out_people: int = 250
    batch: int = 256
    peak_rate: float = 2e-3
    warm_up_steps: int = 50
    weight_decay: float = 1e-2
    average_decay: float = 0.998
    save_every_s: float = 60.0
    seed: int = 0
    noise: ArkitNoise = field(default_factory=ArkitNoise)


@dataclass(frozen=True)
class ArkitSet:
    """Exact geometry of N frames: `points` (N, 70, 2) as `flatten` gives them, `neutral_cm` (N, 70, 3) in the head
    frame, `rotation` (N, 3, 3), `nearness` (N,) one over the distance in cm, `arkit` (N, 52), `person` (N,)."""

    points: FloatArray
    neutral_cm: FloatArray
    rotation: FloatArray
    nearness: FloatArray
    arkit: FloatArray
    person: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.person)


def sample_arkit_set(model: FaceModel, rng: Generator, *, people: int, frames: int) -> ArkitSet:
    """Frames of many people, from the 70 points alone."""
    sampler = ExpressionSampler(model, ExpressionSettings())
    scene = SceneSettings()
    identity = model.identity_cm.reshape(len(model.identity_cm), -1, 3)[:, model.landmarks].astype(np.float64)
    expression = model.expression_cm.reshape(len(model.expression_cm), -1, 3)[:, model.landmarks].astype(np.float64)
    rest = model.neutral_cm[model.landmarks].astype(np.float64)
    amplitude = rng.uniform(0.6, 1.3, (people, 1))
    weights = np.clip(rng.normal(0, 1, (people, len(identity))), -2.5, 2.5) * amplitude
    neutral = rest + np.einsum("pi,ikc->pkc", weights, identity) + _eyes_and_brows(model, rng, people, expression)
    own = np.stack([sampler.sample(rng) for _ in range(people * frames)]).astype(np.float64)
    person = np.repeat(np.arange(people), frames)
    moved = neutral[person] + np.einsum("ne,ekc->nkc", own, expression)
    moved = model.contacts.among(model.landmarks).settle(moved, own)
    rotation = np.stack([rotation_from_euler(*(0.7 * sample_pose_rad(rng, scene))) for _ in person])
    nearness = np.repeat(1 / rng.uniform(40, 150, people), frames)
    return ArkitSet(
        points=flatten(moved, rotation, nearness),
        neutral_cm=neutral[person],
        rotation=rotation,
        nearness=nearness,
        arkit=own @ model.arkit_from_own.T,
        person=person,
    )


def _eyes_and_brows(model: FaceModel, rng: Generator, people: int, expression: FloatArray) -> FloatArray:
    """What (people, 70, 3) in cm makes eyes narrow and puts brows where hair grows, as in the pictures of faces."""
    narrow = rng.random(people) < EyeShapeSettings().narrow
    lids = np.stack([narrowing(model, rng) for _ in range(people)]) * narrow[:, None]
    moved = np.einsum("pe,ekc->pkc", lids, expression)
    brows = [*LANDMARKS["brow_right"], *LANDMARKS["brow_left"]]
    moved[:, brows, 1] += brow_heights_cm(rng, people)[:, None]
    return moved


def flatten(points_cm: FloatArray, rotation: FloatArray, nearness: FloatArray) -> FloatArray:
    """Points (N, K, 2) as a camera sees them, y down, in cm at the depth of the face; `nearness` (N,) is one over the
    distance in cm (0 would be an orthographic camera)."""
    turned = (points_cm - (0.0, 0.0, 9.0)) @ rotation.transpose(0, 2, 1)
    return turned[..., :2] * (1.0, -1.0) / (1 - turned[..., 2:] * nearness[:, None, None])


def noisy_features(frames: ArkitSet, rng: Generator, noise: ArkitNoise) -> NDArray[np.float32]:
    """Features as the capture will compute them: tracked points, a fitted neutral and rotation, each with its error."""
    unit_cm = _eye_distance(frames.neutral_cm)[:, None, None]
    people, person = np.unique(frames.person, return_inverse=True)
    count, points = frames.points.shape[:2]
    level = np.exp(rng.normal(0, 0.4, (len(people), 1, 1)))[person] * unit_cm * noise.difficulty()
    bias = rng.normal(0, noise.bias, (len(people), points, 2))[person]
    tracked = frames.points + level * (bias + rng.normal(0, noise.point, (count, points, 2)))
    misfit = (noise.difficulty() * rng.normal(0, noise.neutral, (len(people), points, 3)))[person]
    # The neutral is fitted to the tracked points of the whole take, so it takes over most of their constant error.
    shared = rng.uniform(0.4, 1.0, (len(people), 1, 1))[person] * level * bias
    turn = np.radians(rng.normal(0, noise.rotation_deg, (count, 3)))
    rotation = _small_turns(turn) @ frames.rotation
    neutral = flatten(frames.neutral_cm + unit_cm * misfit, rotation, frames.nearness)
    scale = 1 + rng.normal(0, noise.scale, (count, 1, 1))
    neutral = neutral * scale + unit_cm * rng.normal(0, noise.shift, (count, 1, 2)) + shared
    return regressor_features(tracked, neutral, rotation)


def train_arkit(model: FaceModel, out: Path, settings: ArkitTrainingSettings, log: Callable[[str], None]) -> None:
    """Train until the planned time is used up; goes on from the checkpoint in `out` where there is one."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    net = ArkitRegressor()
    optimizer = torch.optim.AdamW(net.parameters(), settings.peak_rate, weight_decay=settings.weight_decay, fused=True)
    path = out / CHECKPOINT_NAME
    average, progress = average_of(net), Progress()
    if path.exists():
        average, progress = load_checkpoint(path, net, optimizer)
    progress = Progress(progress.steps, progress.samples, progress.elapsed_s, progress.starts + 1)
    rng = np.random.default_rng([settings.seed, progress.starts])
    before_s, started_s = progress.elapsed_s, time.monotonic()
    saved_s = started_s
    for frames in _passes(model, rng, settings):
        features = torch.from_numpy(noisy_features(frames, rng, settings.noise))
        truth = torch.from_numpy(frames.arkit.astype(np.float32))
        for rows in torch.randperm(len(frames)).split(settings.batch):
            elapsed_s = before_s + time.monotonic() - started_s
            share = elapsed_s / settings.planned_s
            rate = learning_rate(settings.peak_rate, progress.steps, settings.warm_up_steps, share)
            _step(net, optimizer, features[rows], truth[rows], rate=rate)
            follow(average, net, min(settings.average_decay, progress.steps / (progress.steps + 20)))
            progress = Progress(progress.steps + 1, progress.samples + len(rows), elapsed_s, progress.starts)
        over = progress.elapsed_s >= settings.planned_s
        if over or time.monotonic() - saved_s > settings.save_every_s:
            save_checkpoint(path, net, average, optimizer, progress)
            saved_s = time.monotonic()
            scores = arkit_scores(model, average, settings)
            log(json.dumps({"steps": progress.steps, "elapsed_s": round(progress.elapsed_s), **scores}))
        if over:
            return


def arkit_scores(model: FaceModel, weights: dict[str, Tensor], settings: ArkitTrainingSettings) -> dict[str, object]:
    """Correlation with the truth on people who were not trained on: the mean over channels, and each channel's."""
    rng = np.random.default_rng([settings.seed, 999_983])
    frames = sample_arkit_set(model, rng, people=settings.held_out_people, frames=settings.frames)
    net = ArkitRegressor()
    net.load_state_dict(weights)
    with torch.inference_mode():
        found = net.eval()(torch.from_numpy(noisy_features(frames, rng, settings.noise))).numpy()
    seen = [row for row, name in enumerate(ARKIT_CHANNELS) if name != "tongueOut"]
    r = {ARKIT_CHANNELS[row]: float(np.corrcoef(found[:, row], frames.arkit[:, row])[0, 1]) for row in seen}
    error = np.abs(found - frames.arkit)[:, seen].mean()
    return {
        "mean_r": round(float(np.mean(list(r.values()))), 4),
        "mean_error": round(float(error), 4),
        "r": {name: round(value, 2) for name, value in r.items()},
    }


def _passes(model: FaceModel, rng: Generator, settings: ArkitTrainingSettings) -> Iterator[ArkitSet]:
    """Sets of frames, each a few times over."""
    while True:
        frames = sample_arkit_set(model, rng, people=settings.people, frames=settings.frames)
        yield from itertools.repeat(frames, settings.passes)


def _step(
    net: ArkitRegressor, optimizer: torch.optim.Optimizer, features: Tensor, truth: Tensor, *, rate: float
) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = (net(features) - truth).square().sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _small_turns(angles_rad: FloatArray) -> FloatArray:
    """Rotations (N, 3, 3) by small angles (N, 3) about x, y and z, to the second order."""
    x, y, z = angles_rad.T
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    return np.eye(3) + skew + skew @ skew / 2


def _eye_distance(points_cm: FloatArray) -> FloatArray:
    """Distance (N,) of the outer eye corners in cm."""
    right, left = LANDMARKS["eye_right_outer"][0], LANDMARKS["eye_left_outer"][0]
    return np.linalg.norm(points_cm[:, right] - points_cm[:, left], axis=1)
