# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing of weights files: half precision safetensors, their dimensions inside, and the table of hashes."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file as save_tensors

from fomm_engine.face.weights import DIMENSIONS_KEY, TABLE_NAME, weights_table

_LICENCE = "GPL-3.0-or-later; contains data derived from ICT FaceKit (MIT, notice in LICENSE.ict-facekit.txt)"


def export_net(state: dict[str, torch.Tensor], dimensions: dict[str, int], path: Path, origin: str) -> None:
    """Write a net's state (whole numbers dropped to what batch norm needs) as fp16 and enter it in the table."""
    kept = {name: _half(value) for name, value in state.items()}
    partial = path.with_suffix(".partial")
    save_tensors(kept, partial, metadata={DIMENSIONS_KEY: json.dumps(dimensions, sort_keys=True)})
    _publish(partial, path, origin)


def export_arrays(arrays: dict[str, NDArray[np.float32]], path: Path, origin: str) -> None:
    """Write float32 arrays and enter them in the table."""
    partial = path.with_suffix(".partial")
    save_arrays({name: np.ascontiguousarray(values) for name, values in arrays.items()}, partial)
    _publish(partial, path, origin)


def _half(value: torch.Tensor) -> torch.Tensor:
    """Half precision and contiguous; integers (batch norm's counter) as they are."""
    kept = value.detach().half() if value.is_floating_point() else value.detach()
    return kept.contiguous().clone()


def _publish(partial: Path, path: Path, origin: str) -> None:
    """Rename to the final name, then rewrite the table with its hash."""
    partial.chmod(0o644)
    os.replace(partial, path)
    table = weights_table(path.parent)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    table[path.name] = {"sha256": digest, "licence": _LICENCE, "origin": origin}
    target = path.parent / TABLE_NAME
    beside = target.with_suffix(".partial")
    text = json.dumps(dict(sorted(table.items())), indent=1, ensure_ascii=True, allow_nan=False) + "\n"
    beside.write_text(text, encoding="ascii")
    os.replace(beside, target)
