# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages the engine needs here, as pip resolves them, and their files, fetched so that nothing comes twice."""

import contextlib
import hashlib
import json
import re
import urllib.request
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from fomm_engine.installation.children import KEPT, run
from fomm_engine.models.download import DownloadSettings, SourceError, check_address, fetch, forget
from fomm_engine.models.speedometer import Speedometer
from fomm_engine.stdio import Reporter
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.model_table import Source

PIP = ("-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-color")
_HEAD_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Wanted:
    """One file that pip wants to install: where it is, its SHA-256 in hex ("" where none is known), its size."""

    name: str
    version: str
    url: str
    sha256: str
    size: int = 0

    @property
    def file(self) -> str:
        """The file's own name."""
        return unquote(urlsplit(self.url).path).rpartition("/")[2]

    @property
    def is_here(self) -> bool:
        """Whether it lies on this machine already."""
        return urlsplit(self.url).scheme == "file"


@dataclass(frozen=True)
class Places:
    """Where packages come from: PyTorch's own index ("" for the usual one), and a folder of wheels (None: the network,
    else nothing but that folder)."""

    torch_index: str = ""
    wheels: Path | None = None

    def arguments(self, *, torch_alone: bool = False) -> list[str]:
        """pip's words for them."""
        if self.wheels is not None:
            return ["--no-index", "--find-links", str(self.wheels)]
        if not self.torch_index:
            return []
        return ["--index-url" if torch_alone else "--extra-index-url", self.torch_index]


def resolved(python: Path, package: Path, places: Places, work: Path, reporter: Reporter) -> list[Wanted]:
    """What has to be installed for the engine's package, but for itself; what is installed already is left out.

    PyTorch is chosen first and from its own index alone, so that the build that the user chose is not outbid by a newer
    one of the usual index. Raises UserError as children.run does.
    """
    reporter.progress("resolve", 0, None, "packages")
    if places.wheels is None:
        _renew_pip(python, reporter)
    alone = [*places.arguments(torch_alone=True), "--no-deps"]
    torch = _dry_run(python, [torch_requirement(package)], alone, work, reporter)
    chosen = [f"torch=={item.version}" for item in torch if item.name == "torch"]
    words = [*requirements(package), *chosen]
    found = _dry_run(python, words, places.arguments(), work, reporter)
    by_file = {item.file: item for item in (*torch, *found)}
    return [item if item.is_here else _measured(item) for item in by_file.values() if item.name != "fomm-engine"]


def fetched(wanted: list[Wanted], folder: Path, reporter: Reporter) -> list[Path]:
    """The files of the packages, in `folder`; what an earlier try left there is used, parts of files too.

    Raises UserError("offline", "install-failed").
    """
    folder.mkdir(parents=True, exist_ok=True)
    remote = [item for item in wanted if not item.is_here]
    about = sum(item.size for item in remote)
    meter, before, paths = Speedometer(about, reporter.progress), 0, list[Path]()
    for item in remote:
        target = folder / item.file
        if not (target.is_file() and _is_right(target, item)):
            start = before

            def tell(done: int, _total: int | None, start: int = start) -> None:
                meter(start + done, max(about, start + done))

            _fetch_one(item, target, tell)
        before += target.stat().st_size
        meter(before, max(about, before))
        paths.append(target)
    return paths + [_local_path(item) for item in wanted if item.is_here]


def requirements(package: Path) -> list[str]:
    """The packages that the engine's package (a wheel, or its source folder) asks for, without its extras."""
    return [line for line in _requirement_lines(package) if "extra ==" not in line.replace("extra==", "extra ==")]


def torch_requirement(package: Path) -> str:
    """The engine package's own requirement for torch ("torch>=2.13"), or plain "torch" where it names none."""
    for line in requirements(package):
        match = re.match(r"torch\s*(\(?[=<>!~][^;)]*\)?)?\s*(;.*)?$", line)
        if match:
            return "torch" + (match.group(1) or "").strip("() ").replace(" ", "")
    return "torch"


def _renew_pip(python: Path, reporter: Reporter) -> None:
    """Nothing; pip is the newest where it can be had: old ones fetch whole packages only to read what they ask for."""
    with contextlib.suppress(UserError):
        run([python, *PIP, "install", "--quiet", "--upgrade", "pip"], reporter, doing="Renewing pip")


def _dry_run(python: Path, words: list[str], places: list[str], work: Path, reporter: Reporter) -> list[Wanted]:
    report = work / "resolved.json"
    options = ["install", "--dry-run", "--quiet", "--only-binary=:all:", "--report", report]
    try:
        run([python, *PIP, *options, *places, *words], reporter, doing="Looking for the packages")
        return [_wanted(row) for row in json.loads(report.read_text(encoding="utf-8"))["install"]]
    finally:
        report.unlink(missing_ok=True)


def _wanted(row: dict[str, Any]) -> Wanted:
    found, data = row["download_info"], row["metadata"]
    hashes = found.get("archive_info", {}).get("hashes", {})
    name = re.sub(r"[-_.]+", "-", data["name"]).lower()
    return Wanted(name, data["version"], found["url"], hashes.get("sha256", ""))


def _measured(item: Wanted) -> Wanted:
    """The same with its size, where the server tells it."""
    try:
        check_address(item.url)
        request = urllib.request.Request(item.url, method="HEAD")
        with urllib.request.urlopen(request, timeout=_HEAD_TIMEOUT_S) as answer:
            return replace(item, size=int(answer.headers.get("Content-Length") or 0))
    except (OSError, ValueError, SourceError):
        return item


def _fetch_one(item: Wanted, target: Path, tell: Any) -> None:
    partial = target.with_name(target.name + ".part")
    source = Source(kind="direct", url=item.url, origin=urlsplit(item.url).netloc)
    try:
        fetch(source, partial, tell, DownloadSettings())
    except SourceError as error:
        code = "offline" if error.offline else "install-failed"
        raise UserError(code, f"{item.file} could not be downloaded: {error}.", KEPT) from error
    if not _is_right(partial, item):
        forget(partial)
        message = f"{item.file} is not the file that the index describes."
        raise UserError("install-failed", message, "Try again; if it repeats, something on the way changes downloads.")
    partial.replace(target)
    forget(partial)


def _is_right(path: Path, item: Wanted) -> bool:
    if not item.sha256:
        return not item.size or path.stat().st_size == item.size
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == item.sha256


def _local_path(item: Wanted) -> Path:
    return Path(urllib.request.url2pathname(urlsplit(item.url).path))


def _requirement_lines(package: Path) -> list[str]:
    if package.suffix == ".whl":
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
