# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on decides about an installation: the build, the Python, what is there already, what is removed."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from blender_addon.engine import install, pythons
from blender_addon.engine.builds import BUILDS, Machine, runnable, size_words, this_machine
from fomm_engine.wire.errors import UserError


def machine(system, processor="x86_64", files=(), **environment):
    return Machine(system, processor, lambda path: path in files, environment)


@pytest.mark.parametrize(
    ("known", "builds"),
    [
        (machine("linux"), ("CPU",)),
        (machine("linux", files=("/proc/driver/nvidia/version",)), ("CUDA", "CPU")),
        (machine("windows", "amd64", files=(r"D:\Win\System32\nvcuda.dll",), SystemRoot=r"D:\Win"), ("CUDA", "CPU")),
        (machine("windows", "amd64"), ("CPU",)),
        (machine("darwin", "arm64"), ("METAL",)),
        (machine("darwin", "x86_64"), ("CPU",)),
    ],
)
def test_the_build_that_suits_the_machine_comes_first(known, builds):
    assert runnable(known) == builds
    assert set(builds) <= set(BUILDS)


def test_this_machine_has_a_build():
    assert runnable(this_machine())[-1] in BUILDS


def test_sizes_for_people():
    assert [size_words(count) for count in (239_300_000, 3_400_000_000)] == ["239 MB", "3.4 GB"]


def shelf(system, on_path=None, files=(), own=None, **environment):
    return pythons.Shelf(system, (on_path or {}).get, lambda path: path in files, environment, own)


def test_on_linux_versions_on_the_path_come_before_what_is_just_called_python():
    found = pythons.candidates(
        shelf("linux", {"python3": "/x/python3", "python3.12": "/y/python3.12"}, ("/usr/bin/python3.11",), "/b/python")
    )
    assert found == ["/usr/bin/python3.11", "/y/python3.12", "/x/python3", "/b/python"]


def test_on_a_mac_a_bare_path_does_not_hide_the_installers_places():
    files = ("/opt/homebrew/bin/python3.12", "/Library/Frameworks/Python.framework/Versions/3.11/bin/python3.11")
    found = pythons.candidates(shelf("darwin", {"python3": "/usr/bin/python3"}, files))
    assert found == [files[1], files[0], "/usr/bin/python3"]


def test_on_windows_the_shops_stand_ins_are_left_out():
    place = r"C:\Users\me\AppData\Local\Programs\Python\Python312\python.exe"
    stub = r"C:\Users\me\AppData\Local\Microsoft\WindowsApps\python.exe"
    own = r"C:\Blender\python\bin\python.exe"
    local = {"LOCALAPPDATA": r"C:\Users\me\AppData\Local"}
    assert pythons.candidates(shelf("windows", {"python": stub}, (place,), own, **local)) == [place, own]


def test_each_python_is_tried_once():
    assert pythons.candidates(shelf("linux", {"python3.11": "/usr/bin/python3.11"}, ("/usr/bin/python3.11",))) == [
        "/usr/bin/python3.11"
    ]


def test_the_first_python_that_suits_is_taken():
    versions = {"/a": (3, 9), "/b": None, "/c": (3, 12)}
    assert pythons.usable(list(versions), versions.get) == "/c"
    with pytest.raises(UserError, match="No Python of version"):
        pythons.usable(["/a"], versions.get)
    assert pythons.probe("/nowhere/python") is None
    assert pythons.probe(sys.executable) == sys.version_info[:2]


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "fomm_engine-0.2.0-py3-none-any.whl"
    path.write_bytes(b"x" * 100)
    return path


def finished(folder, **changes):
    folder.mkdir(parents=True)
    note = {"package": "fomm_engine-0.2.0-py3-none-any.whl", "bytes": 100, "device": "CPU", "base": "/usr/bin/python3"}
    (folder / install.NOTE).write_text(json.dumps(note | changes))
    return folder


def test_what_is_installed_is_what_its_note_says(tmp_path, wheel):
    there = install.installed(finished(tmp_path / "a"))
    assert (there.device, there.is_of(wheel)) == ("CPU", True)
    assert not install.installed(finished(tmp_path / "b", package="fomm_engine-0.1.0-py3-none-any.whl")).is_of(wheel)
    assert not install.installed(finished(tmp_path / "c", bytes=99)).is_of(wheel)
    assert install.installed(tmp_path / "none") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"package": 1, "bytes": "x"}', "\xff"])
def test_a_damaged_note_is_no_installation(tmp_path, text):
    (tmp_path / install.NOTE).write_text(text, encoding="latin-1")
    assert install.installed(tmp_path) is None
    assert install.is_begun(tmp_path)


def test_the_job_makes_its_folder_and_says_what_to_fetch(tmp_path, wheel):
    folder = tmp_path / "engine" / install.ENVIRONMENT
    assert not install.is_begun(folder)
    job = install.install_job(wheel, folder, device="CPU")
    assert (job.kind, job.input["package"], Path(job.output).parent) == ("install", str(wheel), folder)
    assert job.options == {"device": "CPU", "torch_index": BUILDS["CPU"].torch_index, "wheels": ""}
    assert folder.is_dir()
    assert install.is_begun(folder)


def test_a_folder_of_wheels_must_hold_some(tmp_path, wheel):
    (tmp_path / "wheels").mkdir()
    with pytest.raises(UserError, match="There are no wheels in"):
        install.install_job(wheel, tmp_path / "e", device="CPU", wheels=tmp_path / "wheels")


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path, monkeypatch, wheel):
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * 10**8))
    with pytest.raises(UserError, match=r"needs 1\.9 GB; .* has 200 MB free"):
        install.install_job(wheel, tmp_path / "e", device="CPU")
    install.require_room(finished(tmp_path / "there"), 10**9)  # an update needs next to nothing


def test_removing_leaves_neither_environment_nor_downloads(tmp_path):
    folder = finished(tmp_path / "engine" / install.ENVIRONMENT)
    (folder.with_name(install.DOWNLOADS)).mkdir()
    assert install.remove_engine(folder)
    assert list((tmp_path / "engine").iterdir()) == []
    assert not install.remove_engine(folder)
