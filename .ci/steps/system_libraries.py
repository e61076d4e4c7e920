# SPDX-License-Identifier: GPL-3.0-or-later
"""The system's part: shared libraries that Blender's wheel and OpenCV load, and the venv that Debian splits off."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from steps import processes
from steps.terminal import Refusal, say

# Debian package -> what the dynamic loader must find.
ENGINE_LIBRARIES = {"libgl1": "libGL.so.1", "libglib2.0-0": "libgthread-2.0.so.0"}
BLENDER_LIBRARIES = {
    "libx11-6": "libX11.so.6",
    "libxrender1": "libXrender.so.1",
    "libxxf86vm1": "libXxf86vm.so.1",
    "libxfixes3": "libXfixes.so.3",
    "libxi6": "libXi.so.6",
    "libxkbcommon0": "libxkbcommon.so.0",
    "libsm6": "libSM.so.6",
    "libgl1": "libGL.so.1",
    "libgomp1": "libgomp.so.1",
    # Without these two a Workbench or EEVEE render aborts the process.
    "libegl1": "libEGL.so.1",
}
MESA_PACKAGE = "libgl1-mesa-dri"
MESA_DRIVERS = ("dri/swrast_dri.so", "dri/kms_swrast_dri.so", "libgallium-*.so", "gallium-pipe/pipe_swrast.so")
VENV_PACKAGE = f"python3.{sys.version_info[1]}-venv"


def ensure(*, python_modules: bool, blender: bool) -> None:
    """Nothing; when it returns, what the environments need from the system is there.

    `python_modules`: whether an environment is to be made (venv and ensurepip are needed then).
    Installs Debian packages where it may (root, apt-get); else raises Refusal with the one command that does.
    """
    if sys.platform != "linux":
        return
    packages = missing_packages(python_modules=python_modules, blender=blender)
    if not packages:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if not (os.geteuid() == 0 and shutil.which("apt-get")):
        raise Refusal(f"This machine lacks {', '.join(packages)} (Debian's names).", f"Run: sudo {' '.join(command)}")
    say(f"Installing what the system lacks: {' '.join(packages)}")
    _run_apt(["apt-get", "update", "-q"], packages)
    _run_apt(command, packages)
    importlib.invalidate_caches()
    if still := missing_packages(python_modules=python_modules, blender=blender):
        raise Refusal(f"The system still lacks {', '.join(still)} after apt-get has installed them.")


def missing_packages(*, python_modules: bool, blender: bool) -> list[str]:
    """The Debian packages whose libraries or modules this machine does not have, sorted."""
    wanted = {**ENGINE_LIBRARIES, **(BLENDER_LIBRARIES if blender else {})}
    missing = {package for package, library in wanted.items() if not _loads(library)}
    if blender and not _has_mesa_driver():
        missing.add(MESA_PACKAGE)
    if python_modules and importlib.util.find_spec("ensurepip") is None:
        missing.add(VENV_PACKAGE)
    return sorted(missing)


def _loads(library: str) -> bool:
    """Whether the dynamic loader finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_mesa_driver() -> bool:
    """Whether a software GL driver is in one of the folders that distributions put it in."""
    folders = [*Path("/usr/lib").glob("*-linux-gnu"), Path("/usr/lib64"), Path("/usr/lib")]
    return any(True for folder in folders for pattern in MESA_DRIVERS for _ in folder.glob(pattern))


def _run_apt(command: Sequence[str], packages: Sequence[str]) -> None:
    """Nothing; runs apt-get without questions. Raises Refusal with its last complaint where it fails."""
    output: list[bytes] = []
    code = processes.run(
        [*command, "-o", "DPkg::Lock::Timeout=120"],
        extra_environment={"DEBIAN_FRONTEND": "noninteractive"},
        on_output=output.append,
        on_idle=lambda elapsed_s: say(f"  still working ({elapsed_s:.0f} s)"),
    )
    if code != 0:
        lines = b"".join(output).decode(errors="replace").splitlines()
        errors = (
            [line.removeprefix("E: ") for line in lines if line.startswith("E: ")] or lines[-1:] or ["no reason given"]
        )
        raise Refusal(
            f"apt-get could not install {', '.join(packages)}: {errors[0]}",
            "With no network, connect first; then run the same command again.",
        )
