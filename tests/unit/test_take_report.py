# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's report comes back from JSON as it was, and nothing else is taken for one."""

import json

import pytest

from blender_addon.core.retarget import retarget
from blender_addon.core.take_report import COLUMNS, from_json, report_of
from tests.golden.results import AT_24, FRAMES, RIG, take


@pytest.fixture(scope="module")
def report():
    return report_of(take(lost=True), retarget(take(lost=True), RIG, AT_24), RIG)


def test_a_report_comes_back_as_it_was(report):
    assert from_json(report.to_json()) == report
    assert report.to_json().isascii()


def test_it_says_what_the_take_holds(report):
    assert (report.frames, report.lost) == (FRAMES, 4)
    assert report.duration_s == pytest.approx((FRAMES - 1) / 30)
    assert report.longest_gap_s == pytest.approx(0.1)
    assert 0.0 < report.confidence <= 1.0
    assert len(report.confidence_columns) <= COLUMNS and min(report.confidence_columns) == 0.0
    assert report.unmapped == ()
    assert all(low <= high for low, high in report.head_deg)
    assert set(report.contacts) == {"eye_right", "eye_left", "lips"}


@pytest.mark.parametrize(
    "change", [{"peaks": {}}, {"contacts": {}}, {"frames": None}, {"head_deg": 3}, {"more": 1}, {"jitter_columns": 1}]
)
def test_what_is_none_is_refused_in_a_sentence(report, change):
    with pytest.raises(ValueError, match=r"report of a take"):
        from_json(json.dumps(json.loads(report.to_json()) | change))


@pytest.mark.parametrize("text", ["[]", "{}", "3"])
def test_other_json_is_no_report(text):
    with pytest.raises(ValueError, match="This is no report of a take"):
        from_json(text)
