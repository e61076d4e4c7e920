# SPDX-License-Identifier: GPL-3.0-or-later
"""What demo and evaluation say of input that cannot be used: one sentence, exit code 2, nothing half-written."""

from pathlib import Path

import pytest

from fomm_engine.evaluation import demo
from fomm_engine.evaluation.__main__ import main as evaluate


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence of a demo that refuses."""
    assert demo.main([*arguments, "--blender-python", "no-blender"]) == 2
    said = capsys.readouterr().err.strip()
    assert said and "\n" not in said and "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("content", "word"), [(None, "There is no file"), (b"", "empty"), (b"no video at all\n" * 50, "video")]
)
def test_a_video_that_is_none(
    content: bytes | None, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = tmp_path / "clip.mp4"
    if content is not None:
        video.write_bytes(content)
    out = tmp_path / "out"
    assert word in refused(["--video", str(video), "--out", str(out)], capsys)
    assert not out.exists()


def test_a_character_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert "viola" in refused(["--character", "nobody", *out], capsys), "the characters there are get named"
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"x")
    assert ".blend" in refused(["--character", str(picture), *out], capsys)
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    assert "cannot be used" in refused(["--out", str(tmp_path / "file" / "out")], capsys)


def test_blender_that_does_not_start_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no-blender" in refused(["--out", str(tmp_path / "out")], capsys)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_evaluation_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate([str(tmp_path), "--blender-python", "no-blender"]) == 2
    assert "X.gt.npz" in capsys.readouterr().err
