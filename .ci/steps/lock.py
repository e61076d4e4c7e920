# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock file, read: which environments there are and which packages, with exact versions, each holds."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.places import LOCK_FILE
from steps.terminal import Refusal

SCHEMA = 1
# Installed only beside torch's CUDA build.
CUDA_GROUP = "cuda"
# Installed only when asked for: `build.py setup --extra NAME`.
EXTRA_GROUPS = ("openvino",)
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
VERSION = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?")


@dataclass(frozen=True)
class LockedEnvironment:
    """One environment of the lock: its packages {name: version}, and what making it takes.

    `cuda_packages` go with torch's CUDA build alone, `extras` {group: packages} are installed only when asked for;
    `indexes` {name: address} are where single packages may come from as well.
    """

    name: str
    packages: Mapping[str, str]
    cuda_packages: Mapping[str, str]
    extras: Mapping[str, Mapping[str, str]]
    indexes: Mapping[str, str]
    disk_mb: int
    sources: bool

    @property
    def digest(self) -> str:
        """A SHA-256 of everything that is always installed, as hex: equal digests, equal environments."""
        text = json.dumps([dict(self.packages), dict(self.cuda_packages), self.sources], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def needs_blender_libraries(self) -> bool:
        """Whether the environment holds Blender as a module, which loads libraries of the system."""
        return "bpy" in self.packages


def read_lock(path: Path = LOCK_FILE) -> dict[str, LockedEnvironment]:
    """The environments of the lock file by name.

    Raises Refusal where the file is missing, is no TOML or leaves a version open.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Refusal(
            f"The lock file {path.name} cannot be read: {error}.", "Restore it: git checkout lock.toml"
        ) from None
    if tables.get("schema") != SCHEMA:
        raise Refusal(f"The lock file {path.name} has schema {tables.get('schema')!r}; this build.py reads {SCHEMA}.")
    return {name: _read_environment(name, table) for name, table in tables["environments"].items()}


def _read_environment(name: str, table: Mapping[str, Any]) -> LockedEnvironment:
    """One environment's table, checked."""
    groups: Mapping[str, Mapping[str, str]] = table["packages"]
    merged: dict[str, str] = {}
    for group, pins in groups.items():
        for package, version in pins.items():
            if not NAME.fullmatch(package) or not VERSION.fullmatch(version):
                raise Refusal(f"The lock file does not pin {package!r} of {name} to one version: {version!r}.")
            if package in merged:
                raise Refusal(f"The lock file names {package} twice for {name}.")
            if group not in (CUDA_GROUP, *EXTRA_GROUPS):
                merged[package] = version
    return LockedEnvironment(
        name=name,
        packages=merged,
        cuda_packages=dict(groups.get(CUDA_GROUP, {})),
        extras={group: dict(groups[group]) for group in EXTRA_GROUPS if group in groups},
        indexes=dict(table.get("indexes", {})),
        disk_mb=int(table["disk_mb"]),
        sources=bool(table["sources"]),
    )
