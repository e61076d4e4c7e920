# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of what is installed: every locked package was looked at, may be combined with the GPL, has no known fault.

Offline: the findings stand in .ci/audit.toml with their date. Where the network may be used (the variable
UNDERSTUDY_AUDIT_NETWORK is 1) and pip-audit is installed, it is asked as well.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from steps import processes
from steps.lock import LockedEnvironment, read_lock
from steps.places import ROOT
from steps.terminal import say

AUDIT_FILE = ROOT / ".ci" / "audit.toml"
NETWORK_VARIABLE = "UNDERSTUDY_AUDIT_NETWORK"
STALE_AFTER_DAYS = 180
NOT_ON_INDEX = ("bpy",)  # Blender's own index has it; pip-audit knows none


def audit() -> bool:
    """Whether the locked packages pass; what is wrong with them is printed."""
    findings = read_audit()
    locked = locked_versions(read_lock())
    wrong = list(complaints(locked, findings))
    for sentence in wrong:
        say(f"  {sentence}")
    age = (dt.datetime.now(dt.UTC).date() - findings["date"]).days
    if age > STALE_AFTER_DAYS:
        say(f"  The audit is {age} days old: renew .ci/audit.toml.")
    say(f"  {len(locked)} packages, {len(wrong)} complaints; findings of {findings['date']}")
    return not wrong and _network_agrees(locked)


def read_audit(path: Path = AUDIT_FILE) -> dict[str, Any]:
    """The findings as they stand in the file."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def locked_versions(environments: Mapping[str, LockedEnvironment]) -> dict[str, set[str]]:
    """{package: its versions} over all environments, optional packages too."""
    found: dict[str, set[str]] = {}
    for environment in environments.values():
        groups = (environment.packages, environment.cuda_packages, *environment.extras.values())
        for name, version in (pair for group in groups for pair in group.items()):
            found.setdefault(name, set()).add(version)
    return found


def complaints(locked: Mapping[str, set[str]], findings: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong, one sentence each."""
    audited: Mapping[str, Any] = findings["packages"]
    for name in sorted(set(audited) - set(locked)):
        yield f"{name} was audited and is locked no longer: take it out of the audit."
    for name, versions in sorted(locked.items()):
        if name not in audited:
            yield f"{name} was never looked at: add it to the audit."
            continue
        unseen = versions - set(audited[name]["versions"])
        if unseen:
            yield f"{name} {', '.join(sorted(unseen))} was not looked at; the audit is of another version."
        if not may_be_combined(audited[name]["licence"], findings):
            yield f"{name} has the licence {audited[name]['licence']}, which does not go with GPL-3.0-or-later."
        for fault in findings.get("faults", ()):
            for version in sorted(versions):
                if fault["package"] == name and _parts(version) < _parts(fault["fixed_in"]):
                    yield f"{name} {version} has {fault['id']} ({fault['what']}), mended in {fault['fixed_in']}."


def may_be_combined(licence: str, findings: Mapping[str, Any]) -> bool:
    """Whether a licence expression goes with the GPL: all of its parts joined by AND, one of those joined by OR."""
    allowed = {*findings["compatible"], *findings["not_distributed"]}
    return any(all(part.strip() in allowed for part in way.split(" AND ")) for way in licence.split(" OR "))


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _network_agrees(locked: Mapping[str, set[str]]) -> bool:
    """Whether pip-audit finds nothing; True where it may not or cannot be asked."""
    tool = shutil.which("pip-audit")
    if os.environ.get(NETWORK_VARIABLE) != "1" or tool is None:
        return True
    pins = [f"{name}=={max(versions, key=_parts)}" for name, versions in locked.items() if name not in NOT_ON_INDEX]
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text("\n".join(pins) + "\n", encoding="ascii")
        return processes.run([tool, "--no-deps", "--disable-pip", "--requirement", wanted], cwd=ROOT) == 0
