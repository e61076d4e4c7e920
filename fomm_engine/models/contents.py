# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file holds what its row of the table says, by its tensors, before it is kept."""

from pathlib import Path

from fomm_engine.model.checkpoint_file import CheckpointFile, read_checkpoint
from fomm_engine.model.weights import empty_networks, reports_of, unfit
from fomm_engine.models.identify import identified
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.model_table import Entry

# A tensor that each kind of file must hold, and its shape.
_LANDMARKS: dict[str, tuple[str, tuple[int, ...]]] = {
    "vgg19": ("features.0.weight", (64, 3, 3, 3)),
    "fan": ("conv1.weight", (64, 3, 7, 7)),
    "s3fd": ("conv1_1.weight", (64, 3, 3, 3)),
}


def check_contents(entry: Entry, path: Path) -> list[str]:
    """Notes about the file, which holds what `entry` promises.

    Raises UserError: "weights-unreadable", "weights-unfit".
    """
    file = read_checkpoint(path)
    return _check_fomm(entry, file) if entry.kind == "fomm" else _check_other(entry, file)


def check_fit(file: CheckpointFile) -> None:
    """Nothing for a whole checkpoint of FOMM. Raises UserError("weights-unfit") with what does not fit."""
    complaints = [report.sentence() for report in reports_of(empty_networks(file), file) if not report.fits]
    if complaints:
        raise unfit(file.path, complaints)


def _check_fomm(entry: Entry, file: CheckpointFile) -> list[str]:
    check_fit(file)
    found = identified(file)
    if found.candidates and entry.name.removesuffix("-slim") not in found.candidates:
        what = " or ".join(found.candidates)
        return [f"Note: by its tensors this looks like {what}, not {entry.name} ({'; '.join(found.reasons)})."]
    return []


def _check_other(entry: Entry, file: CheckpointFile) -> list[str]:
    key, shape = _LANDMARKS[entry.kind]
    tensor = file.rest.get(key)
    if tensor is None or tuple(tensor.shape) != shape:
        found = "nothing of that name" if tensor is None else f"shape {tuple(tensor.shape)}"
        raise UserError(
            "weights-unfit", f"{file.path.name} is not {entry.subject}: {key} must be {shape}, there is {found}."
        )
    return []
