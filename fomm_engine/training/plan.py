# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a training, in order, each of which can be run alone and goes on where it stopped."""

import dataclasses
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fomm_engine.face.detect import FaceFinder
from fomm_engine.face.look import FaceReader
from fomm_engine.face.nets import ArkitRegressor, BoxNet, LandmarkNet
from fomm_engine.face.region_nets import RegionNets
from fomm_engine.face.tracker import TrackerSettings
from fomm_engine.face.weights import (
    WEIGHTS_FOLDER,
    load_arkit_regressor,
    load_box_net,
    load_landmark_net,
    load_region_nets,
)
from fomm_engine.training import arkit_training, box_training, landmark_training
from fomm_engine.training.arkit_training import ArkitTrainingSettings, train_arkit
from fomm_engine.training.box_training import BoxTrainingSettings, train_box
from fomm_engine.training.checkpoint import averaged_weights
from fomm_engine.training.conditions import condition_scores
from fomm_engine.training.curves import read_log, write_curve
from fomm_engine.training.dataset import FaceSetSettings, write_face_set
from fomm_engine.training.export import export_arrays, export_net
from fomm_engine.training.face_model import FaceModel, load_face_model
from fomm_engine.training.first_frames import FirstFrameSettings, first_frame_scores
from fomm_engine.training.generator import training as generator_training
from fomm_engine.training.generator.clips import ClipSettings
from fomm_engine.training.generator.stages import CLIPS_NAME, judge_generator, make_clips, make_generator
from fomm_engine.training.landmark_data import held_out_batch
from fomm_engine.training.landmark_losses import landmark_scores
from fomm_engine.training.landmark_training import LandmarkTrainingSettings, train_landmarks
from fomm_engine.training.prior import face_prior
from fomm_engine.training.regions import training as region_training
from fomm_engine.training.regions.data import RegionDataSettings
from fomm_engine.training.regions.measure import tracker_scores
from fomm_engine.training.regions.training import RegionTrainingSettings, train_regions
from fomm_engine.training.sheets import failures_sheet, write_png, write_sheets
from fomm_engine.wire.errors import UserError

Log = Callable[[str], None]
_ORIGIN = "Trained by fomm_engine.training on synthetic faces of the ICT FaceKit light model"
_NETS = {
    "landmarks": (LandmarkNet, landmark_training.CHECKPOINT_NAME),
    "regions": (RegionNets, region_training.CHECKPOINT_NAME),
    "box": (BoxNet, box_training.CHECKPOINT_NAME),
    "arkit": (ArkitRegressor, arkit_training.CHECKPOINT_NAME),
}


@dataclass(frozen=True)
class TrainingPlan:
    """What to train where. `minutes` is the time of the stage that is run, or of all of them together.

    `out` receives `data/` (rendered faces, their manifest), `sheets/` (pictures of them, of the worst frames, the
    curve), each stage's log, the checkpoints and `weights/` (what the engine loads).
    """

    face_model: Path
    out: Path
    minutes: float = 240.0
    resume: bool = False
    processes: int = 1
    workers: int = 1
    faces: FaceSetSettings = dataclasses.field(default_factory=FaceSetSettings)
    arkit_people: int = 5000
    batch: int = 24
    held_out: int = 400
    measured: int = 1000
    first_frames: int = 300
    condition_people: int = 60
    clips: ClipSettings = dataclasses.field(default_factory=ClipSettings)


@dataclass(frozen=True)
class _Stage:
    run: Callable[[TrainingPlan, float, Log], None]
    share: float | None  # of the time of a whole training; None: run by its name alone


def run_plan(plan: TrainingPlan, stage: str, log: Log) -> None:
    """Run one stage, or with "all" those of the shipped weights in order.

    Raises UserError: "training-exists" where `out` holds an earlier training and `resume` is off; those of
    `load_face_model`; "training-incomplete" where a stage lacks what an earlier one makes.
    """
    plan.out.mkdir(parents=True, exist_ok=True)
    whole = [name for name in STAGES if STAGES[name].share is not None]
    names = whole if stage == "all" else [stage]
    if not plan.resume and any(_trace_of(name, plan).exists() for name in names):
        raise UserError(
            "training-exists", f"{plan.out} holds an earlier training.", "Add --resume, or name another folder."
        )
    for name in names:
        minutes = plan.minutes * (STAGES[name].share or 0.0) if stage == "all" else plan.minutes
        log(f"stage {name}")
        STAGES[name].run(plan, 60 * minutes, _kept(log, plan.out / f"{name}.log"))


