# SPDX-License-Identifier: GPL-3.0-or-later
"""The same take gives the same curves, number by number, until somebody means to change them."""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from fomm_engine.wire.archive import ArchiveLimits, read_arrays
from tests.golden import results

TOLERANCE = 2e-4  # of a channel, a quaternion's part, a cm: single precision differs a little between processors


@cache
def kept() -> dict[str, np.ndarray]:
    return read_arrays(results.NUMBERS, ArchiveLimits(members=4000))


@pytest.mark.parametrize("name", results.NUMBERS_OF)
def test_numbers_are_as_they_were(name: str) -> None:
    expected = {key.removeprefix(f"{name}/"): value for key, value in kept().items() if key.startswith(f"{name}/")}
    found = results.NUMBERS_OF[name]()
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"{name}: {key}")


@pytest.mark.parametrize("part", json.loads(results.TEXTS.read_text()))
def test_sentences_and_choices_are_as_they_were(part: str) -> None:
    expected = json.loads(results.TEXTS.read_text())[part]
    assert _rounded(json.loads(json.dumps(_texts()[part]))) == _rounded(expected)


@cache
def _texts() -> dict[str, object]:
    return results.texts()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
