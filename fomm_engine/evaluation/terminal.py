# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress on a terminal: one line that renews itself where it can, a line per stage where it cannot."""

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

LOG_EVERY_S = 15.0


class Progress:
    """Shows how far the stages of a long run are, with an estimate of the time left in the stage."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._stage = ""
        self._started = self._shown = 0.0
        self._open = False

    def event(self, prefix: str = "") -> Callable[[dict[str, Any]], None]:
        """A function that shows the add-on's progress events; others are shown as sentences."""

        def show(event: dict[str, Any]) -> None:
            if event["type"] == "progress":
                stage = f"{prefix}: {event.get('stage', '')}" if prefix else str(event.get("stage", ""))
                self.show(stage, int(event.get("current") or 0), event.get("total"))
            elif event["type"] in ("warn", "log") and event.get("message"):
                self.say(str(event["message"]))

        return show

    def show(self, stage: str, current: int, total: int | None) -> None:
        """Show one state of a stage."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._shown = stage, now, 0.0
        last = total is not None and current >= total
        if not last and now - self._shown < (0.1 if self._stream.isatty() else LOG_EVERY_S):
            return
        self._shown = now
        text = f"  {stage} {current}" + (f" of {total}" if total else "") + self._estimate(current, total, now)
        self._stream.write(f"\r\x1b[K{text}" if self._stream.isatty() else text + "\n")
        self._open = self._stream.isatty()
        self._stream.flush()

    def say(self, sentence: str) -> None:
        """Show a sentence that stays."""
        self.close()
        self._stream.write(f"  {sentence}\n")
        self._stream.flush()

    def close(self) -> None:
        """End the line that renews itself."""
        if self._open:
            self._stream.write("\n")
            self._open = False

    def _estimate(self, current: int, total: int | None, now: float) -> str:
        passed_s = now - self._started
        if not total or current <= 0 or passed_s < 2 or current >= total:
            return ""
        return f", about {max(1, round(passed_s * (total - current) / current))} s left"
