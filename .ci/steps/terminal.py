# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads while build.py works: plain lines, and one sentence when it cannot go on."""

from __future__ import annotations

import sys

EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130


class Refusal(Exception):
    """Something outside the project stands in the way: a sentence that says what, and one that says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def say(line: str) -> None:
    """Nothing; prints one line at once, also where the output is a pipe."""
    print(line, flush=True)


def complain(refusal: Refusal) -> None:
    """Nothing; prints a refusal's one or two sentences to the error output."""
    sys.stdout.flush()
    for line in filter(None, (refusal.message, refusal.hint)):
        print(line, file=sys.stderr, flush=True)
