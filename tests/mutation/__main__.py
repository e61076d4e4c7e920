# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the tests with mutants: python -m tests.mutation --sample 400 --seed 1 --work DIR [--json FILE].

A copy of the sources is made in DIR. The unit ring runs once under a tracer, which says which tests reach which line;
then, for each mutant of a seeded random sample, the tests that reach its line run in a process of their own, the
quickest first, until one fails (killed) or all passed (survived). Mutants that hang are killed by a time limit and
count as killed. With --again FILE only the survivors of an earlier run are tried.
"""

import argparse
import ast
import json
import os
import random
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutation.mutants import mutants_of, mutated

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("blender_addon/core", "blender_addon/engine", "fomm_engine/wire", "fomm_engine/weights", "rigs/conventions")
PARTS = ("tests/unit", "tests/fuzz", "tests/golden", "tests/reliability", *COPIED)
FILES = ("tests/conftest.py", "pyproject.toml", "fomm_engine/__init__.py", "blender_addon/__init__.py")
MUTATED = ("blender_addon/core", "fomm_engine/wire")
LEFT_OUT = ("test_engine_session_process.py",)  # its engines are processes of their own
EXTRA_S, SLOWER = 10.0, 6.0  # a mutant may take this much longer than its tests did
ENOUGH_S = 8.0  # of tests (as slow as under the tracer) for one mutant: what these do not see counts as survived
KILLED, SURVIVED, HUNG = 1, 0, 2
QUIET = "ignore::pytest.PytestAssertRewriteWarning"  # hypothesis is loaded before pytest begins


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant."""

    file: str
    line: int
    number: int
    what: str
    tests: int
    outcome: str
    by: str = ""


def main() -> None:
    """Nothing; prints and stores what became of each mutant."""
    options = _options()
    tree = options.work / "tree"
    _copy(tree)
    reach = _in_child(options.work / "reach.json", lambda: _trace(tree))
    chosen = _sample(tree, options.sample, options.seed)
    part, parts = (int(number) for number in options.part.split("/"))
    chosen = chosen[part - 1 :: parts]
    if options.again:
        chosen = _survivors(json.loads(options.again.read_text()))
    verdicts: list[Verdict] = []
    for name, number in chosen:
        verdicts.append(_verdict(tree, name, number, reach))
        print(f"{len(verdicts)}/{len(chosen)} {verdicts[-1].outcome} {name}:{verdicts[-1].line}", flush=True)  # noqa: T201
        if options.json:
            options.json.write_text(json.dumps([asdict(verdict) for verdict in verdicts], indent=1))
    killed = sum(verdict.outcome != "survived" for verdict in verdicts)
    low, high = interval(killed, len(verdicts))
    print(f"killed {killed} of {len(verdicts)}: {killed / len(verdicts):.1%} (95 %: {low:.1%} to {high:.1%})")  # noqa: T201


