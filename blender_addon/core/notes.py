# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pure function has to say beside its value: notes for the user, kept instead of printed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One remark on a result that can be used all the same.

    `code` is stable and for programs, `message` one sentence for people, `frames` the take's frames (0-based) it
    is about.
    """

    code: str
    message: str
    frames: tuple[int, ...] = ()
