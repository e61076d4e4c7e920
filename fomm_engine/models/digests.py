# SPDX-License-Identifier: GPL-3.0-or-later
"""Hashes of files, and which known file a file is."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fomm_engine.wire.model_table import Known

_PIECE = 1 << 22


@dataclass(frozen=True)
class Digest:
    """A file's size in bytes and its hashes in hex."""

    size: int
    sha256: str
    md5: str


def digest_of(path: Path, progress: Callable[[int, int], None] | None = None) -> Digest:
    """Size and hashes of the file, read in pieces; `progress(bytes done, bytes in all)` may stop it by raising."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)  # md5: what Avatarify published
    total, done = path.stat().st_size, 0
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            sha256.update(piece)
            md5.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done, total)
    return Digest(done, sha256.hexdigest(), md5.hexdigest())


def is_known(digest: Digest, known: Known) -> bool:
    """Whether everything that was published of the known file is true of this one."""
    facts = (
        known.size is None or digest.size == known.size,
        not known.sha256 or digest.sha256 == known.sha256,
        digest.sha256.startswith(known.sha256_prefix),
        not known.md5 or digest.md5 == known.md5,
    )
    return all(facts)


def known_as(digest: Digest, files: Iterable[Known]) -> str:
    """The label of the known file that this is, or "" for none."""
    return next((known.label for known in files if is_known(digest, known)), "")
