# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of parts beside a result in the making: what it depends on, what the job remembers, who works there."""

import contextlib
import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

from fomm_engine.wire.claim import LOCK_FILE, Claimed, claimed
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, fields_of
from fomm_engine.wire.unfinished import STATE_FILE, is_parts, parts_folder, read_state, sweep
from fomm_engine.wire.whole_file import whole_file


class PartsFolder:
    """A folder whose small state outlives the process; what else lies in it is the job's own.

    identity: everything that the result depends on. A folder of another identity, or one that cannot be read, is
    emptied, and `replaced` says so. Raises UserError("not-writable") where there can be no folder.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.folder = folder
        identity = json.loads(json.dumps(identity))
        self._state = read_state(folder)
        self.replaced = bool(self._state) and self._state.get("identity") != identity
        with as_not_writable(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if self._state.get("identity") != identity:
                self.empty()
                self._state = {}
                self.remember("identity", identity)  # at once: by it the folder is known for what it is

    def recall(self, name: str) -> Any:
        """What `remember` was told under this name, in this or in an earlier run; None for nothing."""
        return self._state.get(name)

    def remember(self, name: str, value: Any) -> None:
        """Nothing; `value` (JSON) outlives this process."""
        self._state[name] = value
        with whole_file(self.folder / STATE_FILE) as partial:
            partial.write_text(json.dumps(self._state, allow_nan=False), encoding="ascii")

    def remember_progress(self, job: Job, done: int, total: int) -> None:
        """Nothing; whoever looks into the folder learns which job it is of, and how far that is."""
        self._state["job"] = fields_of(job)
        self.remember("progress", [done, total])

    def empty(self) -> None:
        """Nothing; all that was kept is gone, the folder stays."""
        for path in list(self.folder.iterdir()) if self.folder.is_dir() else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK_FILE:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Nothing; the folder is gone, but for the claim of whoever holds it."""
        self.empty()
        with contextlib.suppress(OSError):
            self.folder.rmdir()


@contextlib.contextmanager
def parts_of(output: Path) -> Generator[Path]:
    """The folder of the parts of `output`, which nobody else works on during the block; parts long forgotten go.

    Raises UserError: "output-busy" where another process makes the same result, "output-exists" where a folder of that
    name is somebody's own, "not-writable".
    """
    folder = parts_folder(output)
    if folder.exists() and not is_parts(folder):
        raise UserError("output-exists", f"{folder} is in the way.", "Move it, or choose another name for the result.")
    sweep(folder.parent, keep=folder)
    with contextlib.ExitStack() as held:
        try:
            with as_not_writable(folder):
                held.enter_context(claimed(folder))
        except Claimed as error:
            hint = "Wait for it, or choose another name."
            raise UserError("output-busy", f"{output.name} is being made by another job.", hint) from error
        yield folder


@contextlib.contextmanager
def as_not_writable(path: Path) -> Generator[None]:
    """What the file system refuses in the block is raised as UserError("not-writable")."""
    try:
        yield
    except OSError as error:
        raise UserError("not-writable", f"{path} cannot be written ({error.strerror}).", "Free some space.") from error
