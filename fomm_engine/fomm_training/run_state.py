# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a training needs to go on: networks, optimizers, how far it is; in one safetensors file.

What is drawn at a step follows from the seed and the step's number alone, so no generator's state need be kept.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from fomm_engine.fomm_training.discriminator import Discriminator
from fomm_engine.fomm_training.perceptual import Kind
from fomm_engine.model.anatomical_detector import AnatomicalDetector
from fomm_engine.model.checkpoint_file import read_checkpoint
from fomm_engine.model.config import ModelConfig, config_from_tree
from fomm_engine.model.fit_report import COMPUTED, fit_of
from fomm_engine.model.strict_tree import tree_of
from fomm_engine.model.weights import FORMAT, Networks, new_networks, unfit
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.whole_file import whole_file

_BETAS = (0.5, 0.999)
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True)
class Progress:
    """How far a training is: steps made; the seed and the batch that its order of pictures follows from; in which
    features its pictures are compared."""

    step: int
    seed: int
    batch: int
    features: Kind


class RunState:
    """Networks and their optimizers. `judge` is None where the config weighs the discriminator with 0."""

    def __init__(self, config: ModelConfig, device: torch.device, seed: int = 0) -> None:
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of the first weights
            self.networks: Networks = new_networks(config)
            self.judge = Discriminator(config) if config.training.losses.generator_gan else None
        self.modules: dict[str, nn.Module] = {"generator": self.networks.generator}
        if not isinstance(self.networks.kp_detector, AnatomicalDetector):
            self.modules["kp_detector"] = self.networks.kp_detector
        if self.judge is not None:
            self.modules["discriminator"] = self.judge
        for module in self.modules.values():
            module.to(device).train()
        self.optimizers = {name: self._adam(name, module) for name, module in self.modules.items()}

    def set_epoch(self, epoch: int) -> None:
        """Nothing; the learning rates are those of `epoch`: a tenth after each milestone."""
        passed = sum(epoch >= milestone for milestone in self.config.training.milestones)
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self._rate(name) * 0.1**passed

    def fill(self, path: Path) -> None:
        """Nothing; the networks are those of the checkpoint `path`, the discriminator too where it has one.

        Raises UserError as reading it does, and "weights-unfit" where it is of another model than the config says.
        """
        file = read_checkpoint(path)
        for name, module in self.modules.items():
            state = file.modules.get(name, {})
            if name == "discriminator" and not state:
                continue
            report = fit_of(name, module, state)
            if not report.fits:
                raise unfit(path, [report.sentence()])
            _fill(module, state)

    def save(self, path: Path, progress: Progress) -> None:
        """Nothing; all of it stands in `path`, which `load_networks` reads too."""
        tensors: dict[str, Tensor] = {}
        for name, module in self.modules.items():
            tensors |= {f"{name}.{k}": v for k, v in module.state_dict().items() if not k.endswith(COMPUTED)}
            for key, parameter in module.named_parameters():
                state = self.optimizers[name].state.get(parameter, {})
                tensors |= {f"adam_{name}.{moment}.{key}": torch.as_tensor(v) for moment, v in state.items()}
        whole = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
        about = {"format": FORMAT, "model": self.config.name, "config": json.dumps(tree_of(self.config))}
        with whole_file(path) as partial:
            save_file(whole, partial, metadata={**about, "progress": json.dumps(asdict(progress))})

    def resume(self, path: Path) -> Progress:
        """How far the training in `path` was; networks and optimizers are as they were then."""
        progress = read_progress(path)
        self.fill(path)
        moments = read_checkpoint(path).rest
        for name, module in self.modules.items():
            optimizer = self.optimizers[name]
            for key, parameter in module.named_parameters():
                found = {m: moments[f"adam_{name}.{m}.{key}"] for m in _MOMENTS if f"adam_{name}.{m}.{key}" in moments}
                if found:  # the step counter stays on the processor, as torch keeps it
                    optimizer.state[parameter] = {
                        m: value if m == "step" else value.to(parameter.device) for m, value in found.items()
                    }
        return progress

    def _adam(self, name: str, module: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(module.parameters(), lr=self._rate(name), betas=_BETAS)

    def _rate(self, name: str) -> float:
        training = self.config.training
        rates = {"kp_detector": training.keypoint_learning_rate, "discriminator": training.discriminator_learning_rate}
        return rates.get(name, training.learning_rate)


def read_progress(path: Path) -> Progress:
    """How far the training in `path` is. Raises UserError("training-unreadable") where that cannot be told."""
    return Progress(**json.loads(_metadata(path, "progress")))


def read_config(path: Path) -> ModelConfig:
    """The config of the training in `path`. Raises as `read_progress`."""
    return config_from_tree(json.loads(_metadata(path, "config")), path.name)


def _metadata(path: Path, key: str) -> str:
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {})[key]
    except (OSError, SafetensorError, KeyError) as error:
        message = f"{path} is no training that can go on ({error})."
        raise UserError(
            "training-unreadable", message, "Start a new one, with this file as its first weights."
        ) from error


def _fill(module: nn.Module, state: dict[str, Tensor]) -> None:
    own = module.state_dict()
    with torch.no_grad():
        for key, value in state.items():
            if not key.endswith(COMPUTED):
                own[key].copy_(value)
