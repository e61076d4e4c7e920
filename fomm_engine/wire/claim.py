# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that one process at a time works in: held by the operating system, and so let go when that process dies."""

import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path

LOCK_FILE = "lock"
_TRIES = 20  # a holder that ends takes its file away: whoever opened it a moment before looks again


class Claimed(Exception):
    """Another process works there."""


@contextlib.contextmanager
def claimed(folder: Path) -> Generator[None]:
    """The folder, made where it is missing, is this block's alone; at its end it is taken away where it is empty.

    Raises Claimed where somebody else holds it, OSError where there can be no such folder.
    """
    folder = Path(folder)
    descriptor = _held(folder)
    try:
        yield
    finally:
        _let_go(descriptor, folder)


def is_claimed(folder: Path) -> bool:
    """Whether another process, or another block of this one, works there now."""
    try:
        descriptor = os.open(Path(folder) / LOCK_FILE, os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(descriptor)
    except Claimed:
        return True
    finally:
        os.close(descriptor)
    return False


def _held(folder: Path) -> int:
    for _ in range(_TRIES):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the folder went away in between
            continue
        try:
            _lock(descriptor)
            if _is_there(descriptor, folder / LOCK_FILE):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise Claimed(str(folder))


def _is_there(descriptor: int, path: Path) -> bool:
    """Whether the file that is open is the one of that name: its last holder may have removed it."""
    try:
        named, opened = path.stat(), os.fstat(descriptor)
    except OSError:
        return False
    return (named.st_ino, named.st_dev) == (opened.st_ino, opened.st_dev)


def _let_go(descriptor: int, folder: Path) -> None:
    # Windows lets nobody remove an open file; elsewhere it goes while it is still held, so that nobody gets it too.
    if os.name == "nt":
        os.close(descriptor)
    with contextlib.suppress(OSError):
        (folder / LOCK_FILE).unlink(missing_ok=True)
    if os.name != "nt":
        os.close(descriptor)
    with contextlib.suppress(OSError):
        folder.rmdir()  # fails where something is kept in it


def _lock(descriptor: int) -> None:
    """Nothing; raises Claimed. A file system that knows no locks lets everybody in."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise Claimed from error
    except OSError:
        return
