# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor: versions, device, weights, decoder and speed of this engine, in a JSON file and in words."""

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fomm_engine import __version__
from fomm_engine.model.config import ModelConfig
from fomm_engine.stdio import Reporter
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options

PACKAGES = ("torch", "numpy", "opencv-python", "imageio-ffmpeg", "safetensors", "scipy", "pyyaml")
SPEED_FRAMES = 30
MODEL = ModelConfig("published")  # all the published models have networks of this size


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the report (JSON: engine, python, the checks below by name, problems)."""
    checked_options(job, {})
    report: dict[str, Any] = {"engine": __version__, "python": platform.python_version(), "problems": []}
    checks = (
        ("packages", _packages),
        ("device", _device),
        ("decoder", _decoder),
        ("weights", _weights),
        ("speed", _speed),
        ("engine_paths", _engine_paths),
    )
    for number, (name, check) in enumerate(checks):
        reporter.progress("check", number + 1, len(checks), name)
        try:
            report[name] = check()
        except (UserError, OSError, ImportError) as error:
            report[name] = None
            report["problems"].append(f"{name}: {error}")
        reporter.log(_in_words(name, report[name]) if report[name] is not None else report["problems"][-1])
    reporter.log("Everything works." if not report["problems"] else "Install the engine again to mend this.")
    return _write(report, Path(job.output))


def _in_words(name: str, found: dict[str, Any]) -> str:
    """One sentence about what a check found."""
    sentences: dict[str, Callable[[], str]] = {
        "packages": lambda: (
            "Packages: " + ", ".join(f"{package} {version}" for package, version in found.items()) + "."
        ),
        "device": lambda: f"Device: {found['best']}, {found['cores']} cores.",
        "decoder": lambda: f"Decoder: ffmpeg {found['ffmpeg']}.",
        "weights": lambda: f"Weights: {len(found)} files, all whole.",
        "speed": lambda: (
            f"Speed: the landmark net sees {found['landmark_frames_per_s']:.0f} faces a second on one core."
        ),
        "engine_paths": lambda: "\n".join(f"Animation, {precision}: {why}" for precision, why in found.items()),
    }
    return sentences[name]()


def _packages() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def _device() -> dict[str, Any]:
    import torch

    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    name = torch.cuda.get_device_name(0) if best == "cuda" else platform.machine()
    cuda_build = torch.version.cuda or ""  # of a build for NVIDIA cards, whether there is one here or not
    cores = os.cpu_count()
    return {"best": best, "name": name, "cuda_build": cuda_build, "threads": torch.get_num_threads(), "cores": cores}


def _decoder() -> dict[str, str]:
    import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs]

    return {"ffmpeg": imageio_ffmpeg.get_ffmpeg_version()}


def _weights() -> dict[str, str]:
    from fomm_engine.face import weights

    table = weights.weights_table()
    weights.load_landmark_net()
    weights.load_box_net()
    weights.load_arkit_regressor()
    weights.load_face_prior()
    weights.load_region_nets()
    return {name: entry["sha256"] for name, entry in table.items()}


def _speed() -> dict[str, float]:
    import torch

    from fomm_engine.face import weights

    torch.set_num_threads(1)  # as the capture runs
    net, crop = weights.load_landmark_net(), torch.zeros(1, 3, 128, 128)
    with torch.inference_mode():
        net(crop)
        started = time.perf_counter()
        for _ in range(SPEED_FRAMES):
            net(crop)
    return {"landmark_frames_per_s": SPEED_FRAMES / (time.perf_counter() - started)}


def _engine_paths() -> dict[str, str]:
    """{precision: the engine path that an animation takes here and why, or why there is none}.

    Exact paths are tried against each other where that was not done before: a minute at most, once on a machine.
    """
    from fomm_engine.model.engine_path import PRECISIONS, about_compiling, explained_choice
    from fomm_engine.model.weights import new_networks

    networks = new_networks(MODEL)
    for network in (networks.generator, networks.kp_detector):
        network.eval().requires_grad_(requires_grad=False)
    found: dict[str, str] = {}
    for precision in PRECISIONS:
        try:
            plan, found[precision] = explained_choice(networks, precision=precision)
            if plan.device == "cpu" and precision == "exact":
                found[precision] += " " + about_compiling()
        except UserError as error:
            found[precision] = f"{error.message} {error.hint}".strip()
    return found


def _write(report: dict[str, Any], path: Path) -> Path:
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(report, ensure_ascii=True, allow_nan=False, indent=1), encoding="ascii")
    partial.replace(path)
    return path
