# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the engine's own environment: which steps, which Python, and a run of them that can be watched and stopped."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fomm_engine.wire.errors import UserError

from .command import Command, clean_environment
from .process import CancelLadder, CancelTimes, Ended, LineProcess
from .session import Failure, Phase, Session, take_cancel

PYTHONS_WANTED = ((3, 11), (3, 12), (3, 13))
MARKER = "understudy-engine.json"
# PyTorch's own indexes, from its "Get started" page: https://pytorch.org/get-started/locally/
TORCH_INDEX = {
    "CPU": "https://download.pytorch.org/whl/cpu",
    "CUDA": "https://download.pytorch.org/whl/cu126",
    "METAL": "",  # the macOS wheels of the general index have Metal in them
}
FREE_BYTES_WANTED = {"CPU": 3 * 10**9, "CUDA": 9 * 10**9, "METAL": 3 * 10**9}


@dataclass(frozen=True)
class Step:
    """One command of the installation and what the user reads while it runs."""

    title: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Everything the installation does: the steps, the folder it makes, and what it notes there at the end."""

    steps: tuple[Step, ...]
    folder: Path
    device: str
    package: Path


def environment_python(folder: Path) -> Path:
    """The interpreter inside an environment folder; an interpreter's own path is given back as it is."""
    if folder.is_file():
        return folder
    windows, posix = folder / "Scripts" / "python.exe", folder / "bin" / "python"
    return windows if os.name == "nt" or windows.is_file() else posix


def installed_package(folder: Path) -> str:
    """The file name of the engine package that was installed whole into `folder`, or "" for none."""
    try:
        note = json.loads((folder / MARKER).read_text(encoding="ascii"))
        return str(note["package"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def candidate_pythons(own: Path) -> list[Path]:
    """Interpreters worth trying, best first: those of the system by version, then `own` (Blender's, to make an
    environment *from*; nothing is installed into it)."""
    names = [f"python{major}.{minor}" for major, minor in PYTHONS_WANTED] + ["python3", "python"]
    found = [Path(path) for path in map(shutil.which, names) if path]
    return list(dict.fromkeys([*found, own]))


def usable_python(candidates: Sequence[Path], probe: Callable[[Path], tuple[int, int] | None]) -> Path:
    """The first candidate whose version suits the engine and which can make environments.

    Raises UserError("no-python") where there is none.
    """
    for path in candidates:
        if probe(path) in PYTHONS_WANTED:
            return path
    wanted = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS_WANTED)
    hint = "Install one from python.org, or choose an engine that is there."
    raise UserError("no-python", f"No Python of version {wanted} was found.", hint)


def probe_python(path: Path) -> tuple[int, int] | None:
    """(major, minor) of an interpreter that can make environments with pip, None for one that cannot or is none."""
    code = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [str(path), "-c", code],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            env=clean_environment(os.environ),
        )
        major, minor = done.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return int(major), int(minor)


