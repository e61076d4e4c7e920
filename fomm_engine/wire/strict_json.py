# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as the standard has it: no NaN, no infinity, no numbers that a double cannot count, no bottomless nesting."""

import json
import math
from typing import Any

LARGEST_WHOLE = 2**53  # beyond it other JSON readers lose digits (RFC 8259, section 6)


def parse_json(text: str) -> Any:
    """The value that `text` holds. Raises ValueError for anything that is not JSON in the strict sense."""
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_countable)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large")
    return number


def _countable(text: str) -> int:
    if len(text) > len(str(-LARGEST_WHOLE)) or abs(int(text)) > LARGEST_WHOLE:
        raise ValueError(f"{text[:20]} is too large")
    return int(text)
