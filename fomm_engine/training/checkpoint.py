# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a training run needs to go on later, in one safetensors file."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

_PROGRESS_KEY = "progress"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True)
class Progress:
    """How far a run is: optimiser steps, samples seen, seconds of training, and how often it was started."""

    steps: int = 0
    samples: int = 0
    elapsed_s: float = 0.0
    starts: int = 0


def average_of(net: nn.Module) -> dict[str, Tensor]:
    """A copy of a net's state, to be kept up with `follow`."""
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def follow(average: dict[str, Tensor], net: nn.Module, decay: float) -> None:
    """Move an average of weights (an exponential moving average) towards the net; whole numbers are copied."""
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - decay)
            else:
                average[name].copy_(value)


def save_checkpoint(
    path: Path, net: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write the state of a run beside the target and rename it."""
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for name, parameter in net.named_parameters():
        for moment, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{moment}.{name}"] = torch.as_tensor(value)
    partial = path.with_suffix(".partial")
    whole = {name: value.detach().contiguous().clone() for name, value in tensors.items()}
    save_file(whole, partial, metadata={_PROGRESS_KEY: json.dumps(asdict(progress))})
    os.replace(partial, path)


def load_checkpoint(path: Path, net: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], Progress]:
    """Fill the net and its optimiser; the average of weights and the progress come back."""
    groups, progress = _read(path)
    net.load_state_dict(groups["net"])
    for name, parameter in net.named_parameters():
        state = {moment: groups[moment][name].clone() for moment in _MOMENTS if name in groups.get(moment, {})}
        if state:
            optimizer.state[parameter] = state
    return groups["average"], progress


def averaged_weights(path: Path) -> tuple[dict[str, Tensor], Progress]:
    """The average of weights alone, for export."""
    groups, progress = _read(path)
    return groups["average"], progress


def _read(path: Path) -> tuple[dict[str, dict[str, Tensor]], Progress]:
    groups: dict[str, dict[str, Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        progress = Progress(**json.loads((file.metadata() or {})[_PROGRESS_KEY]))
        for key in file.keys():  # noqa: SIM118
            group, name = key.split(".", 1)
            groups.setdefault(group, {})[name] = file.get_tensor(key)
    return groups, progress
