# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that the extension shows, read from its sources: what a translation has to hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from steps.places import ADDON, ENGINE, ROOT

INTERFACE = ADDON / "blender"
# The parts of the engine whose messages reach the panel; the others speak to a command line alone.
HEARD = tuple(ENGINE / name for name in ("wire", "jobs", "face", "video", "animate", "model", "models"))
TRANSLATED_AT_ONCE = {"words", "said", "tip"}  # of blender/translation
SILENT_JOBS = {"fake.py", "train.py", "reconstruct.py"}  # no button starts them
SHOWN_KEYWORDS = {"text", "heading"}
SHOWN_ATTRIBUTES = {"bl_label", "bl_description", "job_title"}
WITH_TOOLTIP = re.compile(r"UNDERSTUDY_(OT|PT|MT)_")
TABLE_OF_WORDS = re.compile(r"_WORDS$")
NAME_OF_A_MODEL = re.compile(r"[a-z-]+")
NAMES_OF_CALLS = {"len": "count", "sum": "count", "join": "names"}
SENTENCE = re.compile(r"^(?=[A-Z{])(?=.*[a-z]{2,}.* )[^\n]*[.?]$", re.DOTALL)


@dataclass
class Texts:
    """english -> where it stands; and what no translation can reach, each with its place."""

    found: dict[str, str] = field(default_factory=dict)
    unreachable: list[str] = field(default_factory=list)

    def add(self, text: str, place: str) -> None:
        """Nothing; a text that is shown."""
        if re.search(r"[^\W\d_]{2,}", re.sub(r"\{\w*[^{}]*\}", "", text)):
            self.found.setdefault(text, place)


def gather(root: Path = ROOT) -> Texts:
    """All texts that the extension shows."""
    texts = Texts()
    for path in sorted(ADDON.rglob("*.py")):
        read_source(path, root, texts, interface=path.is_relative_to(INTERFACE))
    for folder in HEARD:
        for path in sorted(path for path in folder.rglob("*.py") if path.name not in SILENT_JOBS):
            read_source(path, root, texts, interface=False)
    return texts


def template_of(node: ast.expr) -> str | None:
    """The text of a literal; an f-string's values as {names}; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    names: list[str] = []
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        elif isinstance(part, ast.FormattedValue):
            names.append(_name_of(part.value, names))
            parts.append(f"{{{names[-1]}}}")
    return "".join(parts)


def read_source(path: Path, root: Path, texts: Texts, *, interface: bool) -> None:
    """Nothing; adds the texts of one file. interface: whether panels and commands are made of it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    where = str(path.relative_to(root))
    for node, text in _sentences(tree):
        texts.add(text, f"{where}:{node.lineno}")
    if interface:
        for node, text in _shown(tree):
            place = f"{where}:{node.lineno}"
            if text is None:
                texts.unreachable.append(f"{place}: {ast.unparse(node)[:90]}")
            else:
                texts.add(text, place)


