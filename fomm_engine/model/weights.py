# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints of FOMM in every published form, read as data and checked strictly; never as code."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fomm_engine.model.config import ModelConfig, config_from_shapes
from fomm_engine.model.generator import Generator
from fomm_engine.model.keypoints import KPDetector
from fomm_engine.wire.errors import UserError

MODULES = ("generator", "kp_detector")
_COMPUTED = ("down.weight", "num_batches_tracked")  # follow from the scale; count training steps: neither is a weight
_SHOWN = 6  # keys that a report names before it only counts

State = dict[str, Tensor]


@dataclass(frozen=True)
class Networks:
    """Both networks of one model, in evaluation mode."""

    config: ModelConfig
    generator: Generator
    kp_detector: KPDetector


def load_networks(path: Path, config: ModelConfig | None = None) -> Networks:
    """The networks whose weights stand in `path`, built as `config` says or, without one, as the tensors' shapes say.

    Reads the official `.pth.tar` (old and new torch formats; with or without discriminator, optimizers and the
    `module.` prefix of DataParallel) and safetensors. Raises UserError: "weights-missing", "weights-unreadable",
    "weights-unfit" with the tensors that are missing, superfluous or of another shape.
    """
    states = read_states(Path(path))
    config = config or _config_of(states, Path(path))
    networks = Networks(config, Generator(config), KPDetector(config))
    complaints = [line for name in MODULES for line in _misfits(name, getattr(networks, name), states[name])]
    if complaints:
        raise _unfit(Path(path), complaints)
    for name in MODULES:
        _assign(getattr(networks, name), states[name])
    return networks


def read_states(path: Path) -> dict[str, State]:
    """{"generator": tensors, "kp_detector": tensors} of the checkpoint `path`; raises as `load_networks` does."""
    if not path.is_file():
        raise UserError("weights-missing", f"There is no weights file {path}.", "Check the path.")
    try:
        tree = load_file(path) if path.suffix == ".safetensors" else _load_pickle(path)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        hint = "A .pth.tar is no archive: use it as it came, do not unpack it. Fetch a file that was cut short again."
        reason = " ".join(str(error).split())[:160]
        raise UserError(
            "weights-unreadable", f"{path.name} is not a checkpoint that can be read ({reason}).", hint
        ) from error
    states = {name: _state(tree, name) for name in MODULES}
    empty = [name for name in MODULES if not states[name]]
    if empty:
        raise _unfit(path, [f"there is no '{name}' in it" for name in empty])
    return states


def save_networks(networks: Networks, path: Path) -> None:
    """Nothing; the weights stand in `path` as safetensors, keys prefixed `generator.` and `kp_detector.`."""
    tensors = {
        f"{name}.{key}": value.contiguous()
        for name in MODULES
        for key, value in getattr(networks, name).state_dict().items()
        if not key.endswith(_COMPUTED)
    }
    save_file(tensors, path, metadata={"format": "fomm", "model": networks.config.name})


def _load_pickle(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)  # refuses anything that is not plain data


def _state(tree: Any, module: str) -> State:
    """The tensors of `module`: a nested mapping in the official files, prefixed keys in flat ones."""
    if not isinstance(tree, Mapping):
        return {}
    nested = tree.get(module)
    prefix = module + "."
    pairs = (
        nested.items()
        if isinstance(nested, Mapping)
        else [(key.removeprefix(prefix), value) for key, value in tree.items() if str(key).startswith(prefix)]
    )
    return {str(key).removeprefix("module."): value for key, value in pairs if isinstance(value, Tensor)}


def _config_of(states: dict[str, State], path: Path) -> ModelConfig:
    shapes = {name: {key: tuple(value.shape) for key, value in state.items()} for name, state in states.items()}
    try:
        return config_from_shapes(shapes["generator"], shapes["kp_detector"], path.name.split(".")[0])
    except (KeyError, ValueError, IndexError):
        return ModelConfig(path.name.split(".")[0])  # the check against the usual network then says what is wrong


def _misfits(name: str, network: nn.Module, state: State) -> list[str]:
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items() if not key.endswith(_COMPUTED)}
    found = {key: tuple(value.shape) for key, value in state.items() if not key.endswith(_COMPUTED)}
    both = sorted(wanted.keys() & found.keys())
    different = [f"{key} {found[key]} instead of {wanted[key]}" for key in both if found[key] != wanted[key]]
    return [
        f"{name}: {len(keys)} {kind}: {', '.join(keys[:_SHOWN])}{' ...' if len(keys) > _SHOWN else ''}"
        for kind, keys in (
            ("missing", sorted(wanted.keys() - found.keys())),
            ("superfluous", sorted(found.keys() - wanted.keys())),
            ("of another shape", different),
        )
        if keys
    ]


def _assign(network: nn.Module, state: State) -> None:
    kept = {key: value.float() for key, value in state.items() if not key.endswith(_COMPUTED)}
    network.load_state_dict(kept, strict=False)  # the strict check was ours: it knows which tensors are computed
    network.eval().requires_grad_(requires_grad=False)


def _unfit(path: Path, complaints: list[str]) -> UserError:
    hint = "It must be a checkpoint of the First Order Motion Model, with its generator and its keypoint detector."
    return UserError("weights-unfit", f"{path.name} does not fit: {'; '.join(complaints)}.", hint)
