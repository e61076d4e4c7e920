# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator's stages of a training: its clips, its training with export, and its judging."""

import json
import time
from pathlib import Path

import numpy as np

from fomm_engine.model.anatomical_detector import AnatomicalDetector
from fomm_engine.model.config import named_config
from fomm_engine.model.generator import Generator
from fomm_engine.model.weights import Networks, save_networks
from fomm_engine.training.checkpoint import averaged_weights
from fomm_engine.training.face_model import FaceModel
from fomm_engine.training.generator.clips import ClipSet, ClipSettings, write_clips
from fomm_engine.training.generator.judging import by_warp, judged, wins
from fomm_engine.training.generator.training import (
    CHECKPOINT_NAME,
    GeneratorTrainingSettings,
    Log,
    new_generator,
    paint,
    train_generator,
)
from fomm_engine.training.sheets import write_png
from fomm_engine.wire.errors import UserError

CLIPS_NAME, WEIGHTS_NAME, SHEET_NAME = "clips", "generator.safetensors", "generator.png"
_SHEET_PEOPLE, _SHEET_FRAMES = 4, 6


def make_clips(model: FaceModel, out: Path, settings: ClipSettings, limit_s: float, log: Log) -> None:
    """Render people until the time is used up, at least one beyond those held out; goes on where it stopped."""
    end_s = time.monotonic() + limit_s

    def done(person: int) -> bool:
        log(f"rendered person {person + 1} of {settings.people}")
        return time.monotonic() > end_s and person >= settings.held_out

    write_clips(model, out / CLIPS_NAME, settings, done=done)


def make_generator(out: Path, limit_s: float, log: Log) -> None:
    """Train and write the averaged weights, which `animate --weights` takes."""
    train_generator(_clips(out), out, GeneratorTrainingSettings(planned_s=limit_s), log)
    generator, told = _trained(out)
    networks = Networks(named_config("default"), generator, AnatomicalDetector())
    save_networks(networks, out / WEIGHTS_NAME, {"origin": f"Trained on clips of synthetic people: {told}"})
    log(f"wrote {WEIGHTS_NAME}")


def judge_generator(out: Path, log: Log) -> None:
    """The model card's figures and picture, of held-out people alone."""
    clips = ClipSet(_clips(out), held_out=True).clips
    generator, told = _trained(out)
    scores = judged(clips, generator)
    for way, row in scores.items():
        log(json.dumps({"way": way, **{name: round(value, 4) for name, value in row.items()}}))
    log(json.dumps({"wins": wins(scores), "people": len(clips), "training": told}))
    rows = []
    for clip in clips[:_SHEET_PEOPLE]:
        ways = clip.frames[1:], by_warp(clip), paint(generator, clip)
        rows += [np.concatenate([clip.frames[0], *made[:_SHEET_FRAMES]], 1) for made in ways]
    write_png(out / "sheets" / SHEET_NAME, np.concatenate(rows))


def _clips(out: Path) -> Path:
    folder = out / CLIPS_NAME
    if not any(folder.glob("person_*.npz")):
        raise UserError("training-incomplete", f"{folder} holds no clips.", "Run the stage clips first.")
    return folder


def _trained(out: Path) -> tuple[Generator, str]:
    path = out / CHECKPOINT_NAME
    if not path.exists():
        raise UserError("training-incomplete", f"{out} holds no generator.", "Run the stage generator first.")
    weights, progress = averaged_weights(path)
    generator = new_generator()
    generator.load_state_dict(weights)
    return generator.eval(), f"{progress.samples} pairs, {progress.elapsed_s / 60:.0f} minutes"
