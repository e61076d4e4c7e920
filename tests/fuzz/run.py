# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz one format for some minutes: python -m tests.fuzz.run FORMAT --seconds 600 (needs the package atheris).

Inputs that reach new code are kept in tests/fuzz/corpus/FORMAT; the unit ring replays them. An input that raises
anything else than the format's own errors, takes more than a second or more than 512 MB ends the run and stands in
the current folder.
"""

import argparse
import sys
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports]

with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue]
    include=["fomm_engine", "blender_addon", "zipfile", "json"]
):
    from tests.fuzz.seeds import seeds
    from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).resolve().parent / "corpus"
LIMITS = ("-timeout=1", "-rss_limit_mb=512", "-max_len=16384")


def main() -> None:
    """Nothing; runs until the time is over or something breaks."""
    parser = argparse.ArgumentParser(description="Fuzz one format.")
    parser.add_argument("format", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    folder = CORPUS / options.format
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(options.format)):
        (folder / f"seed{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *LIMITS, f"-max_total_time={options.seconds}", str(folder)], TARGETS[options.format])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