def _sentences(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Whole sentences wherever they stand, but for docstrings and what only a programmer sees."""
    silent = {id(node) for node in _silent(tree)}
    for node in ast.walk(tree):
        if id(node) in silent or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        text = template_of(node)
        if text and SENTENCE.match(text):
            yield node, text


def _silent(tree: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, help texts of command lines, what is inside an f-string, assertions and errors that are bugs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            yield from ast.walk(node.body[0])
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # what a value means
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from (inner for part in node.values for inner in ast.walk(part))
        elif _speaks_to_programmers(node):
            yield from ast.walk(node)


def _speaks_to_programmers(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return _called(node) in ("ArgumentParser", "RuntimeError", "TypeError")
    return isinstance(node, ast.Assert) or (isinstance(node, ast.keyword) and node.arg in ("help", "epilog"))


def _shown(tree: ast.AST) -> Iterator[tuple[ast.expr, str | None]]:
    """What Blender shows of a file: (where, text); None for a text that is put together where no table can see it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from _of_class(node)
        elif isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.FunctionDef) and node.name in ("act", "accept"):
            yield from _of_returns(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            yield from _of_table(node)


def _of_class(node: ast.ClassDef) -> Iterator[tuple[ast.expr, str | None]]:
    if WITH_TOOLTIP.match(node.name) and ast.get_docstring(node):
        first = node.body[0]
        assert isinstance(first, ast.Expr)
        yield first.value, " ".join((ast.get_docstring(node) or "").split())
    for line in node.body:
        if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") in SHOWN_ATTRIBUTES:
            yield line.value, template_of(line.value)


def _of_call(node: ast.Call) -> Iterator[tuple[ast.expr, str | None]]:
    name = _called(node)
    if name in TRANSLATED_AT_ONCE:
        yield from _choices(node.args[0])
    elif name.endswith("Property"):
        for keyword in node.keywords:
            if keyword.arg in ("name", "description"):
                yield keyword.value, template_of(keyword.value)
            elif keyword.arg == "items":
                yield from _of_items(keyword.value)
    elif name == "wrapped" and len(node.args) > 1:
        yield from _choices(node.args[1])
    elif name in ("report", "poll_message_set"):
        yield from _choices(node.args[-1])
    else:
        for keyword in node.keywords:
            if keyword.arg in SHOWN_KEYWORDS and isinstance(node.func, ast.Attribute):
                yield from _choices(keyword.value)


def _of_items(items: ast.expr) -> Iterator[tuple[ast.expr, str | None]]:
    """Name and tooltip of each item of a menu that is written out; of the others a test in Blender tells."""
    for item in getattr(items, "elts", []):
        for part in getattr(item, "elts", [])[1:3]:
            text = template_of(part)
            if text is None or not NAME_OF_A_MODEL.fullmatch(text):
                yield part, text


def _of_returns(function: ast.FunctionDef) -> Iterator[tuple[ast.expr, str | None]]:
    """What a command says."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _choices(node.value)


def _of_table(node: ast.Assign | ast.AnnAssign) -> Iterator[tuple[ast.expr, str | None]]:
    """The values of a table of words, and the items of a menu that are written out apart from it."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if isinstance(node.value, ast.Tuple) and all(_is_item(part) for part in node.value.elts):
        yield from _of_items(node.value)
    if TABLE_OF_WORDS.search(getattr(target, "id", "")) and isinstance(node.value, ast.Dict):
        for value in node.value.values:
            yield from _choices(value)


def _is_item(node: ast.expr) -> bool:
    """Whether this is (IDENTIFIER, name, tooltip, ...) as Blender's menus take it."""
    words = [part.value for part in getattr(node, "elts", [])[1:3] if isinstance(part, ast.Constant)]
    return isinstance(node, ast.Tuple) and len(words) == 2 and all(isinstance(word, str) for word in words)


def _choices(node: ast.expr) -> Iterator[tuple[ast.expr, str | None]]:
    """The literals that an expression gives as they are; an f-string with words in it cannot be reached."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node, node.value
    elif isinstance(node, ast.IfExp):
        yield from _choices(node.body)
        yield from _choices(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _choices(value)
    elif isinstance(node, ast.BinOp):
        yield from _choices(node.left)
        yield from _choices(node.right)
    elif isinstance(node, ast.JoinedStr):
        # A whole sentence is found again by its pattern (blender/translation/sentences.py).
        text = template_of(node)
        if _has_words(node) and not (text and SENTENCE.match(text)):
            yield node, None


def _has_words(node: ast.JoinedStr) -> bool:
    literal = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return re.search(r"[^\W\d_]{2,}", literal) is not None


def _called(node: ast.Call) -> str:
    """The last name of what is called."""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _name_of(node: ast.expr, taken: Iterable[str]) -> str:
    """A name for a value in an f-string: what it is called there, made one of a kind."""
    if isinstance(node, ast.Call) and _called(node) in NAMES_OF_CALLS:
        name = NAMES_OF_CALLS[_called(node)]
    elif isinstance(node, ast.Call) and _called(node) == "get":
        name = str(getattr(node.args[0], "value", "value"))
    else:
        inner = [part for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)]
        name = getattr(inner[0], "attr", getattr(inner[0], "id", "value")) if inner else "value"
    own = name = re.sub(r"\W", "", name) or "value"
    number = 2
    while own in taken:
        own, number = f"{name}{number}", number + 1
    return own
