# SPDX-License-Identifier: GPL-3.0-or-later
"""pip, driven: exact versions into one environment, with progress, and its troubles told in a sentence."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from steps import processes
from steps.terminal import Refusal, say

PIP_OPTIONS = ("--disable-pip-version-check", "--no-input", "--no-color")
# Without compiling: most modules are never imported, and Python compiles those that are when they are.
INSTALL_OPTIONS = ("--no-deps", "--only-binary=:all:", "--no-compile", "--retries=2", "--progress-bar=off")
KEPT_LINES = 60
NETWORK_WORDS = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "SSLError",
    "Network is unreachable",
    "Connection refused",
    "Connection reset",
    "Connection aborted",
    "IncompleteRead",
    "HTTP error",
)


class PipProgress:
    """pip's output, turned into lines for a person: packages counted, big downloads named, silence explained."""

    def __init__(self, total: int) -> None:
        self.lines: list[str] = []
        self._total = total
        self._seen = 0
        self._partial = b""

    def feed(self, block: bytes) -> None:
        """Nothing; takes what pip wrote and says what is worth saying."""
        *whole, self._partial = (self._partial + block).split(b"\n")
        for line in whole:
            self._take(line.decode(errors="replace").strip())

    def idle(self, elapsed_s: float) -> None:
        """Nothing; tells that the work goes on."""
        say(f"  still working ({elapsed_s:.0f} s)")

    def _take(self, line: str) -> None:
        self.lines = [*self.lines[-KEPT_LINES:], line]
        if line.startswith(("Collecting ", "Processing ")):
            self._seen += 1
        elif line.startswith("Downloading ") and " MB" in line:
            name = line.split()[1].rsplit("/", 1)[-1].split("-", maxsplit=1)[0]
            say(f"  {self._seen}/{self._total} downloading {name} {line[line.rfind('(') :]}")
        elif line.startswith("Installing collected packages"):
            say(f"  {self._seen}/{self._total} fetched, installing")


def install(python: Path, packages: Mapping[str, str], *, extra_index: str = "") -> None:
    """Nothing; when it returns, the environment of `python` holds the packages in these versions.

    Of a version that the usual index has plainly and the extra one with a build's name (2.13.0+cpu), pip takes the
    latter.
    Raises Refusal with the likeliest reason where pip fails.
    """
    progress = PipProgress(len(packages))
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as requirements:
        requirements.writelines(f"{name}=={version}\n" for name, version in sorted(packages.items()))
        requirements.flush()
        extra = ["--extra-index-url", extra_index] if extra_index else []
        code = processes.run(
            [
                python,
                "-m",
                "pip",
                "install",
                *PIP_OPTIONS,
                *INSTALL_OPTIONS,
                *extra,
                "--requirement",
                requirements.name,
            ],
            on_output=progress.feed,
            on_idle=progress.idle,
        )
    if code != 0:
        raise explain_failure(progress.lines)


def uninstall(python: Path, names: Sequence[str]) -> None:
    """Nothing; takes packages out of an environment."""
    if names:
        output: list[bytes] = []
        command = [python, "-m", "pip", "uninstall", *PIP_OPTIONS, "--yes", *names]
        if processes.run(command, on_output=output.append) != 0:
            raise explain_failure(b"".join(output).decode(errors="replace").splitlines())


def explain_failure(lines: Sequence[str]) -> Refusal:
    """What pip's last lines mean, as a sentence and what to do about it."""
    text = "\n".join(lines)
    if "No space left on device" in text or "Errno 28" in text:
        return Refusal(
            "The disk is full: the packages could not be installed.", "Make room and run the same command again."
        )
    if any(word in text for word in NETWORK_WORDS):
        return Refusal(
            "The package index cannot be reached: there is no network, or a proxy or firewall is in the way.",
            "Connect (or set pip's index and proxy) and run the same command again; what was downloaded is kept.",
        )
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")] or list(lines[-1:])
    if "No matching distribution" in text:
        return Refusal(
            f"The package index does not have a package of the lock file for this machine: {errors[-1]}",
            "The lock file is for 64-bit Linux with glibc 2.28 or later and Python 3.11.",
        )
    return Refusal(f"pip could not install the packages: {' '.join(errors)[-400:] or 'it gave no reason'}")
