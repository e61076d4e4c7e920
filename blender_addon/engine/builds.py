# SPDX-License-Identifier: GPL-3.0-or-later
"""The builds of PyTorch that the engine can be installed with: where each comes from, how large, what it runs on."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Build:
    """One build. torch_index: PyTorch's own index of its wheels (https://pytorch.org/get-started/locally/), "" for the
    usual index. Sizes are of everything that is fetched and installed with it, measured or added up, about."""

    name: str
    torch_index: str
    download_bytes: int
    disk_bytes: int


BUILDS = {
    build.name: build
    for build in (
        Build("CPU", "https://download.pytorch.org/whl/cpu", 380 * 10**6, 1_500 * 10**6),
        Build("CUDA", "https://download.pytorch.org/whl/cu126", 3_600 * 10**6, 8_000 * 10**6),
        Build("METAL", "", 280 * 10**6, 1_300 * 10**6),  # the macOS wheels of the usual index have Metal in them
    )
}


@dataclass(frozen=True)
class Machine:
    """What is asked of a machine: its system ("linux", "darwin", "windows"), its processor, and which files exist."""

    system: str
    processor: str
    exists: Callable[[str], bool]
    environment: Mapping[str, str]


def this_machine() -> Machine:
    """The machine that this process runs on."""
    return Machine(
        platform.system().lower(), platform.machine().lower(), lambda path: Path(path).exists(), dict(os.environ)
    )


def runnable(machine: Machine) -> tuple[str, ...]:
    """The names of the builds that the machine can use, the best first."""
    if machine.system == "darwin":
        return ("METAL",) if machine.processor in ("arm64", "aarch64") else ("CPU",)
    return ("CUDA", "CPU") if _has_nvidia(machine) else ("CPU",)


def _has_nvidia(machine: Machine) -> bool:
    """Whether NVIDIA's driver is there: looked for as files, since asking a program would keep Blender waiting."""
    if machine.system == "windows":
        root = machine.environment.get("SystemRoot", r"C:\Windows")
        return machine.exists(rf"{root}\System32\nvcuda.dll")
    return machine.exists("/proc/driver/nvidia/version") or machine.exists("/dev/nvidiactl")


def size_words(count: int) -> str:
    """A size for people: "240 MB", "3.4 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 10**9 else f"{round(count / 1e6)} MB"
