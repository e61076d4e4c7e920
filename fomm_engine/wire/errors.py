# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that cross the boundary.

UnderstudyError
 +-- UserError        something the user can mend: code, one clear sentence, a hint (shown without a trace)
 +-- ProtocolError    a line or a job that is not of the protocol
 +-- Cancelled        the host asked the job to stop
      +-- HostGone    the host went away without asking: what was done may be kept
"""


class UnderstudyError(Exception):
    """Base of every error that this product raises on purpose."""


class UserError(UnderstudyError):
    """Something the user can mend: `code` for programs, `message` (one sentence) and `hint` for people."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ProtocolError(UnderstudyError):
    """A line, event or job that does not follow the protocol."""


class Cancelled(UnderstudyError):
    """The host asked the job to stop, or went away."""


class HostGone(Cancelled):
    """The host's end of the pipe is closed: it died, or never meant to wait."""
