# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each engine path takes here: tried once on a machine, then remembered in the user's cache folder."""

import hashlib
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from fomm_engine.model.config import ModelConfig
from fomm_engine.model.keypoints import KeypointTensors
from fomm_engine.model.weights import Networks
from fomm_engine.models.folder import models_folder
from fomm_engine.wire.whole_file import whole_file

if TYPE_CHECKING:
    from fomm_engine.model.engine_path import EnginePath

FILE = "engine_speed.json"
ROUNDS = 3  # after one to warm up; the quickest counts: other programs only ever slow a round down
_SETTINGS = ("OMP_WAIT_POLICY", "OMP_NUM_THREADS", "KMP_BLOCKTIME", "MKL_NUM_THREADS")
_KEPT = 32  # trials in the file, oldest dropped


@dataclass(frozen=True)
class Trial:
    """seconds {path: a frame's}."""

    seconds: Mapping[str, float]

    @property
    def fastest(self) -> str:
        """The path that took the least."""
        return min(self.seconds, key=lambda name: self.seconds[name])


def seconds_a_frame(engine: "EnginePath", networks: Networks) -> float:
    """The seconds that `engine` takes for the keypoints and the picture of one frame.

    By the clock; with a single thread by the process's own work, which other programs do not lengthen.
    """
    now = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    side = networks.config.image_size
    image = torch.linspace(0, 1, 3 * side * side).reshape(1, 3, side, side)
    source = engine.encode_source(image)
    took: list[float] = []
    for _ in range(ROUNDS + 1):
        began = now()
        found = engine.keypoints(image)
        engine.predict(source, KeypointTensors(found.value, found.jacobian))
        took.append(now() - began)
    return min(took[1:])


def remembered(names: Sequence[str], config: ModelConfig, folder: Path | None = None) -> Trial | None:
    """The trial of exactly these paths on this machine as it is set now; None where there was none."""
    entry = _read(folder).get(_key(names, config))
    try:
        return None if entry is None else Trial({name: float(entry[name]) for name in names})
    except (KeyError, TypeError, ValueError):
        return None


def keep(seconds: Mapping[str, float], config: ModelConfig, folder: Path | None = None) -> Trial:
    """The trial of these measured times; remembered where the cache folder can be written, else only returned."""
    entries = {**_read(folder), _key(list(seconds), config): dict(seconds)}
    target = models_folder(folder) / FILE
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as partial:
            partial.write_text(json.dumps(dict(list(entries.items())[-_KEPT:]), indent=1), encoding="ascii")
    except OSError:
        pass  # a trial that cannot be kept is made again next time
    return Trial(dict(seconds))


def processor_flags() -> set[str]:
    """What the processor can do, by Linux's names; empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.split(":", 1)[1].split()) for line in lines if line.startswith(("flags", "Features"))), set())


def _read(folder: Path | None) -> dict[str, Any]:
    try:
        entries = json.loads((models_folder(folder) / FILE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _key(names: Sequence[str], config: ModelConfig) -> str:
    """Everything that may change the order: the machine, the packages, the threads, the networks' sizes."""
    facts = [
        sorted(names),
        platform.platform(),
        platform.machine(),
        sorted(processor_flags()),
        os.cpu_count(),
        torch.get_num_threads(),
        torch.__version__,
        _version("openvino"),
        [os.environ.get(name, "") for name in _SETTINGS],
        repr((config.image_size, config.keypoints, config.keypoint_detector, config.dense_motion, config.generator)),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
