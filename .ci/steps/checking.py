# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked without running the product: the contract tests (import table, versions, lock), ruff,
pyright and the audit of what is installed."""

from __future__ import annotations

from pathlib import Path

from steps import auditing, environments, processes
from steps.places import ENGINE_ENVIRONMENT, ROOT
from steps.terminal import say

AUDIT = "audit of the locked packages (.ci/audit.toml)"


def check() -> int:
    """1 where a check fails, else 0; every check runs, and what it complains about is printed."""
    environments.ensure([ENGINE_ENVIRONMENT])
    python = environments.python_of(ENGINE_ENVIRONMENT)
    checks: dict[str, tuple[str | Path, ...]] = {
        "import table, versions, lock (tests/contract)": (
            python,
            "-m",
            "pytest",
            "-q",
            "--no-header",
            ROOT / "tests" / "contract",
        ),
        "ruff": (python, "-m", "ruff", "check", ROOT),
        "pyright": (python, "-m", "pyright", "--project", ROOT, "--pythonpath", python),
    }
    failed: list[str] = []
    for title, command in checks.items():
        say(f"== {title}")
        if processes.run(command, cwd=ROOT) != 0:
            failed.append(title)
    say(f"== {AUDIT}")
    if not auditing.audit():
        failed.append(AUDIT)
    count = len(checks) + 1
    say(f"check: {count - len(failed)} of {count} passed" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0
