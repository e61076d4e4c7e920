# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison with another tracker's scores."""

from pathlib import Path

import pytest

from fomm_engine.evaluation.peers import compared, comparison_table, peer_scores
from fomm_engine.wire.errors import UserError

FIGURES = {
    "rotation_mae_deg": {"mean": 2.0, "mean_less_offset": 0.5},
    "rotation_jitter_deg": 0.7,
    "nme_inner51_percent": 2.0,
    "nme_68_percent": 3.0,
    "correlation": {"eyeBlinkLeft": 0.9, "eyeBlinkRight": 0.8, "browDownLeft": 0.2, "jawOpen": 1.0},
}


def test_each_figure_is_judged_in_its_own_direction() -> None:
    peer = {"rot_MAE": 1.0, "jitter_deg_rms": 0.5, "NME51_%": 3.5, "corr": {"eyeBlinkLeft": 0.8, "browDownLeft": 0.5}}
    rows = {row.what: row for row in compared(FIGURES, peer)}
    better = {what for what, row in rows.items() if row.better}
    assert better == {"head rotation, degrees", "landmarks, inner 51, %", "r of blink"}
    assert rows["r of blink"].ours == 0.9, "only of channels that both have"
    assert "r of jaw" not in rows and "landmarks, all 68, %" not in rows
    assert "WORSE" in comparison_table({"clip": list(rows.values())})


def test_a_missing_file_is_no_comparison_and_a_broken_one_is_said(tmp_path: Path) -> None:
    assert peer_scores(tmp_path) == {}
    (tmp_path / "peer_scores.json").write_text("[1]")
    with pytest.raises(UserError, match="cannot be read") as caught:
        peer_scores(tmp_path)
    assert caught.value.code == "peers-broken"
