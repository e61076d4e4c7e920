# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong outside the product, in the user's words: no memory, no space, a disk that cannot be written."""

import errno

from fomm_engine.wire.errors import UserError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EROFS, errno.EACCES, errno.EPERM)
# How libraries say that there is no memory, where they raise no MemoryError: torch, OpenCV, threads, loading of code.
_NO_MEMORY = (
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "insufficient memory",
    "out of memory",
    "bad_alloc",
    "can't start new thread",
    "failed to map segment",
)


def user_error_of(error: BaseException) -> UserError | None:
    """The sentence for an error of the machine; None for one of the product's own."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        place = f" for {error.filename}" if error.filename else ""
        return UserError("disk-full", f"There is no space left on the disk{place}.", "Free some space and start again.")
    if isinstance(error, OSError) and error.errno in _NOT_ALLOWED:
        place = error.filename or "A file"
        return UserError("not-writable", f"{place} cannot be used ({error.strerror}).", "Choose another folder.")
    if _is_no_memory(error):
        hint = "Close other programs, or use a smaller video, and start again."
        return UserError("out-of-memory", "The machine ran out of memory.", hint)
    return None


def _is_no_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    words = str(error).lower()
    return isinstance(error, Exception) and any(sign in words for sign in _NO_MEMORY)
