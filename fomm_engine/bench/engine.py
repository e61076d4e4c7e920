# SPDX-License-Identifier: GPL-3.0-or-later
"""How much faster the engine paints than the plain reference, and how near it stays, in one interleaved run."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fomm_engine.bench.memory import MemorySettings, peak_memory
from fomm_engine.bench.reference import made_plain, plain_frame, random_networks
from fomm_engine.model.engine_path import PRECISIONS, ChosenPath, choose_path
from fomm_engine.model.fomm import tensor_from_image
from fomm_engine.model.weights import Networks, load_networks
from fomm_engine.video.picture import largest_square, square_of
from fomm_engine.video.reader import VideoReader
from fomm_engine.wire.errors import UserError

Frame = Callable[[Tensor], Tensor]
PERFORMANCE = Path(__file__).resolve().parents[2] / "rigs" / "performances" / "monologue.mp4"


@dataclass(frozen=True)
class BenchSettings:
    """rounds: how often every path paints a frame in turn, after one to warm up. checkpoint: None: random weights.

    paths: precisions, or names of engine paths. memory: None: not measured.
    """

    rounds: int = 8
    threads: int = 1
    seed: int = 1
    checkpoint: Path | None = None
    paths: tuple[str, ...] = PRECISIONS
    memory: MemorySettings | None = field(default_factory=MemorySettings)


@dataclass(frozen=True)
class Moment:
    """What one frame took: seconds of the process's own work (all its threads), and by the clock."""

    work_s: float
    wall_s: float


@dataclass(frozen=True)
class PathFigures:
    """The moments of each round; psnr_db and max_abs (of [0,1]) against the plain reference, over all pictures."""

    moments: list[Moment]
    psnr_db: float
    max_abs: float

    def against(self, plain: list[Moment]) -> dict[str, float]:
        """The report's figures: ratios of this path's work to the plain reference's, round by round."""
        pairs = list(zip(plain, self.moments, strict=True))
        ratios = [slow.work_s / fast.work_s for slow, fast in pairs]
        return {
            "ratio": median(ratios),
            "ratio_min": min(ratios),
            "ratio_max": max(ratios),
            "wall_ratio": median(slow.wall_s / fast.wall_s for slow, fast in pairs),
            "psnr_db": self.psnr_db,
            "max_abs": self.max_abs,
            "ms": 1000 * median(moment.work_s for moment in self.moments),
        }


def measure(settings: BenchSettings | None = None, *, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """{"engine": {path: figures, "memory": peaks}, "missing": {path: why}, ...}, measured on this machine.

    The paths take turns frame by frame, so that what else the machine does slows all alike, and times are of the
    process's own work. Only the ratios mean something across machines.
    """
    settings = settings or BenchSettings()
    torch.set_num_threads(settings.threads)
    networks = random_networks(settings.seed) if settings.checkpoint is None else load_networks(settings.checkpoint)
    pictures = _pictures(settings.seed, settings.rounds + 2)
    chosen, missing = _chosen(networks, settings.paths, say)
    plain = made_plain(random_networks(settings.seed) if settings.checkpoint is None else networks)
    paths = {"plain": _plain(plain, pictures[0])} | {name: _kept(path, pictures[0]) for name, path in chosen.items()}
    moments, errors = _take_turns(paths, pictures[1:], say)
    figures = {name: PathFigures(moments[name], *_distance(errors[name])) for name in chosen}
    engine: dict[str, Any] = {name: figure.against(moments["plain"]) for name, figure in figures.items()}
    for name, path in chosen.items():
        engine[name]["path"] = path.name
    if settings.memory is not None:
        say("memory: the animate job with a short and a long video")
        engine["memory"] = peak_memory(settings.memory)
    return {
        "engine": engine,
        "missing": missing,
        "plain_ms": 1000 * median(moment.work_s for moment in moments["plain"]),
        "rounds": settings.rounds,
        "threads": settings.threads,
        "weights": "random" if settings.checkpoint is None else settings.checkpoint.name,
        "torch": torch.__version__,
    }


def _chosen(
    networks: Networks, paths: tuple[str, ...], say: Callable[[str], None]
) -> tuple[dict[str, ChosenPath], dict[str, str]]:
    """The engine paths by the names they were asked for by, and why others cannot be had."""
    chosen: dict[str, ChosenPath] = {}
    missing: dict[str, str] = {}
    for name in paths:
        say(f"{name}: making the path")
        try:
            chosen[name] = _choose(networks, name)
        except UserError as error:
            missing[name] = f"{error.message} {error.hint}".strip()
    return chosen, missing


def _choose(networks: Networks, name: str) -> ChosenPath:
    if name in PRECISIONS:
        return choose_path(networks, device="cpu", precision=name)
    precision = "int8" if "int8" in name else "bf16" if "bf16" in name else "exact"
    return choose_path(networks, device="cpu", precision=precision, path=name)


def _plain(networks: Networks, image: Tensor) -> Frame:
    with torch.inference_mode():
        source = networks.kp_detector(image)

    def frame(driving: Tensor) -> Tensor:
        with torch.inference_mode():
            return plain_frame(networks, image, source, driving)

    return frame


def _kept(path: ChosenPath, image: Tensor) -> Frame:
    source = path.engine.encode_source(image)

    def frame(driving: Tensor) -> Tensor:
        return path.engine.predict(source, path.engine.keypoints(driving)).prediction

    return frame


def _take_turns(
    paths: dict[str, Frame], drivings: list[Tensor], say: Callable[[str], None]
) -> tuple[dict[str, list[Moment]], dict[str, list[Tensor]]]:
    moments: dict[str, list[Moment]] = {name: [] for name in paths}
    errors: dict[str, list[Tensor]] = {name: [] for name in paths}
    for number, driving in enumerate(drivings):
        say(f"round {number} of {len(drivings) - 1}" if number else "warming up")
        made: dict[str, Tensor] = {}
        for name, frame in paths.items():
            work, wall = time.process_time(), time.perf_counter()
            made[name] = frame(driving)
            if number > 0:
                moments[name].append(Moment(time.process_time() - work, time.perf_counter() - wall))
        for name, prediction in made.items():
            errors[name].append(prediction - made["plain"])
    return moments, errors


def _distance(errors: list[Tensor]) -> tuple[float, float]:
    joined = torch.cat(errors).double()
    mean_square = float((joined**2).mean())
    return -10 * float(np.log10(max(mean_square, 1e-30))), float(joined.abs().max())


def _pictures(seed: int, count: int) -> list[Tensor]:
    """Pictures (1,3,256,256) of the project's own performance, where it is there; else smooth ones that move."""
    if not PERFORMANCE.is_file():
        return _smooth_pictures(seed, count)
    with VideoReader(PERFORMANCE) as reader:
        frames = [frame.image for frame in reader if frame.index % 7 == 0 and frame.index < 7 * count]
    return [tensor_from_image(square_of(image, largest_square(image.shape[1::-1]), 256)) for image in frames]


def _smooth_pictures(seed: int, count: int) -> list[Tensor]:
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 12, 12, generator=draw)
    wide = torch.nn.functional.interpolate(coarse, size=(256 + 4 * count, 256 + 4 * count), mode="bicubic").clamp(0, 1)
    return [wide[:, :, 2 * n : 2 * n + 256, 4 * n : 4 * n + 256].contiguous() for n in range(count)]
