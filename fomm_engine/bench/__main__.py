# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m fomm_engine.bench engine|capture`: the speed figures, as a table or as JSON."""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

# As in the engine's own start: what is measured is what people get. Must be said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from fomm_engine.bench.engine import BenchSettings, measure
from fomm_engine.wire.errors import UserError

BAD_INPUT = 2
QUICK_ROUNDS = 3


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 2 bad input."""
    defaults = BenchSettings()
    parser = argparse.ArgumentParser(prog="fomm_engine.bench", description="Measure the engine.")
    parser.add_argument("what", choices=["engine", "capture"])
    parser.add_argument("--json", type=Path, nargs="?", const=Path("-"), help="write JSON, to a file or to stdout")
    parser.add_argument("--rounds", type=int, default=defaults.rounds)
    parser.add_argument("--threads", type=int, default=defaults.threads)
    parser.add_argument("--checkpoint", type=Path, help="trained weights: random ones amplify rounding")
    parser.add_argument("--paths", nargs="+", default=defaults.paths, help="precisions, or engine paths by name")
    parser.add_argument("--quick", action="store_true", help="three rounds, no int8, no memory: under a minute")
    args = parser.parse_args(arguments)
    try:
        if args.what == "capture":
            report, text = _capture()
        else:
            report = measure(_settings(args), say=lambda line: print(line, file=sys.stderr))
            text = table(report)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    _show(report, text, args.json)
    return 0


def _settings(args: argparse.Namespace) -> BenchSettings:
    whole = BenchSettings(args.rounds, args.threads, checkpoint=args.checkpoint, paths=tuple(args.paths))
    if not args.quick:
        return whole
    paths = tuple(path for path in whole.paths if "int8" not in path)
    return replace(whole, rounds=min(args.rounds, QUICK_ROUNDS), paths=paths, memory=None)


def _capture() -> tuple[dict[str, Any], str]:
    from fomm_engine.bench.capture import capture_table, measure_capture

    report = measure_capture()
    return report, capture_table(report)


def _show(report: dict[str, Any], text: str, target: Path | None) -> None:
    plain = json.dumps(report, indent=1, allow_nan=False) + "\n"
    if target is None:
        sys.stdout.write(text)
    elif str(target) == "-":
        sys.stdout.write(plain)
    else:
        target.write_text(plain, encoding="ascii")
        sys.stdout.write(text)


def table(report: dict[str, Any]) -> str:
    """The figures for people."""
    conditions = f"{report['threads']} thread(s), {report['weights']} weights"
    rows = [f"plain reference: {report['plain_ms']:.0f} ms a frame ({conditions})"]
    for name, figure in report["engine"].items():
        if name == "memory":
            peaks = ", ".join(f"{key.split('_')[1]} frames {peak:.0f} MiB" for key, peak in figure.items())
            rows.append(f"memory   peak of the animate job: {peaks}")
            continue
        spread = f"{figure['ratio']:5.2f} x ({figure['ratio_min']:.2f} to {figure['ratio_max']:.2f})"
        error = f"{figure['psnr_db']:6.1f} dB   max {figure['max_abs']:.1e}"
        rows.append(f"{name:8} {figure['ms']:7.0f} ms   {spread}   {error}   {figure['path']}")
    rows += [f"{name:8} not measured: {reason}" for name, reason in report["missing"].items()]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
