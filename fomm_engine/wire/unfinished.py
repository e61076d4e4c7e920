# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job that was stopped left beside its result, so that it can go on: where that is, and what it says of itself.

A job that takes long keeps what it has done in a folder `<output>.parts`. Its `state.json` holds the job and how far it
is; the rest of the folder is the job's own affair. A job that ends well takes the folder away.
"""

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from fomm_engine.wire.claim import LOCK_FILE, is_claimed
from fomm_engine.wire.errors import ProtocolError, UserError
from fomm_engine.wire.job import Job, job_from_fields
from fomm_engine.wire.strict_json import parse_json

SUFFIX = ".parts"
STATE_FILE = "state.json"
FORGOTTEN_AFTER_S = 30 * 24 * 3600.0
LONGEST_NAME = 255  # bytes that a file's name may have on the file systems in use
LARGEST_STATE = 4_000_000  # bytes


@dataclass(frozen=True)
class Unfinished:
    """A job that can go on: done of total steps are kept (total 0: unknown), last at changed_s (seconds since 1970)."""

    folder: Path
    job: Job
    done: int
    total: int
    changed_s: float


def parts_folder(output: Path) -> Path:
    """The folder of the parts of a result; a name that would be too long is shortened, and stays one of its own."""
    name = Path(output).name + SUFFIX
    if len(os.fsencode(name)) > LONGEST_NAME:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        name = f"{os.fsencode(name)[:200].decode('utf-8', 'ignore')}-{digest}{SUFFIX}"
    return Path(output).with_name(name)


def read_state(folder: Path) -> dict[str, Any]:
    """What the folder's state file holds; nothing where there is none, or it cannot be read."""
    path = Path(folder) / STATE_FILE
    try:
        if path.stat().st_size > LARGEST_STATE:
            return {}
        state = parse_json(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return cast(dict[str, Any], state) if isinstance(state, dict) else {}


def unfinished_in(folder: Path, kind: str) -> list[Unfinished]:
    """The unfinished jobs of a kind whose results belong into `folder`, the newest first; none that is worked on."""
    found = [each for each in map(_unfinished, _parts_in(folder)) if each is not None and each.job.kind == kind]
    return sorted(found, key=lambda each: each.changed_s, reverse=True)


def discard(folder: Path) -> None:
    """Nothing; what was kept is gone. A folder that is no job's, or that a job works in, stays."""
    if is_parts(folder) and not is_claimed(folder):
        shutil.rmtree(folder, ignore_errors=True)


def sweep(folder: Path, *, keep: Path | None = None, now_s: float | None = None) -> list[Path]:
    """The parts that were removed from `folder` because nobody asked for them for a month; never `keep`."""
    now_s = time.time() if now_s is None else now_s
    old = [each for each in _parts_in(folder) if each != keep and now_s - _changed_s(each) > FORGOTTEN_AFTER_S]
    for each in old:
        discard(each)
    return [each for each in old if not each.exists()]


def is_parts(folder: Path) -> bool:
    """Whether `folder` is one that a job keeps its parts in, and not somebody's own of such a name."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return "identity" in read_state(folder) or (folder / LOCK_FILE).is_file() or not any(folder.iterdir())


def _parts_in(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (each for each in sorted(Path(folder).glob(f"*{SUFFIX}")) if is_parts(each))


def _unfinished(folder: Path) -> Unfinished | None:
    state = read_state(folder)
    progress = state.get("progress")
    if not isinstance(progress, list) or len(cast(list[Any], progress)) != 2 or is_claimed(folder):
        return None
    done, total = cast(list[Any], progress)
    if not isinstance(done, int) or not isinstance(total, int) or done <= 0:
        return None
    try:
        job = job_from_fields(state.get("job"))
    except (ProtocolError, UserError):
        return None
    # The project may have been moved with its parts: the result belongs beside them.
    output = folder.parent / Path(job.output).name
    moved = Job(job.kind, job.input, str(output), job.options, job.weights)
    left = Unfinished(folder, moved, done, max(done, total), _changed_s(folder))
    return None if _is_done(output, left.changed_s) else left


def _is_done(output: Path, changed_s: float) -> bool:
    """Whether the result came after its parts: the job died between putting it in its place and tidying up."""
    try:
        return output.stat().st_mtime > changed_s
    except OSError:
        return False


def _changed_s(folder: Path) -> float:
    """When the job last kept something; now, where that cannot be told, so that nothing is taken for old."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.glob(STATE_FILE)))
    except OSError:
        return time.time()
