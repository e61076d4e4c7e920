# SPDX-License-Identifier: GPL-3.0-or-later
"""The animate job: a portrait and a driving video in, the portrait moving as the video does out.

With a checkpoint the First Order Motion Model paints every frame. The default weights have keypoints but no trained
generator yet: with them the portrait is warped by the keypoints' first-order motion, and says it is a preview.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from fomm_engine import __version__
from fomm_engine.animate.driving import CHUNK
from fomm_engine.animate.film import make_film
from fomm_engine.animate.options import AnimateOptions, options_of
from fomm_engine.animate.outputs import FilmPaths
from fomm_engine.animate.parts import Parts
from fomm_engine.animate.stage import Stage, model_stage, preview_stage
from fomm_engine.animate.tasks import Task, list_path, require_free, tasks_of, write_list
from fomm_engine.model.fomm import Fomm
from fomm_engine.model.weights import load_networks
from fomm_engine.models.store import weights_path
from fomm_engine.resuming.parts import parts_of
from fomm_engine.stdio import Reporter
from fomm_engine.video.probe import probe
from fomm_engine.video.sound import container_for
from fomm_engine.wire.errors import Cancelled, HostGone, UserError
from fomm_engine.wire.job import Job

DEFAULT_WEIGHTS = "default"
PREVIEW = "The default weights have no trained generator yet: this is a preview, the portrait warped, not painted."


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the film (`job.output`): `job.input["source"]` moving as `job.input["driving"]` does, with its sound.

    `job.input["take"]` may name a capture of the driving video; animate.tasks says how several sources and driving
    videos are named, and that the path is then of the list of their films. `job.weights` is "default", a model's name
    or a checkpoint's path. Options: animate.options. Where pictures alone are asked for, the path is of the file that
    says when each is shown.

    While it works, what is finished lies in a folder beside the output, `<output>.parts`. Running the same job after a
    kill goes on from there; a finished or cancelled job removes it.

    Raises UserError as the reader, the writer and the weights do, "no-face" where a face is needed and none is seen,
    "output-is-input", "output-exists".
    """
    options = options_of(job)
    tasks = tasks_of(job)
    for task in tasks:
        task.paths.require_places(options)
    chosen = job.weights or DEFAULT_WEIGHTS
    checkpoint = None if chosen == DEFAULT_WEIGHTS else weights_path(chosen)
    with parts_of(Path(job.output)) as folder:
        parts = Parts(folder, _identity(checkpoint, options, tasks))
        try:
            result = _Performance(job, options, checkpoint, parts, reporter).made(tasks)
        except HostGone:
            raise
        except Cancelled:
            parts.remove()
            raise
        except UserError:
            if not any(parts.folder.glob("*/chunk-*")):
                parts.remove()
            raise
        parts.remove()
    return result


