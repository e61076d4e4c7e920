# SPDX-License-Identifier: GPL-3.0-or-later
"""What a FOMM network is made of: settings, their YAML files, and reading them off a checkpoint's shapes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from fomm_engine.model.strict_tree import built, invalid
from fomm_engine.model.training_settings import TrainingSettings
from fomm_engine.wire.errors import UserError

Shapes = Mapping[str, tuple[int, ...]]
_INSTALLED = Path(__file__).resolve().parents[1] / "configs"  # where the wheel has them
_LONGEST_TEXT, _DEEPEST = 100_000, 50  # characters, levels
_OPENING = (
    *(yaml.BlockSequenceStartToken, yaml.BlockMappingStartToken),
    *(yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken),
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
_MOST = {"image_size": 4096, "keypoints": 1000, "channels": 8}
_WIDEST, _MOST_BLOCKS = 8192, 64
_SOURCES = Path(__file__).resolve().parents[2] / "configs"


@dataclass(frozen=True)
class HourglassSettings:
    """An hourglass of `blocks` levels, `width` channels at the first, never more than `max_width`."""

    width: int
    max_width: int = 1024
    blocks: int = 5


@dataclass(frozen=True)
class KeypointSettings:
    """The keypoint detector: works at `scale` of the image; one Jacobian map each, or one shared by all.

    kind: "learned" by the model itself, as in the paper, or "anatomical": the ten keypoints of the default weights,
    found by the landmark net, which is not trained with the model; the other settings then mean nothing.
    """

    hourglass: HourglassSettings = field(default_factory=lambda: HourglassSettings(32))
    scale: float = 0.25
    temperature: float = 0.1
    shared_jacobian: bool = False
    kind: Literal["learned", "anatomical"] = "learned"


@dataclass(frozen=True)
class MotionSettings:
    """The dense motion network: works at `scale` of the image; `variance` of the keypoints' Gaussians."""

    hourglass: HourglassSettings = field(default_factory=lambda: HourglassSettings(64))
    scale: float = 0.25
    variance: float = 0.01


@dataclass(frozen=True)
class GeneratorSettings:
    """The generator: `width` channels at full size, `down_blocks` halvings, `residual_blocks` at the bottom."""

    width: int = 64
    max_width: int = 512
    down_blocks: int = 2
    residual_blocks: int = 6


@dataclass(frozen=True)
class ModelConfig:
    """One model: its name, the published checkpoint's file name, what it was trained on, its networks, its training."""

    name: str
    checkpoint: str = ""
    subject: str = ""
    image_size: int = 256
    keypoints: int = 10
    channels: int = 3
    keypoint_detector: KeypointSettings = field(default_factory=KeypointSettings)
    dense_motion: MotionSettings = field(default_factory=MotionSettings)
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)


