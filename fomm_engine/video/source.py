# SPDX-License-Identifier: GPL-3.0-or-later
"""A video that is worked on for long: which file it was at the beginning, and whether it still is."""

import hashlib

from fomm_engine.video.reader import VideoReader


class SourceVideo:
    """A reader, and what its file was when this was made: its SHA-256, its size, when it was changed."""

    def __init__(self, reader: VideoReader) -> None:
        self.reader, self.info = reader, reader.info
        self._stamp = self._stamp_now()
        with reader.path.open("rb") as stream:
            self.sha256 = hashlib.file_digest(stream, "sha256").hexdigest()

    def is_gone(self) -> bool:
        """Whether there is no such file any more."""
        return not self.reader.path.is_file()

    def is_changed(self) -> bool:
        """Whether the file was written to or replaced; one that is gone is not changed."""
        try:
            return self._stamp_now() != self._stamp
        except FileNotFoundError:
            return False

    def _stamp_now(self) -> tuple[int, int, int]:
        found = self.reader.path.stat()
        return found.st_size, found.st_mtime_ns, found.st_ino
