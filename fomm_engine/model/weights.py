# SPDX-License-Identifier: GPL-3.0-or-later
"""A model's networks filled from a checkpoint, checked strictly, and written as safetensors."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from fomm_engine.model.anatomical_detector import AnatomicalDetector
from fomm_engine.model.checkpoint_file import CheckpointFile, State, read_checkpoint
from fomm_engine.model.config import ModelConfig, config_from_shapes, config_from_tree
from fomm_engine.model.fit_report import COMPUTED, FitReport, fit_of
from fomm_engine.model.generator import Generator
from fomm_engine.model.keypoints import KPDetector
from fomm_engine.model.strict_tree import tree_of
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.whole_file import whole_file

FORMAT = "fomm"


@dataclass(frozen=True)
class Networks:
    """Both networks of one model, in evaluation mode."""

    config: ModelConfig
    generator: Generator
    kp_detector: KPDetector | AnatomicalDetector


def new_networks(config: ModelConfig) -> Networks:
    """Networks as `config` says, with torch's random weights, in training mode."""
    learned = config.keypoint_detector.kind == "learned"
    return Networks(config, Generator(config), KPDetector(config) if learned else AnatomicalDetector())


def load_networks(path: Path, config: ModelConfig | None = None) -> Networks:
    """The networks whose weights stand in `path`, built as `config` says or, without one, as the file says.

    A file of our own says it in its metadata, an official one by its tensors' shapes. Reads what `read_checkpoint`
    reads, in half precision too. Raises UserError: "weights-missing", "weights-unreadable", "weights-unfit" with the
    tensors that are missing, superfluous or of another shape.
    """
    file = read_checkpoint(Path(path))
    networks = empty_networks(file, config)
    complaints = [report.sentence() for report in reports_of(networks, file) if not report.fits]
    if complaints:
        raise unfit(file.path, complaints)
    for name, module in _modules(networks).items():
        _assign(module, file.modules.get(name, {}))
    return networks


def empty_networks(file: CheckpointFile, config: ModelConfig | None = None) -> Networks:
    """Networks of the kind whose weights `file` should hold. Raises UserError("weights-unfit") where it holds none."""
    config = config or config_of(file)
    needed = ["generator"] + (["kp_detector"] if config.keypoint_detector.kind == "learned" else [])
    absent = [f"there is no '{name}' in it" for name in needed if name not in file.modules]
    if absent:
        raise unfit(file.path, absent)
    return new_networks(config)


def reports_of(networks: Networks, file: CheckpointFile) -> list[FitReport]:
    """How the file's tensors fit each network."""
    return [fit_of(name, module, file.modules.get(name, {})) for name, module in _modules(networks).items()]


def config_of(file: CheckpointFile) -> ModelConfig:
    """The model that `file` holds: what it says itself, else what its tensors' shapes say, else the usual one."""
    if file.config_tree is not None:
        return config_from_tree(file.config_tree, file.path.name)
    name = file.path.name.split(".")[0]
    shapes = {module: {key: tuple(value.shape) for key, value in s.items()} for module, s in file.modules.items()}
    try:
        return config_from_shapes(shapes["generator"], shapes["kp_detector"], name)
    except (KeyError, ValueError, IndexError):
        return ModelConfig(name)  # the check against the usual network then says what is wrong


def model_tensors(networks: Networks) -> State:
    """The networks' weights under their full keys, `generator.` and `kp_detector.` before the published ones."""
    return {
        f"{name}.{key}": value.detach().contiguous()
        for name, module in _modules(networks).items()
        for key, value in module.state_dict().items()
        if not key.endswith(COMPUTED)
    }


def save_networks(networks: Networks, path: Path, notes: dict[str, str] | None = None) -> None:
    """Nothing; the weights stand in `path` as safetensors, the config in its metadata with `notes`."""
    tree = json.dumps(tree_of(networks.config), ensure_ascii=True)
    about = {"format": FORMAT, "model": networks.config.name, "config": tree, **(notes or {})}
    with whole_file(Path(path)) as partial:
        save_file(model_tensors(networks), partial, metadata=about)


def unfit(path: Path, complaints: list[str]) -> UserError:
    """The error for a file that is no checkpoint of this model."""
    hint = "It must be a checkpoint of the First Order Motion Model, with its generator and its keypoint detector."
    return UserError("weights-unfit", f"{path.name} does not fit: {'; '.join(complaints)}.", hint)


def _modules(networks: Networks) -> dict[str, nn.Module]:
    """The networks that have weights, by the names that checkpoints use."""
    modules: dict[str, nn.Module] = {"generator": networks.generator, "kp_detector": networks.kp_detector}
    return {name: module for name, module in modules.items() if not isinstance(module, AnatomicalDetector)}


def _assign(network: nn.Module, state: State) -> None:
    kept = {key: value.float() for key, value in state.items() if not key.endswith(COMPUTED)}
    with torch.no_grad():
        network.load_state_dict(kept, strict=False)  # the strict check was ours: it knows which tensors are computed
    network.eval().requires_grad_(requires_grad=False)
