# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/python.md: it lists the operators as they are, and its scripts run."""

import re
import runpy
import sys
from pathlib import Path

import bpy
from python_reference import DOCUMENT, documented, reference
from tiny_character import make_character

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


def run(name, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["blender", "--background", "--", *map(str, arguments)])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_the_list_of_operators_is_theirs(addon):
    assert documented() == reference().strip(), "tests/blender/python_reference.py writes it anew"


def test_every_operator_and_property_that_the_text_names_is_there(scene):
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in set(re.findall(r"bpy\.ops\.understudy\.(\w+)\(", text)):
        assert hasattr(bpy.ops.understudy, name)
        getattr(bpy.ops.understudy, name).get_rna_type()
    for name in set(re.findall(r"`scene\.understudy\.(\w+)`", text)):
        assert hasattr(scene.understudy, name), name
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(re.findall(r"examples/(\w+\.py)", text))


def test_takes_are_baked_one_file_each(scene, take_path, tmp_path, monkeypatch, capsys):
    make_character("Ada")
    other = tmp_path / "other.capture.npz"
    other.write_bytes(take_path.read_bytes())
    run("bake_takes.py", monkeypatch, tmp_path / "out", take_path, other)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["other.blend", "tiny.blend"]
    assert capsys.readouterr().out.count(".blend: frames 1 to 36") == 2


def test_a_folder_is_captured_and_what_fails_is_told(fake_engine, video, tmp_path, monkeypatch, capsys):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "good.mp4").write_bytes(video.read_bytes())
    (tmp_path / "videos" / "letter.mp4").write_text("not a film")
    run("capture_folder.py", monkeypatch, tmp_path / "videos", tmp_path / "takes")
    told = capsys.readouterr().out
    assert "good.mp4: 45 frames, 2 without a face" in told
    assert re.search(r"letter\.mp4: .+ is not a video that can be read\.", told)
    assert "1 failed" in told
    assert [path.name for path in (tmp_path / "takes").iterdir()] == ["good.capture.npz"]


def test_a_baked_shot_is_rendered(ready, scene, tmp_path, monkeypatch):
    bpy.ops.understudy.bake()
    ready.baked_last = ready.baked_first + 1
    run("render_shot.py", monkeypatch, tmp_path / "frames", 32, 18)
    assert len(list((tmp_path / "frames").glob("frame_*.png"))) == 2
