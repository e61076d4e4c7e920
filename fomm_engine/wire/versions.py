# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of the protocol and of the capture format, apart from the product's own version."""

from collections.abc import Sequence
from typing import cast

from fomm_engine.wire.errors import UserError

PROTOCOL: tuple[int, int] = (1, 0)
CAPTURE_FORMAT = "face-capture"
CAPTURE: tuple[int, int] = (1, 0)


def require_same_major(what: str, found: object, supported: tuple[int, int]) -> None:
    """Nothing, if `found` ([major, minor]) has the supported major version; minor versions only ever add.

    Raises UserError("version-unsupported") for another major and for anything that is not a version.
    """
    version = _version(found)
    if version is None:
        raise UserError("version-unsupported", f"{what} states no readable version: {found!r}.", "Make it again.")
    major, minor = version
    if major != supported[0]:
        side = "the add-on and engine" if major > supported[0] else "this file with an older release, or make it again"
        raise UserError(
            "version-unsupported",
            f"{what} has version {major}.{minor}; this release reads {supported[0]}.x.",
            f"Update {side}.",
        )


def _version(found: object) -> tuple[int, int] | None:
    if not isinstance(found, list | tuple):
        return None
    numbers = cast(Sequence[object], found)
    if len(numbers) != 2:
        return None
    major, minor = numbers
    if not isinstance(major, int) or not isinstance(minor, int) or isinstance(major, bool) or isinstance(minor, bool):
        return None
    return major, minor
