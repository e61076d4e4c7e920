# SPDX-License-Identifier: GPL-3.0-or-later
"""The install job: an environment of the engine's own, with this engine in it.

A host runs it from the engine's wheel with any Python that can make environments; it needs the standard library alone.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from fomm_engine.installation.children import answers
from fomm_engine.installation.children import run as run_child
from fomm_engine.installation.environment import ready_environment
from fomm_engine.installation.packages import PIP, Places, fetched, resolved
from fomm_engine.stdio import Reporter
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options
from fomm_engine.wire.whole_file import whole_file

DEFAULTS: dict[str, Any] = {"device": "CPU", "torch_index": "", "wheels": ""}
DOWNLOADS = "downloads"
_PROOF = "import torch, fomm_engine, cv2, yaml; print(fomm_engine.__version__, torch.__version__)"


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the note (`job.output`, JSON: package, bytes, device, base, versions) that stands in the finished
    environment, which is the folder the note lies in.

    Inputs: package (the engine's wheel, or its source folder). Options: device (noted), torch_index (address of
    PyTorch's wheels; "": the usual index), wheels (a folder to install from, without any network). Downloads are kept
    in a folder beside the environment until it is whole: the same job goes on where an earlier one was stopped. Raises
    UserError as installation.environment and installation.packages do.
    """
    options, output = checked_options(job, DEFAULTS), Path(job.output)
    package, folder = Path(job.input["package"]), output.parent
    downloads = folder.with_name(DOWNLOADS)
    output.unlink(missing_ok=True)  # what is changed from now on is not whole until it is
    python = ready_environment(folder, reporter)
    places = Places(options["torch_index"], Path(options["wheels"]) if options["wheels"] else None)
    downloads.mkdir(parents=True, exist_ok=True)
    wanted = resolved(python, package, places, downloads, reporter)
    files = fetched(wanted, downloads, reporter)
    _unpack(python, package, files, reporter)
    reporter.progress("check", 0, None, "engine")
    versions = answers(python, _PROOF, timeout_s=180.0)
    if versions is None:
        message = "The engine was installed but does not start."
        raise UserError("install-failed", message, "Try again, or choose another build.")
    _note(output, package, options["device"], versions.split())
    shutil.rmtree(downloads, ignore_errors=True)
    return output


def _unpack(python: Path, package: Path, files: list[Path], reporter: Reporter) -> None:
    """The files are installed, the engine's own package last and in any case: its version may be the same as before."""
    pip = [python, *PIP, "install", "--quiet", "--no-deps"]
    for number, file in enumerate(files):
        reporter.progress("unpack", number, len(files) + 1, file.name.split("-")[0])
        run_child([*pip, "--no-index", file], reporter, doing=f"Unpacking {file.name}")
    reporter.progress("unpack", len(files), len(files) + 1, "engine")
    alone = ["--no-index"] if package.suffix == ".whl" else []  # sources need setuptools to be built
    run_child([*pip, "--force-reinstall", *alone, package], reporter, doing="Installing the engine")
    reporter.progress("unpack", len(files) + 1, len(files) + 1)


def _note(path: Path, package: Path, device: str, versions: list[str]) -> None:
    note = {
        "package": package.name,
        "bytes": package.stat().st_size if package.is_file() else 0,
        "device": device,
        "base": sys.executable,
        "engine": versions[0],
        "torch": versions[1],
    }
    with whole_file(path) as partial:
        partial.write_text(json.dumps(note, ensure_ascii=True, indent=1), encoding="ascii")