def config_names() -> list[str]:
    """The names of the configs that come with the engine."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def named_config(name: str) -> ModelConfig:
    """The config that comes with the engine as `name`, or the one in the file `name` where it ends in .yaml.

    Raises UserError("config-unknown") with the names there are, and as `load_config` does.
    """
    if name.endswith((".yaml", ".yml")):
        return load_config(Path(name))
    if name not in config_names():
        known = ", ".join(config_names()) or "none"
        raise UserError("config-unknown", f"There is no model config '{name}'.", f"There are: {known}.")
    return load_config(_folder() / f"{name}.yaml")


def load_config(path: Path) -> ModelConfig:
    """The model that the YAML file `path` describes.

    Raises UserError("config-unreadable") for a missing or malformed file and UserError("config-invalid") for a key that
    does not exist or a value of the wrong kind, with the key's full name and the known ones.
    """
    try:
        tree = _parsed(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError("config-unreadable", f"The model config {path} cannot be read: {reason}.") from error
    return config_from_tree(tree, str(path))


def _parsed(text: str) -> object:
    """What YAML without aliases holds: a few of them can stand for more than any memory has. Raises ValueError."""
    if len(text) > _LONGEST_TEXT:
        raise ValueError("it is too long for a config")
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken):
            raise ValueError("it uses aliases (*name), which a config does not need")
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
    return yaml.safe_load(text)


def config_from_tree(tree: object, origin: str) -> ModelConfig:
    """The model that `tree` (decoded YAML) describes; `origin` names it in errors. Raises as `load_config` does."""
    config = built(ModelConfig, tree, origin)
    _check_sizes(config, origin)
    return config


def config_from_shapes(generator: Shapes, kp_detector: Shapes, name: str) -> ModelConfig:
    """The model that has tensors of these shapes; scales, temperature and variance are the published ones.

    Raises KeyError where a tensor that every FOMM has is missing: the strict check of keys then says which.
    """
    keypoints = kp_detector["kp.weight"][0]
    widths = [generator[key][0] for key in _numbered(generator, "down_blocks.{}.conv.weight")]
    config = ModelConfig(
        name,
        keypoints=keypoints,
        channels=generator["first.conv.weight"][1],
        keypoint_detector=KeypointSettings(
            hourglass=_hourglass(kp_detector, "predictor"),
            shared_jacobian=kp_detector["jacobian.weight"][0] != 4 * keypoints,
        ),
        dense_motion=MotionSettings(hourglass=_hourglass(generator, "dense_motion_network.hourglass")),
        generator=GeneratorSettings(
            width=generator["first.conv.weight"][0],
            max_width=max(widths),
            down_blocks=len(widths),
            residual_blocks=len(_numbered(generator, "bottleneck.r{}.conv1.weight")),
        ),
    )
    _check_limits(config, name)
    return config


def _numbered(shapes: Shapes, pattern: str) -> list[str]:
    keys: list[str] = []
    while pattern.format(len(keys)) in shapes:
        keys.append(pattern.format(len(keys)))
    return keys


def _hourglass(shapes: Shapes, prefix: str) -> HourglassSettings:
    widths = [shapes[key][0] for key in _numbered(shapes, prefix + ".encoder.down_blocks.{}.conv.weight")]
    narrowest = shapes[f"{prefix}.decoder.up_blocks.{len(widths) - 1}.conv.weight"][0]
    return HourglassSettings(narrowest, max(widths), len(widths))


def _folder() -> Path:
    return _INSTALLED if _INSTALLED.is_dir() else _SOURCES


def _check_limits(config: ModelConfig, origin: str) -> None:
    """Raises UserError("config-invalid") for sizes that no model has."""
    hourglasses = config.keypoint_detector.hourglass, config.dense_motion.hourglass
    widths = [size for part in (*hourglasses, config.generator) for size in (part.width, part.max_width)]
    blocks = [part.blocks for part in hourglasses] + [config.generator.down_blocks, config.generator.residual_blocks]
    small = all(getattr(config, name) <= most for name, most in _MOST.items())
    if not small or max(widths) > _WIDEST or max(blocks) > _MOST_BLOCKS:
        raise invalid(origin, "its networks would be larger than any model's")


def _check_sizes(config: ModelConfig, origin: str) -> None:
    """Raises UserError("config-invalid") where a network's levels do not halve the picture evenly, or no machine could
    hold it."""
    _check_limits(config, origin)
    parts = {"dense_motion": config.dense_motion, "keypoint_detector": config.keypoint_detector}
    if config.keypoint_detector.kind == "anatomical":
        del parts["keypoint_detector"]
    for name, part in parts.items():
        side = config.image_size * part.scale
        if side % 2**part.hourglass.blocks:
            reason = f"{side:g} pixels cannot be halved {part.hourglass.blocks} times"
            raise invalid(origin, f"'{name}': {reason} (image_size x scale, hourglass.blocks)")
    if config.image_size % 2**config.generator.down_blocks:
        raise invalid(origin, f"'image_size' must be divisible by {2**config.generator.down_blocks}")
