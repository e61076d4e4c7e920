# SPDX-License-Identifier: GPL-3.0-or-later
"""The environments under .venv: made from the lock file, reused while it is unchanged, updated where it changed."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from steps import processes, system_libraries
from steps.installing import install, uninstall
from steps.lock import LockedEnvironment, read_lock
from steps.places import ENVIRONMENTS, ROOT
from steps.terminal import Refusal, say

# Written last: an environment without it was left half-made.
STAMP = "understudy-stamp.json"
PATH_FILE = "understudy-sources.pth"
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Stamp:
    """What an environment was made of."""

    python: str
    digest: str
    packages: Mapping[str, str]


def python_of(name: str, folder: Path = ENVIRONMENTS) -> Path:
    """The interpreter of an environment, made or not."""
    return folder / name / "bin" / "python"


def ensure(names: Sequence[str]) -> None:
    """Nothing; when it returns, the named environments are there as the lock file says.

    Raises Refusal where the system, the network or the disk does not allow it.
    """
    locked = read_lock()
    wanted = [locked[name] for name in names]
    with _one_at_a_time():
        missing = [environment for environment in wanted if not is_current(environment)]
        system_libraries.ensure(
            python_modules=bool(missing), blender=any(environment.needs_blender_libraries for environment in wanted)
        )
        _refuse_full_disk(missing)
        for number, environment in enumerate(missing, 1):
            _make(environment, f"[{number}/{len(missing)}]")


def add_extra(name: str, extra: str) -> None:
    """Nothing; when it returns, the environment also holds the optional packages that the lock file calls `extra`.

    They stay until the environment is made anew. Raises Refusal as `ensure` does, and where there is no such extra.
    """
    extras = read_lock()[name].extras
    if extra not in extras:
        raise Refusal(f"There are no optional packages called {extra}.", f"There are: {', '.join(extras)}.")
    say(f"{name}: adding {extra} ({len(extras[extra])} packages)")
    install(python_of(name), extras[extra])


def is_current(environment: LockedEnvironment) -> bool:
    """Whether an environment is whole, of this Python, and made from the lock file as it is."""
    stamp = read_stamp(ENVIRONMENTS / environment.name)
    return stamp is not None and stamp.python == _python_version() and stamp.digest == environment.digest


def read_stamp(folder: Path) -> Stamp | None:
    """What the environment in a folder was made of; None where there is none, or a half-made or moved one."""
    if not (folder / "bin" / "python").exists():
        return None
    try:
        values = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        return Stamp(values["python"], values["digest"], values["packages"])
    except (OSError, ValueError, KeyError):
        return None


def write_stamp(environment: LockedEnvironment) -> None:
    """Nothing; marks an environment as whole."""
    content = {"python": _python_version(), "digest": environment.digest, "packages": dict(environment.packages)}
    target = ENVIRONMENTS / environment.name / STAMP
    beside = target.with_suffix(".tmp")
    beside.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    beside.replace(target)


def _make(environment: LockedEnvironment, label: str) -> None:
    """Nothing; makes an environment, or brings a whole but outdated one up to date."""
    started = time.monotonic()
    folder = ENVIRONMENTS / environment.name
    stamp = read_stamp(folder)
    if stamp is None or stamp.python != _python_version():
        _start_anew(environment, folder, label)
        before: Mapping[str, str] = {}
    else:
        say(f"{label} {environment.name}: the lock file has changed, bringing the environment up to date")
        before = stamp.packages
        (folder / STAMP).unlink()
    _fill(environment, before)
    write_stamp(environment)
    say(f"{label} {environment.name}: ready after {time.monotonic() - started:.0f} s")


def _start_anew(environment: LockedEnvironment, folder: Path, label: str) -> None:
    """Nothing; leaves an environment with nothing but pip in it."""
    if folder.exists():
        say(f"{label} {environment.name}: removing what was left half-made or is of another Python")
        shutil.rmtree(folder)
    say(f"{label} {environment.name}: making the environment ({len(environment.packages)} packages)")
    output: list[bytes] = []
    if processes.run([sys.executable, "-m", "venv", folder], on_output=output.append) != 0:
        reason = (b"".join(output).decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        raise Refusal(f"Python could not make the environment {folder}: {reason}")


def _fill(environment: LockedEnvironment, before: Mapping[str, str]) -> None:
    """Nothing; installs what the lock names and takes away what it no longer names."""
    python = python_of(environment.name)
    uninstall(python, sorted(set(before) - set(environment.packages)))
    install(
        python, {name: version for name, version in environment.packages.items() if name not in environment.indexes}
    )
    for name, index in environment.indexes.items():
        install(python, {name: environment.packages[name]}, extra_index=index)
    site = _site_packages(environment.name)
    if environment.cuda_packages and _torch_asks_for_cuda(site):
        say("  torch came as its CUDA build: adding the libraries that it loads (about 3 GB)")
        install(python, environment.cuda_packages)
    if environment.sources:
        (site / PATH_FILE).write_text(f"{ROOT}\n", encoding="utf-8")


def _site_packages(name: str) -> Path:
    """The folder that an environment's packages are in."""
    return ENVIRONMENTS / name / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"


def _torch_asks_for_cuda(site: Path) -> bool:
    """Whether the torch in a folder was built for CUDA, as its own metadata tells."""
    return any(
        requirement.startswith(("nvidia-", "cuda-"))
        for distribution in importlib.metadata.distributions(name="torch", path=[str(site)])
        for requirement in distribution.requires or ()
    )


def _python_version() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])


def _refuse_full_disk(environments: Sequence[LockedEnvironment]) -> None:
    """Nothing; raises Refusal where the disk has less room than making the environments takes."""
    needed_mb = sum(environment.disk_mb for environment in environments)
    for folder in (ROOT, Path(tempfile.gettempdir())):
        free_mb = shutil.disk_usage(folder).free // MEGABYTE
        if free_mb < needed_mb:
            raise Refusal(
                f"The disk is too full: set-up needs about {needed_mb / 1000:.1f} GB in {folder}, "
                f"and {free_mb / 1000:.1f} GB are free.",
                "Make room and run the same command again; what was set up is kept.",
            )


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """A context that one build.py of this folder is in at a time; others wait."""
    try:
        ENVIRONMENTS.mkdir(exist_ok=True)
        handle = (ENVIRONMENTS / "set-up.lock").open("w", encoding="utf-8")
    except OSError as error:
        raise Refusal(f"The folder {ENVIRONMENTS} cannot be written: {error.strerror}.") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another build.py is setting up in this folder; waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
