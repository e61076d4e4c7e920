# SPDX-License-Identifier: GPL-3.0-or-later
"""How much faster the engine paints than the plain reference, and how near it stays, in one interleaved run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fomm_engine.bench.reference import made_plain, plain_frame, random_networks
from fomm_engine.model.fast import Rearrangement, accelerated
from fomm_engine.model.weights import Networks, load_networks

Frame = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class BenchSettings:
    """rounds: how often every path paints a frame in turn, after one to warm up. checkpoint: None: random weights."""

    rounds: int = 8
    threads: int = 1
    seed: int = 1
    checkpoint: Path | None = None


@dataclass(frozen=True)
class PathFigures:
    """seconds of each round; psnr_db and max_abs (of [0,1]) against the plain reference, over all rounds' pictures."""

    seconds: list[float]
    psnr_db: float
    max_abs: float

    def against(self, plain: list[float]) -> dict[str, float]:
        """The report's figures: ratios of this path to the plain reference, round by round."""
        ratios = [slow / fast for slow, fast in zip(plain, self.seconds, strict=True)]
        return {
            "ratio": median(ratios),
            "ratio_min": min(ratios),
            "ratio_max": max(ratios),
            "psnr_db": self.psnr_db,
            "max_abs": self.max_abs,
            "ms": 1000 * median(self.seconds),
        }


def measure(settings: BenchSettings | None = None) -> dict[str, Any]:
    """{"engine": {path: figures}, ...}: the paths `exact` and `bf16` against the plain reference on this machine.

    The paths take turns frame by frame, so that what else the machine does slows all alike; times are of the process's
    own work. Only the ratios mean something across machines.
    """
    settings = settings or BenchSettings()
    torch.set_num_threads(settings.threads)
    networks = random_networks(settings.seed) if settings.checkpoint is None else load_networks(settings.checkpoint)
    with torch.inference_mode():
        paths = _paths(networks, _pictures(settings.seed, 1)[0])
        times, errors = _take_turns(paths, _pictures(settings.seed + 1, settings.rounds + 1))
    figures = {name: PathFigures(times[name], *_distance(errors[name])) for name in paths if name != "plain"}
    return {
        "engine": {name: figure.against(times["plain"]) for name, figure in figures.items()},
        "plain_ms": 1000 * median(times["plain"]),
        "rounds": settings.rounds,
        "threads": settings.threads,
        "weights": "random" if settings.checkpoint is None else settings.checkpoint.name,
        "torch": torch.__version__,
    }


def _paths(networks: Networks, image: Tensor) -> dict[str, Frame]:
    plain, exact, lower = networks, accelerated(networks), accelerated(networks, Rearrangement(torch.bfloat16, "products"))
    source = plain.kp_detector(image)
    made_plain(plain)
    return {
        "plain": lambda driving: plain_frame(plain, image, source, driving),
        "exact": _kept(exact, image),
        "bf16": _kept(lower, image),
    }


def _kept(networks: Networks, image: Tensor) -> Frame:
    encoded = networks.generator.encode(image, networks.kp_detector(image))

    def frame(driving: Tensor) -> Tensor:
        prediction: Tensor = networks.generator.paint(encoded, networks.kp_detector(driving)).prediction
        return prediction

    return frame


def _take_turns(
    paths: dict[str, Frame], drivings: list[Tensor]
) -> tuple[dict[str, list[float]], dict[str, list[Tensor]]]:
    times: dict[str, list[float]] = {name: [] for name in paths}
    errors: dict[str, list[Tensor]] = {name: [] for name in paths}
    for number, driving in enumerate(drivings):
        made: dict[str, Tensor] = {}
        for name, frame in paths.items():
            begin = time.process_time()
            made[name] = frame(driving)
            if number > 0:
                times[name].append(time.process_time() - begin)
        for name, prediction in made.items():
            errors[name].append(prediction - made["plain"])
    return times, errors


def _distance(errors: list[Tensor]) -> tuple[float, float]:
    joined = torch.cat(errors).double()
    mean_square = float((joined**2).mean())
    return -10 * float(np.log10(max(mean_square, 1e-30))), float(joined.abs().max())


def _pictures(seed: int, count: int) -> list[Tensor]:
    """Smooth pictures (1,3,256,256), each a little moved against the one before."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 12, 12, generator=draw)
    wide = torch.nn.functional.interpolate(coarse, size=(256 + 4 * count, 256 + 4 * count), mode="bicubic").clamp(0, 1)
    return [wide[:, :, 2 * n : 2 * n + 256, 4 * n : 4 * n + 256].contiguous() for n in range(count)]