def _kept(log: Log, path: Path) -> Log:
    """A log that appends every line to a file as well."""

    def say(line: str) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        log(line)

    return say


def _prior(plan: TrainingPlan, _: float, log: Log) -> None:
    path = _weights(plan) / "face_prior.safetensors"
    export_arrays(face_prior(_model(plan)), path, "Statistics of the ICT FaceKit light model at 70 points")
    log(f"wrote {path.name}")


def _faces(plan: TrainingPlan, limit_s: float, log: Log) -> None:
    end_s = time.monotonic() + limit_s
    per_shard = plan.faces.people_per_shard * plan.faces.frames_per_person

    def done(shard: int) -> bool:
        log(f"rendered shard {shard + 1} of {plan.faces.shards} ({(shard + 1) * per_shard} frames)")
        return time.monotonic() > end_s and shard >= plan.faces.held_out_shards

    write_face_set(_model(plan), plan.out / "data", plan.faces, done=done)


def _landmarks(plan: TrainingPlan, limit_s: float, log: Log) -> None:
    settings = LandmarkTrainingSettings(
        planned_s=limit_s,
        processes=plan.processes,
        workers=plan.workers,
        batch=plan.batch,
        held_out=plan.held_out,
    )
    train_landmarks(_data(plan), plan.out, settings, log)


def _regions(plan: TrainingPlan, limit_s: float, log: Log) -> None:
    """Needs the landmark net: the patches are cut around its points."""
    checkpoint = plan.out / landmark_training.CHECKPOINT_NAME
    if not checkpoint.exists():
        raise UserError("training-incomplete", f"{plan.out} has no landmark net.", "Run the stage landmarks first.")
    landmarks = LandmarkNet()
    landmarks.load_state_dict(averaged_weights(checkpoint)[0])
    data = RegionDataSettings(mouths=plan.batch)
    settings = RegionTrainingSettings(
        planned_s=limit_s, workers=plan.workers, measured=3 * plan.measured, held_out=plan.held_out, data=data
    )
    train_regions(_data(plan), plan.out, landmarks.eval(), settings, log)


def _box(plan: TrainingPlan, limit_s: float, log: Log) -> None:
    settings = BoxTrainingSettings(
        planned_s=limit_s, workers=plan.workers, batch=2 * plan.batch, held_out=plan.held_out
    )
    train_box(_data(plan), plan.out, settings, log)


def _arkit(plan: TrainingPlan, limit_s: float, log: Log) -> None:
    train_arkit(_model(plan), plan.out, ArkitTrainingSettings(planned_s=limit_s, people=plan.arkit_people), log)


def _export(plan: TrainingPlan, _: float, log: Log) -> None:
    """The averaged weights of every net that has a checkpoint."""
    found = {name: plan.out / checkpoint for name, (_, checkpoint) in _NETS.items() if (plan.out / checkpoint).exists()}
    if not found:
        raise UserError("training-incomplete", f"No net has been trained in {plan.out}.", "Run its stage first.")
    for name, checkpoint in found.items():
        weights, progress = averaged_weights(checkpoint)
        dimensions = _NETS[name][0]().dimensions
        origin = f"{_ORIGIN}: {progress.samples} samples, {progress.elapsed_s / 60:.0f} minutes"
        export_net(weights, dimensions, _weights(plan) / f"{name}.safetensors", origin)
        log(f"wrote {name}.safetensors after {progress.samples} samples")


