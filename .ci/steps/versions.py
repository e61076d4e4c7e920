# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's version, from the three files that state it."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from steps.places import ROOT
from steps.terminal import Refusal


def stated_versions(root: Path = ROOT) -> dict[str, str]:
    """The version that each file states, by the file's path; empty text where a file states none."""
    manifest = tomllib.loads((root / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    newest = re.search(r"^## (\S+)", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    return {
        "blender_addon/blender_manifest.toml": str(manifest.get("version", "")),
        "fomm_engine/__init__.py": _assigned_version(root / "fomm_engine" / "__init__.py"),
        "CHANGELOG.md": newest.group(1) if newest else "",
    }


def product_version() -> str:
    """The one version of the product. Raises Refusal where the files do not agree."""
    versions = stated_versions()
    if len(set(versions.values())) != 1:
        raise Refusal(
            "The versions differ: " + ", ".join(f"{path} says {version!r}" for path, version in versions.items()) + "."
        )
    return next(iter(versions.values()))


def _assigned_version(path: Path) -> str:
    """What __version__ is set to in a module, without importing it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["__version__"]:
            return str(ast.literal_eval(node.value))
    return ""
