# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Python file imports, read without running it."""

import ast
import functools
from pathlib import Path


@functools.cache
def imported_modules(path: Path, root: Path) -> set[str]:
    """The full dotted names of all modules that a file imports, anywhere in it; relative ones resolved from `root`.

    `from a.b import c` counts as a.b (c may be a name or a module; the callers only compare beginnings),
    but `from . import c` counts as package.c.
    """
    package = list(path.relative_to(root).parent.parts)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(_from_import(node, package))
    return found


def _from_import(node: ast.ImportFrom, package: list[str]) -> set[str]:
    """The modules of one `from ... import ...`."""
    base = package[: len(package) - node.level + 1] if node.level else []
    if node.module:
        return {".".join([*base, node.module])}
    return {".".join([*base, alias.name]) for alias in node.names}


def is_within(module: str, parents: tuple[str, ...]) -> bool:
    """Whether a module is one of the parents or inside one."""
    return any(module == parent or module.startswith(parent + ".") for parent in parents)
