# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in the user's folder: what is there, fetching, importing, verifying, removing, finding."""

import errno
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fomm_engine.models.contents import check_contents
from fomm_engine.models.digests import Digest, digest_of, known_as
from fomm_engine.models.download import DownloadSettings, SourceError, fetch, forget
from fomm_engine.models.folder import Pin, made_folder, models_folder, not_writable, read_pins, write_pin
from fomm_engine.models.speedometer import Progress, Speedometer
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.model_table import Entry, Known, Source, find_entry, read_table

State = Literal["absent", "known", "pinned", "changed"]
_MB = 1_000_000


def _silent(stage: str, current: int, total: int | None, message: str) -> None:
    del stage, current, total, message


@dataclass(frozen=True)
class Store:
    """The folder and the table it is filled from."""

    folder: Path = field(default_factory=models_folder)
    table: dict[str, Entry] = field(default_factory=read_table)
    settings: DownloadSettings = field(default_factory=DownloadSettings)

    def path(self, entry: Entry) -> Path:
        """Where the entry's file is kept: each in a folder of its own, since some share their file's name."""
        return self.folder / entry.name / entry.file

    def state(self, entry: Entry) -> State:
        """At a glance, without reading the file: absent; "known" as published; "pinned" as it came; "changed" size."""
        path, pin = self.path(entry), read_pins(self.folder).get(entry.name)
        if not path.is_file():
            return "absent"
        if pin is None or path.stat().st_size != pin.size:
            return "changed"
        return "known" if pin.known else "pinned"

    def download(self, entry: Entry, *, accepted: bool, progress: Progress = _silent) -> list[str]:
        """What there is to say about the file, which is now in the folder.

        accepted: the user has seen the licence and wants the file. Sources are tried in order. Raises UserError:
        "licence-not-accepted", "offline", "download-failed" with every source's reason, "not-writable".
        """
        if self.state(entry) in ("known", "pinned"):
            return [f"{entry.name} is here already: {self.path(entry)}."]
        if not accepted:
            hint = "Say that you accept it: --accept-licence on the command line, the box in the panel."
            raise UserError("licence-not-accepted", f"{entry.name}: {entry.licence}", hint)
        partial = self.path(entry).with_name(entry.file + ".part")
        self._require_space(entry)
        failures: list[tuple[Source, SourceError]] = []
        for source in (source for source in entry.sources if source.kind != "page"):
            try:
                return self._download_from(source, entry, partial, progress)
            except SourceError as error:
                failures.append((source, error))
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                    raise not_writable(partial, error) from error
                failures.append((source, SourceError(str(error))))
        raise _no_source(entry, failures)

    def bring_in(self, file: Path, entry: Entry, progress: Progress = _silent) -> list[str]:
        """What there is to say about `file`, a copy of which is now the entry's. Raises UserError: "weights-missing",
        "weights-unreadable", "weights-unfit", "not-writable"."""
        if not file.is_file():
            raise UserError("weights-missing", f"There is no file {file}.", "Check the path.")
        path = self.path(entry)
        made_folder(path.parent)
        partial = path.with_name(entry.file + ".import")
        try:
            shutil.copyfile(file, partial)
            return self._take_in(partial, entry, f"imported from {file.name}", entry.known, progress)
        except OSError as error:
            raise not_writable(path, error) from error
        finally:
            partial.unlink(missing_ok=True)

    def verify(self, entry: Entry, progress: Progress = _silent) -> str:
        """One sentence: the file is what it was when it came. Raises UserError: "weights-not-here",
        "weights-damaged"."""
        path = self.require(entry)
        digest = digest_of(path, _counting("verify", progress))
        pin = read_pins(self.folder).get(entry.name)
        label = known_as(digest, entry.known)
        if pin is None:
            raise _damaged(path, "nothing was noted about it when it came")
        if digest.sha256 != pin.sha256:
            raise _damaged(path, f"its hash is {digest.sha256[:12]}, it was {pin.sha256[:12]} when it came")
        if label:
            return f"{entry.name}: the published file ({label}), sha256 {digest.sha256}."
        return (
            f"{entry.name}: unchanged since it came ({pin.origin}), sha256 {digest.sha256}; no checksum is published."
        )

    def remove(self, entry: Entry) -> str:
        """One sentence; the file, what is left of downloads of it, and its pin are gone."""
        folder = self.path(entry).parent
        was_there = folder.is_dir()
        shutil.rmtree(folder, ignore_errors=True)
        if self.folder.is_dir():
            write_pin(self.folder, entry.name, None)
        return f"{entry.name} is removed." if was_there else f"{entry.name} was not here."

    def require(self, entry: Entry) -> Path:
        """The entry's file. Raises UserError("weights-not-here") with what to do; nothing is downloaded."""
        path = self.path(entry)
        if not path.is_file():
            hint = f"Download it with `models download {entry.name}`, or import a file with `models import FILE`."
            raise UserError("weights-not-here", f"The weights {entry.name} are not on this machine.", hint)
        return path

    def _download_from(self, source: Source, entry: Entry, partial: Path, progress: Progress) -> list[str]:
        wanted = tuple(known for known in entry.known if known.label == source.known)
        size = wanted[0].size if wanted else None
        fetch(source, partial, Speedometer(entry.size_about, progress), self.settings, size)
        try:
            return self._take_in(partial, entry, source.origin, wanted, progress)
        except UserError as error:
            raise SourceError(error.message) from error
        finally:
            forget(partial)

    def _take_in(
        self, partial: Path, entry: Entry, origin: str, wanted: tuple[Known, ...], progress: Progress
    ) -> list[str]:
        """Check the file beside its place and move it there. `wanted`: what it ought to be, where that is known."""
        digest = digest_of(partial, _counting("verify", progress))
        label = known_as(digest, entry.known)
        is_download = partial.suffix == ".part"
        if is_download and wanted and not label:
            raise UserError("weights-damaged", f"its checksum is not that of the published file ({digest.sha256[:12]})")
        progress("check", 0, None, "tensors")
        notes = check_contents(entry, partial)
        os.replace(partial, self.path(entry))
        write_pin(self.folder, entry.name, Pin(digest.size, digest.sha256, label, origin))
        return [f"{entry.name} is in {self.path(entry)}.", _about_checksum(entry, digest, label), *notes]

    def _require_space(self, entry: Entry) -> None:
        folder = made_folder(self.path(entry).parent)
        free = shutil.disk_usage(folder).free
        if free < entry.size_about * 1.05:
            needed = f"{entry.size_about / _MB:.0f} MB are needed, {free / _MB:.0f} MB are free"
            raise UserError("not-writable", f"There is too little space in {folder}: {needed}.", "Free some space.")