def interval(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson, JASA 1927)."""
    z = 1.96
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (share * (1 - share) / count + spread / (4 * count)) ** 0.5
    return middle - half, middle + half


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Check the tests with mutants.")
    parser.add_argument("--sample", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="1/1", metavar="K/N", help="only every Nth of the sample, from the Kth on")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--again", type=Path)
    return parser.parse_args()


def _copy(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__", *LEFT_OUT))
    for file in FILES:
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tree / file)


def _sample(tree: Path, count: int, seed: int) -> list[tuple[str, int]]:
    """(file, mutant's number): `count` of all, every one as likely."""
    files = sorted(path for folder in MUTATED for path in (tree / folder).glob("*.py"))
    every = [(str(path.relative_to(tree)), mutant.number) for path in files for mutant in mutants_of(path.read_text())]
    print(f"{len(every)} mutants, {min(count, len(every))} of them tried", flush=True)  # noqa: T201
    return random.Random(seed).sample(every, min(count, len(every)))


def _survivors(earlier: list[dict[str, object]]) -> list[tuple[str, int]]:
    return [(str(entry["file"]), int(str(entry["number"]))) for entry in earlier if entry["outcome"] == "survived"]


def _in_child(result: Path, work: Callable[[], object]) -> dict[str, dict[str, object]]:
    """What `work` gives, done in a process whose modules this one does not get to see."""
    if not result.exists():
        child = os.fork()
        if child == 0:
            try:
                result.write_text(json.dumps(work()))
            except BaseException:  # noqa: BLE001 - a child says why it ends, whatever it is
                traceback.print_exc()
            os._exit(0)
        os.waitpid(child, 0)
    return json.loads(result.read_text())


def _run_pytest(tree: Path, arguments: Sequence[str], plugins: Sequence[object], *, caching: bool) -> int:
    import pytest

    sys.dont_write_bytecode = not caching  # a mutant's bytecode must never be taken for the next one's
    os.chdir(tree)
    sys.path[:] = [str(tree), *(path for path in sys.path if Path(path).resolve() != ROOT)]
    for name in [name for name in sys.modules if name == "tests" or name.startswith("tests.")]:
        del sys.modules[name]
    with (tree.parent / "pytest.log").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    return int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-W", QUIET, *arguments], plugins=list(plugins)))


def _trace(tree: Path) -> dict[str, dict[str, object]]:
    """{test: {"seconds", "lines": {file: [line, ...]}}} of the unit ring."""
    found: dict[str, dict[str, object]] = {}

    class Tracer:
        def pytest_runtest_protocol(self, item: object) -> None:
            self.lines: dict[str, set[int]] = {}
            self.started = time.process_time()
            sys.settrace(self.enter)

        def pytest_runtest_logfinish(self, nodeid: str) -> None:
            sys.settrace(None)
            seconds = time.process_time() - self.started
            lines = {name: sorted(numbers) for name, numbers in self.lines.items()}
            found[nodeid] = {"seconds": seconds, "lines": lines}

        def enter(self, frame: object, event: str, argument: object) -> object:
            name = frame.f_code.co_filename  # pyright: ignore[reportAttributeAccessIssue]
            if not name.startswith(str(tree)) or "/tests/" in name:
                return None
            own = self.lines.setdefault(str(Path(name).relative_to(tree)), set())

            def step(frame: object, event: str, argument: object) -> object:
                own.add(frame.f_lineno)  # pyright: ignore[reportAttributeAccessIssue]
                return step

            return step(frame, event, argument)

    if _run_pytest(tree, ["tests/unit"], [Tracer()], caching=True) != 0:
        raise SystemExit(f"The tests fail without any mutant: {tree.parent / 'pytest.log'}")
    return found


def _verdict(tree: Path, name: str, number: int, reach: dict[str, dict[str, object]]) -> Verdict:
    path = tree / name
    source = path.read_text()
    mutant = mutants_of(source)[number]
    first, last = _statement(source, mutant.line)
    tests = _tests_of(name, first, last, reach, at_import=_at_import(source, mutant.line))
    seconds = sum(float(str(reach[test]["seconds"])) for test in tests)
    before = path.stat()
    try:
        path.write_text(mutated(source, number))
        outcome, by = _try(tree, tests, EXTRA_S + SLOWER * seconds) if tests else (SURVIVED, "")
    finally:
        path.write_text(source)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    words = {KILLED: "killed", SURVIVED: "survived", HUNG: "hung"}
    return Verdict(name, mutant.line, number, mutant.what, len(tests), words[outcome], by)


def _statement(source: str, line: int) -> tuple[int, int]:
    """First and last line of the innermost simple statement around a line."""
    around = [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return min(around, key=lambda span: span[1] - span[0]) if around else (line, line)


def _at_import(source: str, line: int) -> bool:
    """Whether a line is run when the module is imported: it stands in no function's body."""
    return not any(
        node.body[0].lineno <= line <= (node.end_lineno or line)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.Lambda) and isinstance(node.body, list)
    )


def _tests_of(name: str, first: int, last: int, reach: dict[str, dict[str, object]], *, at_import: bool) -> list[str]:
    """The tests that reach a statement, the quickest first; for one at import, all that reach its module or others."""
    found: list[str] = []
    for test, own in reach.items():
        lines = dict(own["lines"])  # pyright: ignore[reportArgumentType, reportCallIssue]
        if at_import or any(first <= line <= last for line in lines.get(name, ())):
            found.append(test)

    def order(test: str) -> tuple[bool, float]:
        lines = dict(reach[test]["lines"])  # pyright: ignore[reportArgumentType, reportCallIssue]
        return name not in lines, float(str(reach[test]["seconds"]))

    chosen: list[str] = []
    spent_s = 0.0
    for test in sorted(found, key=order):
        spent_s += order(test)[1]
        if chosen and spent_s > ENOUGH_S:
            break
        chosen.append(test)
    return chosen


def _try(tree: Path, tests: Sequence[str], limit_s: float) -> tuple[int, str]:
    """(KILLED, SURVIVED or HUNG, the test that failed)."""
    report = tree.parent / "failed.txt"
    report.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        os._exit(_child(tree, tests, report, limit_s))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return HUNG, f"signal {os.WTERMSIG(status)}"
    return (KILLED, report.read_text() if report.exists() else "import") if os.WEXITSTATUS(status) else (SURVIVED, "")


def _child(tree: Path, tests: Sequence[str], report: Path, limit_s: float) -> int:
    import resource

    class Failed:
        def pytest_runtest_logreport(self, report: object) -> None:
            if report.failed:  # pyright: ignore[reportAttributeAccessIssue]
                note.write_text(report.nodeid)  # pyright: ignore[reportAttributeAccessIssue]

    note = report
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s) + 1, int(limit_s) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (6_000_000_000, 6_000_000_000))
    try:
        return 1 if _run_pytest(tree, tests, [Failed()], caching=False) else 0
    except BaseException:  # noqa: BLE001 - a mutant may raise anything at all
        return 1


if __name__ == "__main__":
    import hypothesis  # noqa: F401 - loaded once, before the children are made
    import numpy as np  # noqa: F401
    import pytest  # noqa: F401

    main()
