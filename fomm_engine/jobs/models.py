# SPDX-License-Identifier: GPL-3.0-or-later
"""The models job: the table of published weights, downloaded, imported, verified, removed, converted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fomm_engine.model.checkpoint_file import read_checkpoint
from fomm_engine.models.convert import convert
from fomm_engine.models.folder import models_folder
from fomm_engine.models.identify import identified
from fomm_engine.models.store import Store
from fomm_engine.stdio import Reporter
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options
from fomm_engine.wire.model_table import TABLE, Entry, named_entry, read_table
from fomm_engine.wire.whole_file import whole_file

DEFAULTS: dict[str, Any] = {"action": "list", "name": "", "accept_licence": False, "folder": "", "half": False}


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the answer (JSON: action, folder, models with their state, notes).

    Options: action ("list", "download", "import", "verify", "remove", "convert", "path"), name (of the weights),
    accept_licence (a download is refused without), folder (of the weights; the user's cache by default), half (convert
    to half precision). Inputs: file (import, convert), target (convert), table (another table of weights). Raises
    UserError as models.store, models.convert and the table do, and "bad-option".
    """
    options = checked_options(job, DEFAULTS)
    action = _ACTIONS.get(options["action"])
    if action is None:
        known = ", ".join(_ACTIONS)
        raise UserError("bad-option", f"The models job cannot '{options['action']}'.", f"It can: {known}.")
    store = Store(models_folder(options["folder"] or None), read_table(Path(job.input.get("table", TABLE))))
    notes = action(store, job, options, reporter)
    for note in notes:
        reporter.log(note)
    answer = {"action": options["action"], "folder": str(store.folder), "notes": notes, "models": _listed(store)}
    return _write(answer, Path(job.output))


def _list(store: Store, job: Job, options: dict[str, Any], reporter: Reporter) -> list[str]:
    del store, job, options, reporter
    return []


def _download(store: Store, job: Job, options: dict[str, Any], reporter: Reporter) -> list[str]:
    del job
    entry = named_entry(options["name"], store.table)
    return store.download(entry, accepted=options["accept_licence"], progress=reporter.progress)


def _import(store: Store, job: Job, options: dict[str, Any], reporter: Reporter) -> list[str]:
    file = _input(job, "file")
    name = options["name"]
    if not name and file.is_file():
        name = _guessed(store, file)
    return store.bring_in(file, named_entry(name, store.table), reporter.progress)


def _verify(store: Store, job: Job, options: dict[str, Any], reporter: Reporter) -> list[str]:
    del job
    chosen = [named_entry(options["name"], store.table)] if options["name"] else _present(store)
    return [store.verify(entry, reporter.progress) for entry in chosen] or ["There is nothing to verify yet."]


def _remove(store: Store, job: Job, options: dict[str, Any], reporter: Reporter) -> list[str]:
    del job, reporter
    return [store.remove(named_entry(options["name"], store.table))]


def _path(store: Store, job: Job, options: dict[str, Any], reporter: Reporter) -> list[str]:
    del job, reporter
    return [str(store.require(named_entry(options["name"], store.table)) if options["name"] else store.folder)]


def _convert(store: Store, job: Job, options: dict[str, Any], reporter: Reporter) -> list[str]:
    source, target = _input(job, "file"), _input(job, "target")
    if not source.is_file() and options["name"]:
        source = store.require(named_entry(options["name"], store.table))
    if not target.parent.is_dir() or target == source:
        raise UserError("not-writable", f"{target} cannot be written.", "Choose another file for the result.")
    reporter.progress("check", 0, None, source.name)
    return [*convert(source, target, half=options["half"]).lines(), f"Written: {target}."]


_ACTIONS: dict[str, Callable[[Store, Job, dict[str, Any], Reporter], list[str]]] = {
    "list": _list,
    "download": _download,
    "import": _import,
    "verify": _verify,
    "remove": _remove,
    "path": _path,
    "convert": _convert,
}


def _guessed(store: Store, file: Path) -> str:
    """Which row of the table a file without a name is: by its own name, else by its tensors."""
    by_file = [entry.name for entry in store.table.values() if entry.file == file.name]
    name = by_file[0] if by_file else identified(read_checkpoint(file)).model
    if not name:
        hint = f"Say which it is with --name: {', '.join(store.table)}."
        raise UserError("weights-unknown", f"Neither the name of {file.name} nor its tensors say which it is.", hint)
    return name


def _present(store: Store) -> list[Entry]:
    return [entry for entry in store.table.values() if store.state(entry) != "absent"]


def _input(job: Job, name: str) -> Path:
    if name not in job.input:
        raise UserError("no-input", f"The models job names no {name}.", "Choose a file.")
    return Path(job.input[name])


def _listed(store: Store) -> list[dict[str, Any]]:
    return [
        {
            "name": entry.name,
            "kind": entry.kind,
            "file": entry.file,
            "subject": entry.subject,
            "fits_faces": entry.fits_faces,
            "size_bytes": entry.size_about,
            "licence": entry.licence,
            "state": store.state(entry),
            "path": str(store.path(entry)),
            "sources": [{"kind": source.kind, "url": source.url, "from": source.origin} for source in entry.sources],
        }
        for entry in store.table.values()
    ]


def _write(answer: dict[str, Any], path: Path) -> Path:
    with whole_file(path) as partial:
        partial.write_text(json.dumps(answer, ensure_ascii=True, allow_nan=False, indent=1), encoding="ascii")
    return path
