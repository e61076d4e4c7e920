# SPDX-License-Identifier: GPL-3.0-or-later
"""One clip through the whole product and its figures: capture, bake on a character, measure the evaluated Action."""

from pathlib import Path
from typing import Any

import numpy as np

from fomm_engine.evaluation.metrics import Baked, Tracked, clip_figures
from fomm_engine.evaluation.studio import PROJECT
from fomm_engine.evaluation.truth import Standard
from fomm_engine.wire.capture import Capture
from fomm_engine.wire.errors import UserError

DEFAULT_CHARACTER = "viola"
VIDEO_ENDINGS = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v")


def character_file(name: str | None) -> Path:
    """The file of a character: a path as it is, or the builder of one of the project's own, by its folder's name.

    Raises UserError("no-character") for anything else.
    """
    own = {path.parent.name: path for path in sorted((PROJECT / "rigs" / "characters").glob("*/build.py"))}
    if name is None or name in own:
        return own[name or DEFAULT_CHARACTER]
    path = Path(name)
    if not path.is_file():
        known = ", ".join(own)
        raise UserError("no-character", f"There is no character '{name}'.", f"Name a .blend file, or one of: {known}.")
    if path.suffix not in (".blend", ".py"):
        raise UserError("no-character", f"{path.name} is not a .blend file.", "Choose the character's .blend file.")
    return path.resolve()


def clips_in(folder: Path) -> list[Path]:
    """The videos of `folder` that have a truth or a reference beside them, by name.

    Raises UserError("no-clips") where there is none.
    """
    if not folder.is_dir():
        raise UserError("no-clips", f"There is no folder {folder}.", "Name a folder with X.mp4 and X.gt.npz files.")
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_ENDINGS)
    found = [
        path for path in videos if any(path.with_name(path.stem + end).is_file() for end in (".gt.npz", ".ref.npz"))
    ]
    if not found:
        message = f"{folder} holds no video with X.gt.npz or X.ref.npz beside it."
        raise UserError("no-clips", message, "The formats stand in the README.")
    return found


def read_baked(path: Path) -> Baked:
    """The baked values that the add-on measured into `path` (npz)."""
    with np.load(path, allow_pickle=False) as archive:
        names = [str(name) for name in archive["shape_names"]]
        values = archive["shape_values"]
        return Baked(
            np.asarray(archive["time_s"], np.float64),
            np.asarray(archive["head_rotation"], np.float64),
            {name: np.asarray(values[:, i], np.float64) for i, name in enumerate(names)},
        )


def neutral_frame(result: dict[str, Any], capture: Capture) -> int:
    """The neutral frame that a bake used, or the one that the capture proposed where the result names none."""
    chosen = result.get("neutral_frame")
    return int(capture.header["neutral"]["frame"] if chosen is None else chosen)


def figures_of(standard: Standard, capture: Capture, baked: Baked, at_rest: int) -> dict[str, Any]:
    """The figures of one clip; `at_rest` is the bake's neutral frame."""
    landmarks_px = np.asarray(capture.tracks["landmarks_px"], np.float64)
    return clip_figures(standard, baked, Tracked(capture.time_s, capture.valid, landmarks_px, at_rest))
