# SPDX-License-Identifier: GPL-3.0-or-later
"""Every locked package was audited, goes with the GPL and has no known fault; the audit can object to each of these."""

import pytest

from steps.auditing import complaints, locked_versions, may_be_combined, read_audit
from steps.lock import read_lock

FINDINGS = {
    "compatible": ["MIT", "Apache-2.0"],
    "not_distributed": [],
    "packages": {"a": {"versions": ["1.2"], "licence": "MIT"}},
    "faults": [{"package": "a", "id": "CVE-1", "fixed_in": "1.2", "what": "broken"}],
}


def test_the_lock_passes_its_audit() -> None:
    assert list(complaints(locked_versions(read_lock()), read_audit())) == []


def test_every_fault_is_of_a_package_that_is_locked() -> None:
    findings = read_audit()
    assert {fault["package"] for fault in findings["faults"]} <= set(findings["packages"])


@pytest.mark.parametrize(
    ("locked", "licence", "sentence"),
    [
        ({"a": {"1.2"}, "b": {"1"}}, "MIT", "b was never looked at"),
        ({"a": {"1.3"}}, "MIT", "a 1.3 was not looked at"),
        ({"a": {"1.2"}}, "Proprietary", "does not go with"),
        ({"a": {"1.2", "1.1.9"}}, "MIT", "a 1.1.9 has CVE-1"),
        ({}, "MIT", "is locked no longer"),
    ],
)
def test_the_audit_objects(locked: dict[str, set[str]], licence: str, sentence: str) -> None:
    findings = {**FINDINGS, "packages": {"a": {"versions": ["1.2"], "licence": licence}}}
    assert any(sentence in said for said in complaints(locked, findings))


def test_versions_are_compared_as_numbers() -> None:
    findings = {**FINDINGS, "packages": {"a": {"versions": ["1.10"], "licence": "MIT"}}}
    assert list(complaints({"a": {"1.10"}}, findings)) == []


@pytest.mark.parametrize(
    ("licence", "fits"),
    [("MIT", True), ("MIT AND X", False), ("X OR MIT", True), ("MIT AND Apache-2.0", True), ("X", False)],
)
def test_licence_expressions(licence: str, fits: bool) -> None:
    assert may_be_combined(licence, FINDINGS) is fits
