# SPDX-License-Identifier: GPL-3.0-or-later
"""What may not be called in the product: the calls by which a file or a name from outside becomes code or a command."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PRODUCT = ("fomm_engine", "blender_addon", ".ci", "rigs", "build.py")
FORBIDDEN = {
    "eval",
    "exec",
    "compile",
    "os.system",
    "os.popen",
    "pickle.load",
    "pickle.loads",
    "marshal.load",
    "marshal.loads",
    "shelve.open",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "tempfile.mktemp",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "ssl._create_unverified_context",
}
# A keyword that must be there, and its value: {call: (keyword, value)}.
REQUIRED = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
# A keyword that must not be there with this value, whatever is called.
REFUSED = {"shell": True, "allow_pickle": True, "weights_only": False, "verify": False}


def complaints(source: str) -> list[str]:
    """What is wrong in one file: line numbers and calls."""
    return list(_complaints(ast.parse(source)))


def _complaints(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
        if name in FORBIDDEN:
            yield f"line {node.lineno}: {name}"
        if name in REQUIRED and given.get(REQUIRED[name][0]) is not REQUIRED[name][1] and not _maps_memory(given):
            yield f"line {node.lineno}: {name} without {REQUIRED[name][0]}={REQUIRED[name][1]}"
        for keyword, value in REFUSED.items():
            if given.get(keyword) is value:
                yield f"line {node.lineno}: {name} with {keyword}={value}"


def _maps_memory(given: dict[str | None, object]) -> bool:
    return "mmap_mode" in given  # numpy never unpickles a mapped file


def test_nothing_from_outside_becomes_code(python_files: list[Path], project_root: Path) -> None:
    found = {}
    for path in python_files:
        if path.relative_to(project_root).parts[0] in PRODUCT:
            bad = complaints(path.read_text(encoding="utf-8"))
            found.update({str(path.relative_to(project_root)): bad} if bad else {})
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "subprocess.run('ls', shell=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text)",
    ],
)
def test_the_check_sees_what_it_should(source: str) -> None:
    assert complaints(source)


def test_the_check_lets_the_safe_forms_pass() -> None:
    safe = "torch.load(p, weights_only=True); np.load(p, allow_pickle=False); re.compile('x'); net.eval()"
    assert complaints(safe) == []