@dataclass
class _Performance:
    """One job at work: the weights are loaded once, and each driving video is captured once.

    checkpoint: the model's file; None for the default weights.
    """

    job: Job
    options: AnimateOptions
    checkpoint: Path | None
    parts: Parts
    reporter: Reporter
    engine: Fomm | None = None

    def made(self, tasks: list[Task]) -> Path:
        """The job's result, after making every film; where there are several, one that fails does not stop the rest."""
        if len(tasks) == 1:
            return self._result(self._film(tasks[0], 0))
        films: list[dict[str, Any]] = []
        failed: list[UserError] = []
        for number, task in enumerate(tasks):
            self.reporter.log(f"Film {number + 1} of {len(tasks)}: {task.source.name} moving as {task.driving.name}.")
            entry: dict[str, Any] = {"source": str(task.source), "driving": str(task.driving)}
            try:
                films.append({**entry, "film": str(self._result(self._film(task, number)))})
            except UserError as error:
                failed.append(error)
                self.reporter.warn("film-failed", f"{task.paths.film.name} could not be made: {error}")
                films.append({**entry, "failed": error.code, "message": str(error)})
        if len(failed) == len(tasks):
            raise failed[0]
        write_list(list_path(self.job), films)
        return list_path(self.job)

    def _film(self, task: Task, number: int) -> FilmPaths:
        """Where the film stands after it was made, in this run or before this one was started again."""
        done = self.parts.recall(f"film-{number}")
        if done is not None:
            return FilmPaths(Path(done))
        self.reporter.progress("load", 0, None, "source and weights")
        paths = self._holding_sound(task)
        own = Parts(self.parts.folder / f"film-{number:03d}", {}, keep_pictures=self.checkpoint is not None)
        stage = self._preview(task) if self.checkpoint is None else self._painted(task, self.checkpoint, own)
        make_film(stage, paths, own, self.options, self.reporter)
        self.parts.remember(f"film-{number}", str(paths.film))
        own.remove()
        self._tell(paths)
        return paths

    def _painted(self, task: Task, checkpoint: Path, own: Parts) -> Stage:
        self.engine = self.engine or self._loaded(checkpoint)
        return model_stage(task, self.engine, self.options, own, self.reporter)

    def _loaded(self, checkpoint: Path) -> Fomm:
        """The model; an earlier run's way of computing is taken again, since another may round differently."""
        options = self.options
        engine = Fomm(
            load_networks(checkpoint),
            align_corners=options.align_corners,
            device=options.device,
            precision=options.precision,
            path=self.parts.recall("path"),
        )
        self.parts.remember("path", engine.path.name)
        self.reporter.log(engine.path.reason)
        return engine

    def _preview(self, task: Task) -> Stage:
        self.reporter.warn("preview", PREVIEW)
        take = task.take or self._captured(task.driving)
        return preview_stage(replace(task, take=take), self.options, self.reporter)

    def _captured(self, driving: Path) -> Path:
        from fomm_engine.jobs import capture

        known: dict[str, str] = self.parts.recall("takes") or {}
        if str(driving) not in known:
            take = self.parts.folder / f"take-{len(known)}.capture.npz"
            part = {"start_s": self.options.start_s, "end_s": self.options.end_s}
            capture.run(Job("capture", {"video": str(driving)}, str(take), part), self.reporter)
            known = {**known, str(driving): str(take)}
            self.parts.remember("takes", known)
        return Path(known[str(driving)])

    def _holding_sound(self, task: Task) -> FilmPaths:
        """The task's places; in another container where the film's own cannot hold the sound as it is."""
        film = task.paths.film
        codec = probe(task.driving).audio_codec
        suffix = container_for(film.suffix.lower(), codec)
        if not (self.options.sound and self.options.moving) or suffix == film.suffix.lower():
            return task.paths
        paths = FilmPaths(film.with_suffix(suffix))
        require_free(paths, self.job)
        kind = film.suffix.lstrip(".") or "film without a suffix"
        self.reporter.warn("container", f"An {kind} cannot hold {codec} sound as it is: it is in {paths.film.name}.")
        return paths

    def _result(self, paths: FilmPaths) -> Path:
        return paths.film if self.options.film else paths.pictures_times

    def _tell(self, paths: FilmPaths) -> None:
        wanted = {
            "Comparison": (self.options.comparison, paths.comparison),
            "Pictures": (self.options.pictures, paths.pictures),
            "Keypoints": (self.options.tracks, paths.motion),
        }
        for what, (asked, path) in wanted.items():
            if asked:
                self.reporter.log(f"{what}: {path}")


def _identity(checkpoint: Path | None, options: AnimateOptions, tasks: list[Task]) -> dict[str, Any]:
    """Everything that the films depend on: other inputs, options or versions must not go on with what lies there."""
    files = {str(path): _stamp(path) for task in tasks for path in (task.source, task.driving, task.take) if path}
    return {
        "engine": __version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "chunk": CHUNK,
        "files": files,
        "weights": [str(checkpoint), _stamp(checkpoint)] if checkpoint else DEFAULT_WEIGHTS,
        "options": asdict(options),
        "films": [str(task.paths.film) for task in tasks],
    }


def _stamp(path: Path) -> list[str]:
    """A file's size and time of change; nothing for one that is not there, which will be said when it is read."""
    try:
        found = path.stat()
    except OSError:
        return []
    return [str(found.st_size), str(found.st_mtime_ns)]  # as text: strict JSON counts no nanoseconds since 1970
