# SPDX-License-Identifier: GPL-3.0-or-later
"""A published checkpoint as safetensors: only what animates, checked, with a note of what it was."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from fomm_engine.model.checkpoint_file import CheckpointFile, read_checkpoint
from fomm_engine.model.fit_report import FitReport
from fomm_engine.model.strict_tree import tree_of
from fomm_engine.model.weights import FORMAT, config_of, load_networks, model_tensors, reports_of
from fomm_engine.models.identify import Identity, identified
from fomm_engine.wire.whole_file import whole_file


@dataclass(frozen=True)
class Conversion:
    """What was found in the file and left out of the result."""

    form: str
    identity: Identity
    tensors: int
    reports: tuple[FitReport, ...]
    left_out: tuple[str, ...]

    def lines(self) -> list[str]:
        """The report for people: the form, what it is, every tensor's fit, what was left out."""
        model = self.identity.model or f"one of {', '.join(self.identity.candidates)}"
        because = f" ({'; '.join(self.identity.reasons)})" if self.identity.reasons else ""
        lines = [f"Form: {self.form}.", f"Model: {model}{because}.", f"{self.tensors} tensors, all in place."]
        lines += [line for report in self.reports for line in report.lines()]
        return lines + ([f"Left out: {', '.join(self.left_out)}."] if self.left_out else [])


def convert(source: Path, target: Path, *, half: bool = False) -> Conversion:
    """What was converted; the weights stand in `target` as safetensors, in half precision if `half`.

    Raises as `load_networks` does, and writes nothing then.
    """
    networks = load_networks(source)
    file = read_checkpoint(source)
    identity = identified(file)
    tensors = {key: value.half() if half and value.dtype == torch.float32 else value for key, value in
               model_tensors(networks).items()}  # fmt: skip
    with source.open("rb") as stream:
        origin = hashlib.file_digest(stream, "sha256").hexdigest()
    about = {"format": FORMAT, "model": identity.model, "converted_from": source.name, "sha256_of_original": origin}
    about["config"] = json.dumps(tree_of(config_of(file)), ensure_ascii=True)
    with whole_file(target) as partial:
        save_file(tensors, partial, metadata=about)
    reports = tuple(reports_of(networks, file))
    return Conversion(file.form, identity, len(tensors), reports, _left_out(file))


def _left_out(file: CheckpointFile) -> tuple[str, ...]:
    discriminator = ("discriminator",) if "discriminator" in file.modules else ()
    return (
        discriminator
        + tuple(sorted(key for key in file.rest if not key.startswith("optimizer_")))
        + tuple(sorted({key.split(".")[0] for key in file.rest if key.startswith("optimizer_")}))
    )