def _measure(plan: TrainingPlan, _: float, log: Log) -> None:
    """The figures of the model card: the exported weights on people who were not trained on."""
    folder, data = plan.out / "weights", _data(plan)
    net = load_landmark_net(folder)
    for augmented in (False, True):
        kind = "augmented" if augmented else "clean"
        batch = held_out_batch(data, count=plan.measured, augmented=augmented)
        output = landmark_training.outputs_of(net, batch)
        scores = landmark_scores(output, batch.points, batch.rotation)
        log(json.dumps({"landmarks": kind, "frames": len(batch.picture), **_rounded(scores)}))
        write_png(plan.out / "sheets" / f"failures_{kind}.png", failures_sheet(batch, output.points.numpy()))
    history = plan.out / "landmarks.log"
    if history.exists():
        write_curve([read_log(history)], plan.out / "sheets" / "curve.png")
    close = load_region_nets(folder)
    reader = FaceReader(net, TrackerSettings.doubt_limit, both_ways=close is None, close=close)
    for augmented in (False, True):
        kind = "augmented" if augmented else "clean"
        scores = tracker_scores(data, reader, count=plan.measured, augmented=augmented)
        log(json.dumps({"tracker": kind, **_rounded(scores)}))
    settings = BoxTrainingSettings(planned_s=0.0, held_out=plan.measured)
    log(json.dumps({"box": box_training.measure(load_box_net(folder), box_training.held_out_boxes(data, settings))}))
    first = FirstFrameSettings(count=plan.first_frames, empty=plan.first_frames)
    log(json.dumps({"first_frames": first_frame_scores(data, FaceFinder(load_box_net(folder)), net, first, close)}))
    for name, scores in condition_scores(_model(plan), reader, people=plan.condition_people).items():
        log(json.dumps({"condition": name, **_rounded(scores)}))
    regressor = load_arkit_regressor(folder)
    arkit = ArkitTrainingSettings(planned_s=0.0)
    log(json.dumps({"arkit": arkit_training.arkit_scores(_model(plan), regressor.state_dict(), arkit)}))


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in scores.items()}


def _sheets(plan: TrainingPlan, _: float, log: Log) -> None:
    for path in write_sheets(_data(plan), plan.out / "sheets"):
        log(f"wrote {path.name}")


STAGES = {
    "prior": _Stage(_prior, 0.0),
    "faces": _Stage(_faces, 0.3),
    "sheets": _Stage(_sheets, 0.0),
    "landmarks": _Stage(_landmarks, 0.42),
    "regions": _Stage(_regions, 0.12),
    "box": _Stage(_box, 0.1),
    "arkit": _Stage(_arkit, 0.06),
    "export": _Stage(_export, 0.0),
    "measure": _Stage(_measure, 0.0),
    "clips": _Stage(lambda plan, limit_s, log: make_clips(_model(plan), plan.out, plan.clips, limit_s, log), None),
    "generator": _Stage(lambda plan, limit_s, log: make_generator(plan.out, limit_s, log), None),
    "judge": _Stage(lambda plan, _, log: judge_generator(plan.out, log), None),
}


def _trace_of(stage: str, plan: TrainingPlan) -> Path:
    """The file that shows that a stage was begun."""
    if stage in _NETS:
        return plan.out / _NETS[stage][1]
    traces = {
        "faces": plan.out / "data",
        "prior": plan.out / "weights" / "face_prior.safetensors",
        "clips": plan.out / CLIPS_NAME,
        "generator": plan.out / generator_training.CHECKPOINT_NAME,
    }
    return traces.get(stage, plan.out / "weights" / "table.none")


def _model(plan: TrainingPlan) -> FaceModel:
    return load_face_model(plan.face_model)


def _data(plan: TrainingPlan) -> Path:
    folder = plan.out / "data"
    shards = len(list(folder.glob("shard_*.npy")))
    if shards <= plan.faces.held_out_shards:
        raise UserError("training-incomplete", f"{folder} has too few faces ({shards} shards).", "Run the stage faces.")
    return folder


def _weights(plan: TrainingPlan) -> Path:
    """The folder of the exported weights, with the licence notice that goes with them."""
    folder = plan.out / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    notice = "LICENSE.ict-facekit.txt"
    shutil.copyfile(WEIGHTS_FOLDER / notice, folder / notice)
    return folder
