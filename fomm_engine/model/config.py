# SPDX-License-Identifier: GPL-3.0-or-later
"""What a FOMM network is made of: settings, their YAML files, and reading them off a checkpoint's shapes."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from fomm_engine.wire.errors import UserError

Shapes = Mapping[str, tuple[int, ...]]
Settings = TypeVar("Settings")


@dataclass(frozen=True)
class HourglassSettings:
    """An hourglass of `blocks` levels, `width` channels at the first, never more than `max_width`."""

    width: int
    max_width: int = 1024
    blocks: int = 5


@dataclass(frozen=True)
class KeypointSettings:
    """The keypoint detector: works at `scale` of the image; one Jacobian map each, or one shared by all."""

    hourglass: HourglassSettings = field(default_factory=lambda: HourglassSettings(32))
    scale: float = 0.25
    temperature: float = 0.1
    shared_jacobian: bool = False


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
    """One model: its name, the published checkpoint's file name, what it was trained on, and its networks."""

    name: str
    checkpoint: str = ""
    subject: str = ""
    image_size: int = 256
    keypoints: int = 10
    channels: int = 3
    keypoint_detector: KeypointSettings = field(default_factory=KeypointSettings)
    dense_motion: MotionSettings = field(default_factory=MotionSettings)
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)


def load_config(path: Path) -> ModelConfig:
    """The model that the YAML file `path` describes.

    Raises UserError("config-unreadable") for a missing or malformed file and UserError("config-invalid") for a key that
    does not exist or a value of the wrong kind, with the key's full name and the known ones.
    """
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError("config-unreadable", f"The model config {path} cannot be read: {reason}.") from error
    return config_from_tree(tree, str(path))


def config_from_tree(tree: object, origin: str) -> ModelConfig:
    """The model that `tree` (decoded YAML) describes; `origin` names it in errors. Raises as `load_config` does."""
    return _build(ModelConfig, tree, origin, "")


def config_from_shapes(generator: Shapes, kp_detector: Shapes, name: str) -> ModelConfig:
    """The model that has tensors of these shapes; scales, temperature and variance are the published ones.

    Raises KeyError where a tensor that every FOMM has is missing: the strict check of keys then says which.
    """
    keypoints = kp_detector["kp.weight"][0]
    widths = [generator[key][0] for key in _numbered(generator, "down_blocks.{}.conv.weight")]
    return ModelConfig(
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


def _numbered(shapes: Shapes, pattern: str) -> list[str]:
    keys: list[str] = []
    while pattern.format(len(keys)) in shapes:
        keys.append(pattern.format(len(keys)))
    return keys


def _hourglass(shapes: Shapes, prefix: str) -> HourglassSettings:
    widths = [shapes[key][0] for key in _numbered(shapes, prefix + ".encoder.down_blocks.{}.conv.weight")]
    narrowest = shapes[f"{prefix}.decoder.up_blocks.{len(widths) - 1}.conv.weight"][0]
    return HourglassSettings(narrowest, max(widths), len(widths))


def _build(kind: type[Settings], tree: object, origin: str, place: str) -> Settings:
    if not isinstance(tree, dict):
        raise _invalid(origin, f"'{place or 'the file'}' must hold named settings, got {tree!r}")
    assert is_dataclass(kind)
    known = {entry.name: entry for entry in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in tree.items():
        full = f"{place}.{key}" if place else str(key)
        if key not in known:
            raise _invalid(origin, f"there is no setting '{full}'; known here: {', '.join(known)}")
        values[str(key)] = _value(known[key].type, value, origin, full)
    required = [entry.name for entry in known.values() if entry.default is MISSING and entry.default_factory is MISSING]
    missing = [name for name in required if name not in values]
    if missing:
        raise _invalid(origin, f"'{place + '.' if place else ''}{missing[0]}' is missing")
    return kind(**values)


def _value(kind: Any, value: object, origin: str, full: str) -> Any:
    if is_dataclass(kind):
        return _build(kind, value, origin, full)  # type: ignore[arg-type]
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    if kind is int and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if kind in (str, bool) and isinstance(value, kind):
        return value
    wanted = {float: "a number above 0", int: "a whole number above 0", str: "text", bool: "true or false"}[kind]
    raise _invalid(origin, f"'{full}' must be {wanted}, got {value!r}")


def _invalid(origin: str, reason: str) -> UserError:
    return UserError("config-invalid", f"The model config {origin} is not valid: {reason}.")
