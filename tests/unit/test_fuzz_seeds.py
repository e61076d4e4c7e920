# SPDX-License-Identifier: GPL-3.0-or-later
"""The fuzzer's inputs: whole ones are taken, and what it found before raises nothing but the format's errors."""

import pytest

from fomm_engine.wire.events import parse_line
from fomm_engine.wire.job import job_from_fields
from fomm_engine.wire.strict_json import parse_json
from tests.fuzz import CORPUS
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_was_found_before_stays_mended(name: str) -> None:
    found = [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
    for content in (*seeds(name), *found):
        TARGETS[name](content)


def test_the_seeds_are_whole() -> None:
    assert parse_line(seeds("event")[0].decode())["type"] == "hello"
    assert job_from_fields(parse_json(seeds("job")[0].decode())).kind == "capture"
