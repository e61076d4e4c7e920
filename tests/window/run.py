# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole path in a real Blender window: python tests/window/run.py --blender "xvfb-run -a blender" --out DIR

Starts Blender with fresh user folders, installs the built zip as a user would, and lets walk.py go from the empty scene
to the rendered shot, taking pictures. Afterwards no process of the engine may be left. Exit codes: 0 well or skipped
with a reason, 1 something is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENGINE = ROOT / ".venv" / "engine" / "bin" / "python"
GONE_WITHIN_S = 8.0


def main() -> int:
    """The exit code."""
    args = _parser().parse_args()
    command, zips = _blender(args.blender), sorted((ROOT / "dist").glob("understudy-*.zip"))
    reason = _missing(command, zips, args.engine)
    if reason:
        print(f"skipped: {reason}")
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="understudy-window-") as folder:
        plan = _plan(args, args.zip or zips[-1], Path(folder))
        code = _walk(command, plan, Path(folder), args)
    left = _left_over(args.out / "engines.json")
    for pid in left:
        print(f"still there after Blender closed: engine process {pid}")
    if code == 0:
        from pictures import finish

        finish(args.out, args.pictures)
    return 1 if code or left else 0


def _walk(command: list[str], plan: Path, folder: Path, args: argparse.Namespace) -> int:
    """Blender's exit code."""
    (folder / "user").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"BLENDER_USER_RESOURCES": str(folder / "user"), "LIBGL_ALWAYS_SOFTWARE": "1", "HOME": str(folder)}
    if args.locale:
        shutil.copytree(args.locale, folder / "user" / "datafiles" / "locale")
    options = ["--factory-startup", "--online-mode", "--enable-event-simulate", "--python-exit-code", "1"]
    size = ["--window-geometry", "0", "0", *args.size.split("x")]
    try:
        return subprocess.run(
            [*command, *options, *size, "--python", str(HERE / "walk.py"), "--", str(plan)],
            env=environment,
            cwd=folder,
            timeout=args.timeout,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"Blender was not done after {args.timeout} s")
        return 1


def _plan(args: argparse.Namespace, extension: Path, folder: Path) -> Path:
    """What walk.py is told."""
    plan = {
        "zip": str(extension.resolve()),
        "engine": str(args.engine),
        "out": str(args.out.resolve()),
        "work": str(folder),
        "video": str(ROOT / "rigs" / "performances" / "monologue.mp4"),
        "root": str(ROOT),
        "only": args.only,
    }
    path = folder / "plan.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    return path


def _blender(given: str | None) -> list[str]:
    if given:
        return shlex.split(given)
    found = shutil.which("blender")
    if found and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return [found]
    frame = shutil.which("xvfb-run")
    return [frame, "-a", "-s", "-screen 0 1600x1700x24", found] if found and frame else []


def _missing(command: list[str], zips: list[Path], engine: Path) -> str:
    """Why it cannot be done here; "" where it can."""
    if not command:
        return "no Blender with a window: give --blender COMMAND, or install blender and xvfb"
    if not zips:
        return "no built zip: python3 build.py package makes it"
    return "" if engine.exists() else f"no engine at {engine}: python3 build.py setup makes it"


def _left_over(noted: Path) -> list[int]:
    """The engine processes that outlived Blender."""
    pids = json.loads(noted.read_text(encoding="ascii")) if noted.is_file() else []
    until = time.monotonic() + GONE_WITHIN_S
    while (alive := [pid for pid in pids if _is_alive(pid)]) and time.monotonic() < until:
        time.sleep(0.2)
    return alive


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()[0] != "Z"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The whole path in a real Blender window, with pictures.")
    parser.add_argument("--blender", help="command that starts Blender with a window")
    parser.add_argument("--zip", type=Path, help="the built extension (default: the one in dist/)")
    parser.add_argument("--engine", type=Path, default=ENGINE, help="Python of an environment with the engine")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "window", help="where raw pictures go")
    parser.add_argument("--pictures", type=Path, help="where finished pictures go, e.g. docs/images")
    parser.add_argument("--locale", type=Path, help="a datafiles/locale folder for a Blender that came without one")
    parser.add_argument("--only", default="", help="stop after this picture")
    parser.add_argument("--size", default="900x1500")
    parser.add_argument("--timeout", type=float, default=2400.0)
    return parser


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main())
