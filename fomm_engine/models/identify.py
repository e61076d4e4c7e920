# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the eight published models a checkpoint is, by what is left of its training.

All eight share one network but for mgif's Jacobian map. The rest of a whole training checkpoint tells them apart: the
discriminator's kind, whether its optimizer ever ran, the learning rates, the epochs. A slim file keeps none of it; then
only its name is left, or a checksum.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fomm_engine.model.checkpoint_file import CheckpointFile, State
from fomm_engine.model.config import ModelConfig, named_config

PUBLISHED = ("vox", "vox-adv", "taichi", "taichi-adv", "nemo", "mgif", "fashion", "bair")


@dataclass(frozen=True)
class Identity:
    """The published models that it may be, and why in words; by its name alone where `by_name`."""

    candidates: tuple[str, ...]
    reasons: tuple[str, ...]
    by_name: str = ""

    @property
    def model(self) -> str:
        """The one model that it is, or "" where that cannot be said: the tensors first, then the name among those."""
        if len(self.candidates) == 1:
            return self.candidates[0]
        return self.by_name if self.by_name in self.candidates or not self.candidates else ""


def identified(file: CheckpointFile) -> Identity:
    """What can be told of `file`; all eight are candidates of a file that is the usual network and says no more."""
    configs = {name: named_config(f"{name}-256") for name in PUBLISHED}
    reasons: list[str] = []
    for reason, fits in _evidence(file):
        reasons.append(reason)
        configs = {name: config for name, config in configs.items() if fits(config)}
    return Identity(tuple(configs), tuple(reasons), _by_name(file.path.name))


def _evidence(file: CheckpointFile) -> list[tuple[str, Callable[[ModelConfig], bool]]]:
    found: list[tuple[str, Callable[[ModelConfig], bool]]] = []
    kp = file.modules.get("kp_detector", {})
    if "jacobian.weight" in kp and "kp.weight" in kp:
        shared = kp["jacobian.weight"].shape[0] != 4 * kp["kp.weight"].shape[0]
        reason = "one Jacobian map for all keypoints" if shared else "a Jacobian map for each keypoint"
        found.append((reason, lambda config: config.keypoint_detector.shared_jacobian == shared))
    found += _of_discriminator(file.modules.get("discriminator", {}))
    return found + _of_optimizers(file.rest)


def _of_discriminator(state: State) -> list[tuple[str, Callable[[ModelConfig], bool]]]:
    first = next((value for key, value in sorted(state.items()) if "down_blocks.0.conv.weight" in key), None)
    if first is None or first.dim() != 4:
        return []
    spectral = any(key.endswith("weight_orig") for key in state)
    keypoints = first.shape[1] > 3
    words = "with spectral norm" if spectral else "that sees the keypoints" if keypoints else "without spectral norm"

    def fits(config: ModelConfig) -> bool:
        settings = config.training.discriminator
        return (settings.spectral_norm, settings.use_keypoints) == (spectral, keypoints)

    return [(f"a discriminator {words}", fits)]


def _of_optimizers(rest: Mapping[str, Any]) -> list[tuple[str, Callable[[ModelConfig], bool]]]:
    found: list[tuple[str, Callable[[ModelConfig], bool]]] = []
    adversary = rest.get("optimizer_discriminator")
    if isinstance(adversary, Mapping) and "state" in adversary:
        ran = bool(adversary["state"])
        reason = "a discriminator that was trained" if ran else "a discriminator that was never trained"
        found.append((reason, lambda config: (config.training.losses.generator_gan > 0) == ran))
    keypoints = rest.get("optimizer_kp_detector")
    if isinstance(keypoints, Mapping) and keypoints.get("param_groups"):
        group = keypoints["param_groups"][0]
        still = group.get("initial_lr", group.get("lr")) == 0
        reason = "keypoints that were not trained" if still else "keypoints that were trained"
        found.append((reason, lambda config: (config.training.keypoint_learning_rate == 0) == still))
    epoch = rest.get("epoch")
    if isinstance(epoch, int) and not isinstance(epoch, bool) and epoch > 0:
        found.append((f"epoch {epoch}", lambda config: epoch <= config.training.epochs))
    return found


def _by_name(name: str) -> str:
    """The published model that a file's name names, the longest match: vox-adv before vox."""
    plain = name.lower().replace("_", "-")
    return max((model for model in PUBLISHED if plain.startswith(model)), key=len, default="")
