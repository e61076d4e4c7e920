# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m fomm_engine.bench engine|capture`: the speed figures, as a table or as JSON."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from fomm_engine.bench.engine import BenchSettings, measure
from fomm_engine.wire.errors import UserError

BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 2 bad input."""
    defaults = BenchSettings()
    parser = argparse.ArgumentParser(prog="fomm_engine.bench", description="Measure the engine.")
    parser.add_argument("what", choices=["engine", "capture"])
    parser.add_argument("--json", type=Path, nargs="?", const=Path("-"), help="write JSON, to a file or to stdout")
    parser.add_argument("--rounds", type=int, default=defaults.rounds)
    parser.add_argument("--threads", type=int, default=defaults.threads)
    parser.add_argument("--checkpoint", type=Path, help="an official checkpoint, for errors on trained weights")
    args = parser.parse_args(arguments)
    try:
        if args.what == "capture":
            report, text = _capture()
        else:
            report = measure(BenchSettings(args.rounds, args.threads, checkpoint=args.checkpoint))
            text = table(report)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    _show(report, text, args.json)
    return 0


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
        spread = f"{figure['ratio']:5.2f} x ({figure['ratio_min']:.2f} to {figure['ratio_max']:.2f})"
        error = f"{figure['psnr_db']:6.1f} dB   max {figure['max_abs']:.1e}"
        rows.append(f"{name:8} {figure['ms']:7.0f} ms   {spread}   {error}")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
