# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the few inputs that reach everything the fuzzer reached: python -m tests.fuzz.keep --work DIR.

Of each format's inputs, the smallest first, those that reach a step from line to line that none before them did are
kept in tests/fuzz/corpus; the rest is not needed. Prints what was reached of each format's own code.
"""

import argparse
import hashlib
import importlib
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz import CORPUS
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

MOST_BYTES = 90_000  # of one format's corpus
PARSERS = {
    "event": ("fomm_engine.wire.events", "fomm_engine.wire.strict_json"),
    "session": ("blender_addon.engine.session",),
    "job": ("fomm_engine.wire.job", "fomm_engine.wire.versions"),
    "capture": ("fomm_engine.wire.capture", "fomm_engine.wire.archive"),
    "motion": ("fomm_engine.wire.motion_tracks",),
    "rig_map": ("blender_addon.core.rig_map",),
    "rig_basis": ("blender_addon.core.rig_basis",),
    "live_link": ("blender_addon.core.live_link", "blender_addon.core.timecode"),
    "calibration": ("blender_addon.core.actor_calibration",),
    "face": ("fomm_engine.wire.standard_face",),
    "movie": ("blender_addon.core.movie_header",),
    "unfinished": ("fomm_engine.wire.unfinished",),
}
Step = tuple[str, int, int]


def main() -> None:
    """Nothing; the corpus holds what is worth keeping."""
    parser = argparse.ArgumentParser(description="Choose the inputs that are kept.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    for name in sorted(TARGETS):
        found = [path.read_bytes() for folder in (options.work, CORPUS) for path in (folder / name).glob("*")]
        kept, reached = chosen(name, [*seeds(name), *found])
        _write(name, kept)
        lines, of = _share(name, reached)
        print(f"{name}: {len(found)} inputs, {len(kept)} kept, {lines} of {of} lines of its parser")  # noqa: T201


def chosen(name: str, inputs: list[bytes]) -> tuple[list[bytes], set[Step]]:
    """The inputs that reach something new, the smallest first, and all that was reached."""
    kept: list[bytes] = []
    reached: set[Step] = set()
    size = 0
    for content in sorted(set(inputs), key=len):
        steps = steps_of(name, content)
        if steps - reached and size + len(content) <= MOST_BYTES:
            kept.append(content)
            reached |= steps
            size += len(content)
    return kept, reached


def steps_of(name: str, content: bytes) -> set[Step]:
    """The steps from line to line of the product that an input takes."""
    steps: set[Step] = set()

    def enter(frame: FrameType, _event: str, _argument: Any) -> Any:
        file = frame.f_code.co_filename
        if "fomm_engine" not in file and "blender_addon" not in file:
            return None
        before = [frame.f_lineno]

        def step(frame: FrameType, _event: str, _argument: Any) -> Any:
            steps.add((file, before[0], frame.f_lineno))
            before[0] = frame.f_lineno
            return step

        return step(frame, "", None)

    sys.settrace(enter)
    try:
        TARGETS[name](content)
    finally:
        sys.settrace(None)
    return steps


def _share(name: str, reached: set[Step]) -> tuple[int, int]:
    """(lines reached, lines that can be) of a format's parsers."""
    hit, every = 0, 0
    for module in PARSERS[name]:
        path = Path(str(importlib.import_module(module).__file__))
        lines = _lines_within(compile(path.read_text(encoding="utf-8"), str(path), "exec"), outer=False)
        hit += len(lines & {line for file, _, line in reached if Path(file) == path})
        every += len(lines)
    return hit, every


def _lines_within(code: Any, *, outer: bool) -> set[int]:
    """The lines of all functions of a module."""
    found = {line for _, _, line in code.co_lines() if line} if outer else set()
    for inner in code.co_consts:
        if hasattr(inner, "co_code"):
            found |= _lines_within(inner, outer=True)
    return found


def _write(name: str, kept: list[bytes]) -> None:
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*"):
        path.unlink()
    for content in kept:
        (folder / hashlib.sha256(content).hexdigest()[:12]).write_bytes(content)


if __name__ == "__main__":
    main()
