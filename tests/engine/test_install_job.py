# SPDX-License-Identifier: GPL-3.0-or-later
"""The install job, for real: a small index on this machine, a wheel cut off half way, and the way on from there."""

import base64
import hashlib
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from index_server import index_of

from fomm_engine.installation import environment
from fomm_engine.installation.children import answers, explained
from fomm_engine.installation.children import run as run_child
from fomm_engine.installation.packages import Places, requirements, torch_requirement
from fomm_engine.jobs import install
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.wire.errors import Cancelled, UserError
from fomm_engine.wire.job import Job

TORCH_BYTES = 3_000_000


class Notes:
    """A sink that keeps the events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def emit(self, kind: str, **fields: Any) -> None:
        """Keep one event."""
        self.events.append({"kind": kind, **fields})


def reporter() -> Reporter:
    return Reporter(Notes(), CancelFlag())


class StopsDownload(Reporter):
    """Is cancelled when so many MB have come."""

    def progress(self, stage: str, current: int, total: int | None = None, message: str = "") -> None:
        """As the reporter, but the user presses Cancel."""
        super().progress(stage, current, total, message)
        if stage == "download" and current >= 1:
            raise Cancelled("the user pressed Cancel")


def wheel(folder: Path, name: str, version: str, files: dict[str, bytes], needs: tuple[str, ...] = ()) -> Path:
    """A small wheel with its record."""
    distribution = f"{name}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = files | {
        f"{distribution}/METADATA": (head + "".join(f"Requires-Dist: {need}\n" for need in needs)).encode(),
        f"{distribution}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    files[f"{distribution}/RECORD"] = "\n".join([*rows, f"{distribution}/RECORD,,", ""]).encode()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name_in, data in files.items():
            archive.writestr(name_in, data)
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Wheels of what the engine needs, a few bytes each but for torch."""
    folder = tmp_path / "shop"
    folder.mkdir()
    heavy = {"torch/__init__.py": b"__version__ = '2.13.0'\n", "torch/heavy.bin": os.urandom(TORCH_BYTES)}
    wheel(folder, "torch", "2.13.0", heavy)
    wheel(folder, "opencv_python", "5.0", {"cv2/__init__.py": b""})
    wheel(folder, "pyyaml", "6.0", {"yaml/__init__.py": b""})
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    needs = ("torch>=2.13", "opencv-python", "pyyaml>=6", 'nncf; extra == "openvino"')
    return wheel(tmp_path, "fomm_engine", "0.9", {"fomm_engine/__init__.py": b"__version__ = '0.9'\n"}, needs)


def install_job(tmp_path: Path, package: Path, **options: str) -> Job:
    folder = tmp_path / "engine" / "env"
    folder.mkdir(parents=True, exist_ok=True)
    return Job("install", {"package": str(package)}, str(folder / "note.json"), options)


def test_an_installation_goes_on_where_it_was_stopped(
    tmp_path: Path, shop: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    job, downloads = install_job(tmp_path, package, device="CPU"), tmp_path / "engine" / "downloads"
    with index_of(shop) as (address, asked):
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        with pytest.raises(Cancelled):
            install.run(job, StopsDownload(Notes(), CancelFlag()))
        part = next(downloads.glob("torch-*.part"))
        had = part.stat().st_size
        assert 0 < had < TORCH_BYTES
        assert not Path(job.output).exists()

        notes = Notes()
        output = install.run(job, Reporter(notes, CancelFlag()))
        ranges = [wanted for path, wanted in asked if path.endswith(".whl") and "torch" in path and wanted]
    assert f"bytes={had}-" in ranges
    assert any("environment that is there is used" in str(event.get("message")) for event in notes.events)
    note = json.loads(output.read_text())
    assert (note["package"], note["engine"], note["torch"]) == (package.name, "0.9", "2.13.0")
    assert note["bytes"] == package.stat().st_size
    assert not downloads.exists()
    assert answers(environment.python_in(output.parent), "import torch; print(torch.__version__)") == "2.13.0"
    downloaded = [event for event in notes.events if event.get("stage") == "download"]
    assert downloaded[-1]["current"] == downloaded[-1]["total"] > TORCH_BYTES // 1_000_000


def test_an_environment_that_cannot_be_used_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[list[str]] = []
    monkeypatch.setattr(environment, "run", lambda command, *_, **__: made.append([str(word) for word in command]))
    python = environment.python_in(tmp_path / "env")
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    (tmp_path / "env" / "left").write_text("by an earlier try")
    environment.ready_environment(tmp_path / "env", reporter())
    assert made == [[sys.executable, "-m", "venv", str(tmp_path / "env")]]
    assert list((tmp_path / "env").iterdir()) == []


def test_what_the_package_asks_for_is_read_from_it(package: Path, tmp_path: Path) -> None:
    assert requirements(package) == ["torch>=2.13", "opencv-python", "pyyaml>=6"]
    assert torch_requirement(package) == "torch>=2.13"
    other = wheel(tmp_path, "other", "1", {}, ("numpy", "torchvision"))
    assert torch_requirement(other) == "torch"


def test_a_folder_of_wheels_keeps_pip_off_the_network(tmp_path: Path) -> None:
    assert Places(wheels=tmp_path).arguments() == ["--no-index", "--find-links", str(tmp_path)]
    assert Places("https://x/cpu").arguments() == ["--extra-index-url", "https://x/cpu"]
    assert Places("https://x/cpu").arguments(torch_alone=True) == ["--index-url", "https://x/cpu"]
    assert Places().arguments() == []


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        ("WARNING: Retrying: NewConnectionError", "offline", "servers cannot be reached"),
        ("OSError: [Errno 28] No space left on device", "disk-full", "disk is full"),
        ("ERROR: No matching distribution found for torch>=9", "install-failed", "no build of torch>=9"),
        ("ERROR: something else", "install-failed", "something else"),
        ("a line", "install-failed", "It ended"),
    ],
)
def test_pips_troubles_in_a_sentence(line: str, code: str, sentence: str) -> None:
    error = explained(["Collecting torch", line], "It ended.")
    assert (error.code, sentence in str(error)) == (code, True)


def test_a_command_is_ended_when_the_job_is_cancelled() -> None:
    flag = CancelFlag()
    lines: list[str] = []

    def heard(line: str) -> None:
        lines.append(line)
        flag.set()

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(Cancelled):
        run_child([sys.executable, "-c", code], Reporter(Notes(), flag), doing="Sleeping", heard=heard)
    with pytest.raises(ProcessLookupError):
        os.kill(int(lines[0]), 0)


def test_a_command_that_fails_says_so() -> None:
    with pytest.raises(UserError, match="Trying ended with exit code 3"):
        run_child([sys.executable, "-c", "raise SystemExit(3)"], reporter(), doing="Trying")