def make_plan(base_python: Path, folder: Path, package: Path, *, device: str) -> Plan:
    """The plan that makes `folder` an environment with the engine in it.

    package: the engine's wheel, or its source folder. device: a key of TORCH_INDEX. A half-made environment is
    finished rather than made anew: pip skips what is there.
    """
    if device not in TORCH_INDEX:
        raise ValueError(f"device must be one of {', '.join(TORCH_INDEX)}, got {device!r}")
    python = environment_python(folder)
    pip = (str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off")
    index = ("--extra-index-url", TORCH_INDEX[device]) if TORCH_INDEX[device] else ()
    steps = [] if python.is_file() else [Step("Making the environment", (str(base_python), "-m", "venv", str(folder)))]
    # Torch first and from its own index, so that the engine's requirement is met by the build that was chosen.
    torch_index = ("--index-url", TORCH_INDEX[device]) if TORCH_INDEX[device] else ()
    steps.append(Step("Downloading PyTorch", (*pip, *torch_index, torch_requirement(package))))
    steps.append(Step("Installing the engine", (*pip, *index, "--upgrade", str(package))))
    steps.append(Step("Checking", (str(python), "-c", "import torch, fomm_engine; print(fomm_engine.__version__)")))
    return Plan(tuple(steps), folder, device, package)


def torch_requirement(package: Path) -> str:
    """The engine package's own requirement for torch ("torch==2.13.0"), or plain "torch" where it names none."""
    for line in _requirement_lines(package):
        match = re.match(r"torch\s*(\(?[=<>!~][^;)]*\)?)?\s*(;.*)?$", line)
        if match:
            return "torch" + (match.group(1) or "").strip("() ").replace(" ", "")
    return "torch"


def require_room(folder: Path, device: str) -> None:
    """Nothing, where the disk has room for the installation. Raises UserError("disk-full") otherwise."""
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free, wanted = shutil.disk_usage(place).free, FREE_BYTES_WANTED[device]
    if free < wanted:
        message = f"The engine needs {wanted / 1e9:.0f} GB; {place} has {free / 1e9:.1f} GB free."
        raise UserError("disk-full", message, "Make room, or choose another folder in the preferences.")


class InstallRun:
    """A running installation, polled like an engine job: its `session` tells the step, its last line and the end."""

    def __init__(self, plan: Plan, now_s: float, *, times: CancelTimes | None = None) -> None:
        self._plan = plan
        self._ladder = CancelLadder(times or CancelTimes(ask_s=0.0, terminate_s=2.0))
        self._position = -1
        self._process: LineProcess | None = None
        self._tail: list[str] = []
        self.session = Session(started_at_s=now_s, phase=Phase.RUNNING, total=len(plan.steps))
        self._next_step(now_s)

    def poll(self, now_s: float) -> Session:
        """The session as it is now."""
        if self.session.is_final or self._process is None:
            return self.session
        for item in self._process.poll():
            if isinstance(item, Ended):
                self._step_ended(item.exit_status, now_s)
            else:
                self._tail = [*self._tail, item.text][-60:]
                self.session = replace(self.session, message=pip_message(item.text) or self.session.message)
        if not self.session.is_final:
            self._ladder.apply(self._process, now_s)
        return self.session

    def cancel(self, now_s: float) -> None:
        """Nothing; ends the step that runs. What is made so far stays and is used by the next try."""
        if self._ladder.ask(now_s):
            self.session = take_cancel(self.session)

    def close(self) -> None:
        """Nothing; ends the step that runs, at once."""
        if self._process is not None:
            self._process.close()
        if not self.session.is_final:
            self.session = replace(self.session, phase=Phase.CANCELLED)

    def _next_step(self, now_s: float) -> None:
        self._position += 1
        if self._position == len(self._plan.steps):
            self._finish()
            return
        step = self._plan.steps[self._position]
        self.session = replace(
            self.session, stage=step.title, stage_started_at_s=now_s, current=self._position, message=step.title
        )
        self._plan.folder.parent.mkdir(parents=True, exist_ok=True)
        command = Command(step.arguments, clean_environment(os.environ), self._plan.folder.parent)
        try:
            self._process = LineProcess(command, merge_stderr=True)
        except OSError as error:
            self._fail(f"{step.title} could not start ({error.strerror}).")

    def _step_ended(self, exit_status: int, now_s: float) -> None:
        if self._ladder.asked:
            self.session = replace(self.session, phase=Phase.CANCELLED)
        elif exit_status == 0:
            self._next_step(now_s)
        else:
            self._fail(pip_problem(self._tail) or f"{self.session.stage} ended with exit code {exit_status}.")

    def _finish(self) -> None:
        note = {"package": self._plan.package.name, "device": self._plan.device}
        (self._plan.folder / MARKER).write_text(json.dumps(note), encoding="ascii")
        output = str(environment_python(self._plan.folder))
        self.session = replace(
            self.session, phase=Phase.DONE, current=len(self._plan.steps), output=output, message="Installed"
        )

    def _fail(self, message: str) -> None:
        hint = "Check the connection and try again; what is downloaded is kept."
        failure = Failure("install-failed", message, hint, "\n".join(self._tail))
        self.session = replace(self.session, phase=Phase.FAILED, failure=failure)


def pip_message(line: str) -> str:
    """What a line of pip's output means to the user, short; "" for a line that says nothing to them."""
    match = re.match(r"\s*(Collecting|Downloading|Using cached)\s+(\S+)(?:.*\(([\d.]+ [kMG]B)\))?", line)
    if match:
        name = re.split(r"[=<>!~;\[]", match.group(2).rsplit("/", 1)[-1])[0].split("-")[0]
        size = f" ({match.group(3)})" if match.group(3) else ""
        return f"{match.group(1)} {name}{size}"
    return "Unpacking" if line.startswith("Installing collected packages") else ""


def pip_problem(lines: Sequence[str]) -> str:
    """The sentence for what went wrong in pip's last lines, or "" where they do not say."""
    text = "\n".join(lines)
    if "No space left on device" in text:
        return "The disk is full."
    if re.search(r"NewConnectionError|ConnectTimeout|Temporary failure in name resolution|getaddrinfo", text):
        return "The download servers cannot be reached."
    errors = [line for line in lines if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else ""


def _requirement_lines(package: Path) -> list[str]:
    if package.suffix == ".whl":
        import zipfile

        with zipfile.ZipFile(package) as wheel:
            name = next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
            text = wheel.read(name).decode("utf-8")
        return [line.removeprefix("Requires-Dist:").strip() for line in text.splitlines() if "Requires-Dist:" in line]
    project = package / "pyproject.toml"
    if not project.is_file():
        return []
    import tomllib

    with project.open("rb") as stream:
        return list(tomllib.load(stream).get("project", {}).get("dependencies", []))


def own_python() -> Path:
    """The interpreter this process runs in."""
    return Path(sys.executable)
