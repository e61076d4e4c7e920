# SPDX-License-Identifier: GPL-3.0-or-later
"""Which films one job makes: one, or one for every source and every driving video, and where each will stand."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fomm_engine.animate.outputs import FilmPaths
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.whole_file import whole_file

_INPUT = re.compile(r"(source|driving|take)(?:_([2-9]|[1-9]\d+))?")
_WORDS = {"source": "portrait", "driving": "driving video"}


@dataclass(frozen=True)
class Task:
    """One film: of which source, moving as which video (whose capture is `take`, where there is one)."""

    source: Path
    driving: Path
    take: Path | None
    paths: FilmPaths


def tasks_of(job: Job) -> list[Task]:
    """The films that the job's inputs ask for.

    Inputs are source, driving and take; further ones are source_2, source_3, ..., driving_2, ...; take_2 is of
    driving_2. One film stands in the job's output; several beside it, the names of their inputs added to its own.
    Raises UserError "no-source", "no-driving", "bad-input", "output-is-input".
    """
    inputs = _inputs(job)
    pairs = [(source, number) for source in inputs["source"].values() for number in inputs["driving"]]
    films = _film_paths(Path(job.output), [(source, inputs["driving"][number]) for source, number in pairs])
    tasks = [
        Task(source, inputs["driving"][number], inputs["take"].get(number), FilmPaths(film))
        for (source, number), film in zip(pairs, films, strict=True)
    ]
    for task in tasks:
        require_free(task.paths, job)
    return tasks


def require_free(paths: FilmPaths, job: Job) -> None:
    """Nothing, if none of what will be written is one of the job's inputs. Raises UserError("output-is-input")."""
    inputs = {Path(path).resolve() for path in job.input.values()}
    for path in (paths.film, paths.comparison, paths.motion):
        if path.resolve() in inputs:
            raise UserError("output-is-input", f"{path} is one of the inputs.", "Choose another name for the film.")


def write_list(path: Path, films: list[dict[str, Any]]) -> None:
    """Nothing; the list of several films, with what each was made of or why it was not, stands in `path`."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps({"films": films}, ensure_ascii=True, indent=1), encoding="ascii")


def list_path(job: Job) -> Path:
    """Where the list of a job's several films stands."""
    output = Path(job.output)
    return output.with_name(f"{output.stem}.films.json")


def _inputs(job: Job) -> dict[str, dict[int, Path]]:
    inputs: dict[str, dict[int, Path]] = {"source": {}, "driving": {}, "take": {}}
    for name, path in job.input.items():
        found = _INPUT.fullmatch(name)
        if found is None:
            hint = "It has source, driving and take, and source_2, driving_2, take_2 and so on."
            raise UserError("bad-input", f"The animate job has no input '{name}'.", hint)
        inputs[found[1]][int(found[2] or 1)] = Path(path)
    for name, what in _WORDS.items():
        if not inputs[name]:
            raise UserError(f"no-{name}", f"The animate job names no {what}.", "Choose one.")
    strays = inputs["take"].keys() - inputs["driving"].keys()
    if strays:
        number = min(strays)
        raise UserError("bad-input", f"There is a take_{number} but no driving_{number}.", "Number them alike.")
    return {name: dict(sorted(paths.items())) for name, paths in inputs.items()}


def _film_paths(output: Path, pairs: list[tuple[Path, Path]]) -> list[Path]:
    if len(pairs) == 1:
        return [output]
    several = [len({pair[side] for pair in pairs}) > 1 for side in (0, 1)]
    taken: set[str] = set()
    paths: list[Path] = []
    for pair in pairs:
        stem = " ".join([output.stem, *(path.stem for path, varies in zip(pair, several, strict=True) if varies)])
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem} {number}"
        taken.add(name.casefold())
        paths.append(output.with_name(name + output.suffix))
    return paths
