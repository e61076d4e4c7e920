# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz one format for some minutes: python -m tests.fuzz.run FORMAT --seconds 600 --work DIR.

Needs the package atheris. Inputs that reach new code gather in DIR/FORMAT; `python -m tests.fuzz.keep` chooses the few
that are kept in tests/fuzz/corpus, which the unit ring replays. An input that raises anything else than the format's
own errors, takes more than a second of processor time or more than 512 MB ends the run and stands in DIR.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports]

from tests.fuzz import CORPUS

with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue]
    include=["fomm_engine", "blender_addon", "zipfile", "json", "yaml"]
):
    from tests.fuzz.json_mutator import mutated
    from tests.fuzz.seeds import seeds
    from tests.fuzz.targets import TARGETS

LONGEST_S = 1.0
# The fuzzer's own clock is the wall's, which says little on a busy machine: it catches only what never ends.
LIMITS = ("-timeout=20", "-rss_limit_mb=512", "-malloc_limit_mb=512", "-max_len=16384", "-print_final_stats=1")


class TooSlow(Exception):
    """An input took longer than any may."""


def main() -> None:
    """Nothing; runs until the time is over or something breaks."""
    parser = argparse.ArgumentParser(description="Fuzz one format.")
    parser.add_argument("format", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="where inputs gather")
    options = parser.parse_args()
    folder = options.work / options.format
    folder.mkdir(parents=True, exist_ok=True)
    kept = CORPUS / options.format
    known = [path.read_bytes() for path in sorted(kept.glob("*"))] if kept.is_dir() else []
    for number, seed in enumerate([*seeds(options.format), *known]):
        (folder / f"seed{number}").write_bytes(seed)
    places = (f"-max_total_time={options.seconds}", f"-artifact_prefix={options.work}/{options.format}-", str(folder))
    arguments = [sys.argv[0], *LIMITS, *places]
    atheris.Setup(arguments, _timed(TARGETS[options.format]), custom_mutator=_mutate)
    atheris.Fuzz()


def _timed(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        started = time.process_time()
        target(data)
        spent = time.process_time() - started
        if spent > LONGEST_S:
            raise TooSlow(f"{spent:.1f} s")

    return run


def _mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """The input with bytes changed, or with values of its JSON changed where it is that."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        try:
            changed = mutated(data.decode(), chance).encode()
        except (UnicodeError, RecursionError):
            changed = data
        if changed != data and len(changed) <= max_size:
            return changed
    return atheris.Mutate(data, max_size)


if __name__ == "__main__":
    main()