def weights_path(name: str, folder: Path | None = None) -> Path:
    """The file that `name` means: an existing file, or the weights of the table by that name, which must be here.

    Raises UserError: "weights-not-here" (nothing is ever downloaded by this), "weights-missing" for what is neither.
    """
    if Path(name).is_file():
        return Path(name)
    store = Store(models_folder(folder))
    entry = find_entry(name, store.table)
    if entry is None:
        hint = f"Give a file, or one of: {', '.join(key for key, row in store.table.items() if row.kind == 'fomm')}."
        raise UserError("weights-missing", f"There is no weights file {name}, and no weights of that name.", hint)
    same = [row for row in store.table.values() if row.config and row.config == entry.config]  # slim does as well
    here = [row for row in (entry, *same) if store.path(row).is_file()]
    return store.require(here[0] if here else entry)


def _counting(stage: str, progress: Progress) -> Callable[[int, int], None]:
    return lambda done, total: progress(stage, done // _MB, math.ceil(total / _MB), "MB")


def _about_checksum(entry: Entry, digest: Digest, label: str) -> str:
    if label:
        return f"Its checksum is that of the published file ({label})."
    known = "It is none of the files whose checksums are known" if entry.known else "No checksum of it is published"
    return f"{known}: sha256 {digest.sha256} is pinned from now on, and any change will be noticed."


def _damaged(path: Path, reason: str) -> UserError:
    return UserError("weights-damaged", f"{path.name} is not what it was: {reason}.", "Remove it and fetch it again.")


def _no_source(entry: Entry, failures: list[tuple[Source, SourceError]]) -> UserError:
    by_hand = f"Fetch {entry.file} by hand from {' or '.join(entry.pages)}, then import the file."
    if all(error.offline for _, error in failures):
        hosts = ", ".join(source.origin for source, _ in failures) or "no source that a program may use"
        message = f"{entry.name} cannot be downloaded: this machine seems to be offline (tried: {hosts})."
        return UserError("offline", message, f"Connect it and try again. {by_hand}")
    reasons = "; ".join(f"{source.origin}: {error}" for source, error in failures)
    return UserError("download-failed", f"{entry.name} could not be had: {reasons}.", by_hand)
