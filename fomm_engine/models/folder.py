# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that keeps downloaded and imported weights, and the checksums that were pinned there."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.whole_file import whole_file

VARIABLE = "UNDERSTUDY_MODELS"
_PINS = "pins.json"


@dataclass(frozen=True)
class Pin:
    """What a file was when it came: its size in bytes and hash, the known file it is ("" for none), where from."""

    size: int
    sha256: str
    known: str
    origin: str


def models_folder(chosen: str | Path | None = None) -> Path:
    """The folder for weights: the one chosen, else the environment's UNDERSTUDY_MODELS, else the user's cache."""
    if chosen:
        return Path(chosen).expanduser().absolute()
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser().absolute()
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "understudy" / "models"


def made_folder(folder: Path) -> Path:
    """`folder`, which now exists. Raises UserError("not-writable")."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(folder, error) from error
    return folder


def not_writable(path: Path, error: OSError) -> UserError:
    """The error for a place where nothing can be kept."""
    hint = f"Free some space, or choose another folder with --folder or the environment's {VARIABLE}."
    return UserError("not-writable", f"{path} cannot be written ({error.strerror or error}).", hint)


def read_pins(folder: Path) -> dict[str, Pin]:
    """What came, by name; empty where nothing did, or where the file that says so is damaged."""
    try:
        rows = json.loads((folder / _PINS).read_text(encoding="ascii"))
        return {name: Pin(**row) for name, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_pin(folder: Path, name: str, pin: Pin | None) -> None:
    """Nothing; `name` is pinned, or no longer where `pin` is None."""
    pins = {key: value for key, value in read_pins(folder).items() if key != name}
    if pin is not None:
        pins[name] = pin
    rows = {key: asdict(value) for key, value in sorted(pins.items())}
    with whole_file(folder / _PINS) as partial:
        partial.write_text(json.dumps(rows, ensure_ascii=True, indent=1), encoding="ascii")
