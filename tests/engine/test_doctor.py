# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor says what works, in a file for programs and in sentences for people."""

import json
from pathlib import Path
from typing import Any

import pytest

from fomm_engine.bench.memory import TINY
from fomm_engine.face import weights
from fomm_engine.jobs import doctor
from fomm_engine.jobs.doctor import run
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.wire.job import Job


@pytest.fixture(autouse=True)
def small_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A model whose engine paths are tried in moments, and nothing kept in the user's own folder."""
    monkeypatch.setattr(doctor, "MODEL", TINY)
    monkeypatch.setenv("UNDERSTUDY_MODELS", str(tmp_path / "models"))


class Sentences:
    """A sink that keeps what a person would read."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def emit(self, kind: str, **fields: Any) -> None:
        """Keep one sentence."""
        if kind == "log":
            self.said.append(str(fields["message"]))


def examined(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """(report, sentences)."""
    sink = Sentences()
    path = run(Job("doctor", {}, str(folder / "doctor.json")), Reporter(sink, CancelFlag()))
    return json.loads(path.read_text()), sink.said


def test_a_whole_engine_is_well(tmp_path: Path) -> None:
    report, said = examined(tmp_path)
    assert report["problems"] == [] and said[-1] == "Everything works."
    assert report["speed"]["landmark_frames_per_s"] > 0
    assert set(report["weights"]) >= {f"{name}.safetensors" for name in ("landmarks", "box", "arkit", "face_prior")}


def test_the_engine_paths_are_explained(tmp_path: Path) -> None:
    report, said = examined(tmp_path)
    paths = report["engine_paths"]
    assert set(paths) == {"exact", "bf16", "int8"}
    assert "tried here at" in paths["exact"] and "plain" in paths["exact"]
    assert any(f"exact: {paths['exact']}" in sentence for sentence in said)
    again, _ = examined(tmp_path)
    assert again["engine_paths"] == paths  # remembered, not tried again


def test_damaged_weights_are_named(tmp_path: Path, monkeypatch: Any) -> None:
    def damaged() -> None:
        weights.checked_file("landmarks.safetensors", tmp_path)

    monkeypatch.setattr(weights, "load_landmark_net", damaged)
    report, said = examined(tmp_path)
    assert report["weights"] is None and any("landmarks.safetensors" in sentence for sentence in said)
    assert said[-1] != "Everything works."
