# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or not there: written beside their place under a name of their own, then renamed."""

import contextlib
import os
import secrets
import time
from collections.abc import Generator
from pathlib import Path

PARTIAL_PREFIX = ".understudy-"
PARTIAL_SUFFIX = ".part"
FORGOTTEN_AFTER_S = 24 * 3600.0  # what a killed process left is removed by the next one that writes here


@contextlib.contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """A path to write to; when the block ends well, that file takes the place of `path` at once.

    The partial file has a name that no other process uses and that is short (a name of 250 characters stays legal), so
    two writers of one file cannot mix: the last one wins, whole. Where the block raises, nothing is left and what stood
    at `path` is untouched. Raises OSError as the file system does.
    """
    path = Path(path)
    _sweep(path.parent)
    partial = path.with_name(f"{PARTIAL_PREFIX}{os.getpid():x}-{secrets.token_hex(4)}{PARTIAL_SUFFIX}")
    try:
        yield partial
        _readable(partial)
        _to_disk(partial)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _readable(path: Path) -> None:
    # Some writers make their files for the owner alone; colleagues share folders. The umask cannot be asked without
    # being set, so a file is made as this process makes any other.
    if os.name == "posix":
        ordinary = path.with_name(path.name + ".mode")
        ordinary.touch()
        mode = ordinary.stat().st_mode & 0o777
        ordinary.unlink()
        path.chmod(mode)


def _to_disk(path: Path) -> None:
    # Without this a power cut may leave the new name over an empty file.
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sweep(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for old in folder.glob(f"{PARTIAL_PREFIX}*{PARTIAL_SUFFIX}"):
            if time.time() - old.stat().st_mtime > FORGOTTEN_AFTER_S:
                old.unlink()
