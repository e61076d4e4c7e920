# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading of the embedded default weights, each file checked against the table of hashes, licences and origins."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file

from fomm_engine.face.face_prior import FacePrior
from fomm_engine.face.nets import ArkitRegressor, BoxNet, LandmarkNet
from fomm_engine.face.region_nets import RegionNets
from fomm_engine.wire.errors import UserError

WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "weights"
TABLE_NAME = "table.json"
REGIONS_NAME = "regions.safetensors"
DIMENSIONS_KEY = "dimensions"

Net = TypeVar("Net", bound=torch.nn.Module)


def load_landmark_net(folder: Path = WEIGHTS_FOLDER) -> LandmarkNet:
    """The landmark net in eval mode. Errors as `checked_file`."""
    return _load_net(LandmarkNet, checked_file("landmarks.safetensors", folder))


def load_box_net(folder: Path = WEIGHTS_FOLDER) -> BoxNet:
    """The face box net in eval mode. Errors as `checked_file`."""
    return _load_net(BoxNet, checked_file("box.safetensors", folder))


def load_region_nets(folder: Path = WEIGHTS_FOLDER) -> RegionNets | None:
    """The nets for a close look at eyes and mouth, in eval mode; None where the folder's table names none (a training
    whose stage `regions` was left out). Errors as `checked_file`."""
    if REGIONS_NAME not in weights_table(folder):
        return None
    return _load_net(RegionNets, checked_file(REGIONS_NAME, folder))


def load_arkit_regressor(folder: Path = WEIGHTS_FOLDER) -> ArkitRegressor:
    """The net from landmark features to ARKit weights, in eval mode. Errors as `checked_file`."""
    return _load_net(ArkitRegressor, checked_file("arkit.safetensors", folder))


def load_face_prior(folder: Path = WEIGHTS_FOLDER) -> FacePrior:
    """The statistical face. Errors as `checked_file`."""
    arrays = load_file(checked_file("face_prior.safetensors", folder))
    return FacePrior(**{name: values.astype(np.float32) for name, values in arrays.items()})


def checked_file(name: str, folder: Path = WEIGHTS_FOLDER) -> Path:
    """Path of a weights file whose sha256 is the table's.

    Raises UserError: "weights-missing" where the file or its row is absent, "weights-damaged" where the hash differs.
    """
    path = folder / name
    expected = weights_table(folder).get(name, {}).get("sha256")
    hint = "Install the engine again; its weights are part of it."
    if expected is None or not path.is_file():
        raise UserError("weights-missing", f"The weights {name} are not in {folder}.", hint)
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    if actual != expected:
        raise UserError("weights-damaged", f"{name} has the hash {actual[:12]}, the table says {expected[:12]}.", hint)
    return path


def weights_table(folder: Path = WEIGHTS_FOLDER) -> dict[str, dict[str, str]]:
    """File name -> {"sha256", "licence", "origin"} of the weights in a folder; empty where there is no table."""
    path = folder / TABLE_NAME
    return json.loads(path.read_text(encoding="ascii")) if path.is_file() else {}


def _load_net(build: Callable[..., Net], path: Path) -> Net:
    """A net of the dimensions that the file names, in single precision; channels last, which is a tenth faster."""
    with safe_open(path, framework="pt") as file:
        net = build(**json.loads((file.metadata() or {})[DIMENSIONS_KEY]))
        net.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    return net.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
