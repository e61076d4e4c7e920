# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoint files of FOMM in every published form, read as data: never as code."""

import pickle
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.strict_json import parse_json

State = dict[str, Tensor]
_MODULES = ("generator", "kp_detector", "discriminator")
_WRAPPERS = ("state_dict", "model", "models")  # what forks put the modules into
_PARALLEL = "module."  # DataParallel's prefix
_ALWAYS_BYTES, _MOST_PACKING = 100_000_000, 20
_DAMAGED = (
    zipfile.BadZipFile,
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    OSError,
    AttributeError,
    TypeError,
)


@dataclass(frozen=True)
class CheckpointFile:
    """What a file holds: form ("safetensors", "torch zip" or "torch legacy"), the tensors of each module that is
    there, the rest of a training checkpoint (optimizers, epoch) as it stood, and safetensors' metadata."""

    path: Path
    form: str
    modules: dict[str, State]
    rest: dict[str, Any] = field(default_factory=lambda: {})
    metadata: dict[str, str] = field(default_factory=lambda: {})

    @property
    def config_tree(self) -> dict[str, Any] | None:
        """The model config that our own files carry."""
        text = self.metadata.get("config")
        try:
            return cast(dict[str, Any], parse_json(text)) if text else None
        except ValueError as error:
            raise _unreadable(self.path, error) from error


def read_checkpoint(path: Path) -> CheckpointFile:
    """The tensors in `path`: safetensors, or torch's formats (zip since torch 1.6, the older one before), which are
    read with weights_only=True. Modules may be nested or flat, with DataParallel's prefix or without.

    Raises UserError: "weights-missing", "weights-unreadable".
    """
    path = Path(path)
    if not path.is_file():
        raise UserError("weights-missing", f"There is no weights file {path}.", "Check the path.")
    try:
        form = _form(path)
        if form == "safetensors":
            return _from_safetensors(path)
        if form == "torch zip":
            _require_plain_zip(path)
        tree = torch.load(path, map_location="cpu", weights_only=True)  # refuses anything that is not plain data
    except (SafetensorError, *_DAMAGED) as error:
        raise _unreadable(path, error) from error
    modules, rest = _sorted_out(tree)
    return CheckpointFile(path, form, modules, rest)


def _require_plain_zip(path: Path) -> None:
    """Raises ValueError for a zip that unpacks to much more than it is: torch packs tensors as they are."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max(_ALWAYS_BYTES, path.stat().st_size * _MOST_PACKING):
        raise ValueError(f"it would unpack to {unpacked / 1e6:.0f} MB")


def _form(path: Path) -> str:
    """By content, not by name: people rename files."""
    with path.open("rb") as stream:
        head = stream.read(9)
    if head[:4] == b"PK\x03\x04":
        return "torch zip"
    return "safetensors" if len(head) == 9 and head[8:9] == b"{" else "torch legacy"


def _from_safetensors(path: Path) -> CheckpointFile:
    with safe_open(path, framework="pt") as file:
        tree = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
        metadata = dict(file.metadata() or {})
    modules, rest = _sorted_out(tree)
    return CheckpointFile(path, "safetensors", modules, rest, metadata)


def _sorted_out(tree: Any) -> tuple[dict[str, State], dict[str, Any]]:
    """({module: tensors}, everything else) of a decoded file."""
    if not isinstance(tree, Mapping):
        return {}, {}
    known = cast(Mapping[str, Any], tree)
    for wrapper in _WRAPPERS:
        inner = known.get(wrapper)
        if isinstance(inner, Mapping) and not any(name in known for name in _MODULES):
            known = cast(Mapping[str, Any], inner)
    modules = {name: _state(known, name) for name in _MODULES}
    mine = tuple(f"{name}." for name in _MODULES)
    rest = {str(key): value for key, value in known.items() if key not in _MODULES and not str(key).startswith(mine)}
    return {name: state for name, state in modules.items() if state}, rest


def _state(tree: Mapping[str, Any], module: str) -> State:
    nested = tree.get(module)
    prefix = f"{module}."
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(nested, Mapping):
        pairs = cast(Mapping[Any, Any], nested).items()
    else:
        pairs = [(str(key).removeprefix(prefix), v) for key, v in tree.items() if str(key).startswith(prefix)]
    return {str(key).removeprefix(_PARALLEL): value for key, value in pairs if isinstance(value, Tensor)}


def _unreadable(path: Path, error: BaseException) -> UserError:
    reason = " ".join(str(error).split())[:160]
    hint = "A .pth.tar is no archive: use it as it came, do not unpack it. Fetch a file that was cut short again."
    return UserError("weights-unreadable", f"{path.name} is not a checkpoint that can be read ({reason}).", hint)
