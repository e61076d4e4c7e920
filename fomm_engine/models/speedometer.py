# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes that come in, told in MB with their speed and the time that is left."""

import math
import time
from collections.abc import Callable

MB = 1_000_000
Progress = Callable[[str, int, int | None, str], None]  # stage, current, total, message: a reporter's


class Speedometer:
    """Called with (bytes there, bytes in all or None) as they come; tells a reporter's progress of stage "download".

    about: bytes in all, where the server does not say. What was there at the first call does not count as speed.
    """

    def __init__(self, about: int, progress: Progress) -> None:
        self._about = about
        self._progress = progress
        self._start: tuple[float, int] | None = None

    def __call__(self, done: int, total: int | None) -> None:
        """Tell how far it is. Raises as the progress does, where the job is to stop."""
        now = time.monotonic()
        self._start = self._start or (now, done)
        total = total or max(self._about, done)
        speed = (done - self._start[1]) / max(now - self._start[0], 1e-3)
        left = f", {speed / MB:.1f} MB/s, {_duration((total - done) / speed)} left" if speed > 0 else ""
        whole = math.ceil(total / MB)
        self._progress("download", whole if done >= total else done // MB, whole, f"MB{left}")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
