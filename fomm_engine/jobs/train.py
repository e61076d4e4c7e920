# SPDX-License-Identifier: GPL-3.0-or-later
"""The train job: a folder of clips in, a model out that the animate job reads."""

import shutil
import time
from pathlib import Path
from typing import Any, cast, get_args

import torch

from fomm_engine.fomm_training.clips import find_clips
from fomm_engine.fomm_training.perceptual import SENTENCES, Kind, features_of
from fomm_engine.fomm_training.run_state import Progress, RunState, read_config
from fomm_engine.fomm_training.trainer import CHECKPOINT, RunSettings, Trainer
from fomm_engine.model.config import ModelConfig, named_config
from fomm_engine.model.weights import save_networks
from fomm_engine.models.store import Store, weights_path
from fomm_engine.stdio import Reporter
from fomm_engine.wire.errors import Cancelled, UserError
from fomm_engine.wire.job import Job, checked_options

DEFAULTS: dict[str, Any] = {
    "config": "vox-256",
    "resume": False,
    "steps": None,  # default: the config's epochs
    "minutes": None,
    "batch": None,  # default: the config's
    "seed": 0,
    "look_every": 500,
    "workers": 0,
    "device": "auto",
    "perceptual": "auto",
}
_AUTO = "auto"


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the trained model (`job.output`, *.safetensors).

    Inputs: data (a folder of clips, see fomm_training.clips), vgg19 (torchvision's file, where it is not among the
    downloaded weights). `job.weights` may name weights to start from. Options: config (a name, or a YAML file), resume,
    steps and minutes (when to stop), batch, seed, look_every (steps between pictures and figures), workers, device
    ("auto", "cpu", "cuda", "mps"), perceptual ("auto", "vgg19", "faces", "filters"). The training itself stands in
    `<output>.training/`: checkpoint, previews/, figures.jsonl. A stopped one goes on with resume, to the same numbers.
    Raises UserError: "training-exists", "training-missing", "bad-option", as the config, the clips and the weights do.
    """
    options = checked_options(job, DEFAULTS)
    folder = _folder(job)
    state, start = _begun(job, options, folder)
    clips = find_clips(Path(job.input["data"]), start.seed)
    reporter.log(f"{len(clips.train)} clips to train on, {len(clips.test)} held out. {SENTENCES[start.features]}")
    features = features_of(start.features, _vgg19(job))
    trainer = Trainer(state, features, clips, _run_settings(options, folder), start=start)
    try:
        trainer.run(_Teller(reporter, start.step, trainer.steps))
    except Cancelled:
        reporter.log(f"Stopped after step {trainer.step} of {trainer.steps}; it goes on with resume.")
        raise
    reporter.progress("check", 0, None, "held-out clips")
    figures = trainer.measure()
    reporter.log(f"Held-out clips: L1 {figures['held_out_l1']:.4f}, SSIM {figures['held_out_ssim']:.3f}.")
    notes = {"steps": str(trainer.step), "features": start.features}
    save_networks(state.networks, Path(job.output), notes)
    return Path(job.output)


def _run_settings(options: dict[str, Any], folder: Path) -> RunSettings:
    steps = int(options["steps"]) if options["steps"] else None
    every = options["look_every"]
    return RunSettings(folder, steps, options["minutes"], every, every, options["workers"])


class _Teller:
    """Turns steps into progress, with the loss and the time that is left."""

    def __init__(self, reporter: Reporter, first: int, steps: int) -> None:
        self._reporter, self._first, self._steps = reporter, first, steps
        self._started_s = time.monotonic()

    def __call__(self, step: int, losses: dict[str, float]) -> None:
        each_s = (time.monotonic() - self._started_s) / max(step - self._first, 1)
        total = sum(value for name, value in losses.items() if name != "discriminator")
        left = f"{each_s * (self._steps - step) / 60:.0f} min left"
        self._reporter.progress("train", step, self._steps, f"loss {total:.2f}, {each_s:.2f} s a step, {left}")


def _folder(job: Job) -> Path:
    if "data" not in job.input:
        raise UserError("no-data", "The train job names no folder of clips.", "Choose one.")
    if not job.output.endswith(".safetensors"):
        raise UserError("bad-option", f"A model is written as .safetensors, not {job.output}.", "Change its name.")
    return Path(job.output).with_suffix(".training")


def _begun(job: Job, options: dict[str, Any], folder: Path) -> tuple[RunState, Progress]:
    """The state to train on from, and how far it is."""
    checkpoint = folder / CHECKPOINT
    if options["resume"]:
        if not checkpoint.is_file():
            raise UserError("training-missing", f"There is no training in {folder} to go on with.", "Start one.")
        state = RunState(read_config(checkpoint), chosen_device(options["device"]))
        return state, state.resume(checkpoint)
    if checkpoint.exists():
        hint = "Go on with it (resume), delete that folder, or choose another name for the model."
        raise UserError("training-exists", f"{folder} holds a training already.", hint)
    config = named_config(options["config"])
    state = RunState(config, chosen_device(options["device"]), options["seed"])
    if job.weights:
        state.fill(weights_path(job.weights))
    if folder.is_dir():
        shutil.rmtree(folder)
    batch = int(options["batch"] or config.training.batch)
    return state, Progress(0, options["seed"], batch, _features(job, options["perceptual"], config))


def chosen_device(name: str) -> torch.device:
    """The device that `name` means, "auto" being the fastest there is. Raises UserError("bad-option")."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == _AUTO:
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    if not there.get(name, False):
        usable = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise UserError("bad-option", f"There is no device '{name}' here.", f"There is: {usable}.")
    return torch.device(name)


def _features(job: Job, chosen: str, config: ModelConfig) -> Kind:
    if chosen in get_args(Kind):
        return cast(Kind, chosen)
    if chosen != _AUTO:
        raise UserError("bad-option", f"'{chosen}' is no perceptual loss.", f"Use {', '.join(get_args(Kind))}.")
    if _vgg19(job) is not None:
        return "vgg19"
    return "faces" if config.keypoint_detector.kind == "anatomical" else "filters"


def _vgg19(job: Job) -> Path | None:
    if "vgg19" in job.input:
        return Path(job.input["vgg19"])
    store = Store()
    path = store.path(store.table["vgg19"])
    return path if path.is_file() else None
