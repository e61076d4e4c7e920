# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are full or may only be read, made for a test: a small tmpfs where mounting is allowed."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SmallDisk:
    """A file system of its own at `folder`."""

    folder: Path

    def fill(self, ballast: Path) -> None:
        """Nothing; `ballast` takes all space that is left."""
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as stream:
            while stream.write(b"x" * 4096):
                pass

    def remount(self, options: str) -> None:
        """Change its options: size=..., ro, rw."""
        _mount("-o", f"remount,{options}", str(self.folder))


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[SmallDisk | None]:
    """A tmpfs of `size` at `folder` (made), gone at the end; None where this user may not mount."""
    folder.mkdir()
    if not _mount("-t", "tmpfs", "-o", f"size={size}", "none", str(folder)):
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(*arguments: str) -> bool:
    try:
        return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
