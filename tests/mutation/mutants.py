# SPDX-License-Identifier: GPL-3.0-or-later
"""Single small faults in a source file: which there are, and the file's text with one of them in it.

Sentences for people (what is raised or noted, docstrings), annotations and decorators are left alone: a test that
pinned them word by word would be in the way, and a type that is wrong is the type checker's to find.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
SPEAKING_CALLS = ("UserError", "ValueError", "ProtocolError", "Note", "KeyError", "warn")


@dataclass(frozen=True)
class Mutant:
    """One fault: the line it is on, what it is, and its number among the file's."""

    line: int
    what: str
    number: int


def mutants_of(source: str) -> list[Mutant]:
    """All single faults of a file, in the order of its lines."""
    tree = ast.parse(source)
    return [Mutant(line, what, number) for number, (line, what, _) in enumerate(_changes(tree, _silent(tree)))]


def mutated(source: str, number: int) -> str:
    """The file's text with the fault of that number; comments are lost."""
    tree = ast.parse(source)
    for place, (_, _, change) in enumerate(_changes(tree, _silent(tree))):
        if place == number:
            change()
            return ast.unparse(ast.fix_missing_locations(tree))
    raise IndexError(number)


def _silent(tree: ast.AST) -> set[int]:
    """The ids of nodes that are not to be touched."""
    return {id(inner) for node in ast.walk(tree) for part in _silent_parts(node) for inner in ast.walk(part)}


def _silent_parts(node: ast.AST) -> Iterator[ast.AST]:
    """What of a node is not to be touched."""
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            yield from node.decorator_list
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                yield node.returns
        case ast.arg(annotation=ast.expr() as annotation):
            yield annotation
        case ast.AnnAssign():
            yield node.annotation
            if ast.unparse(node.annotation) == "TypeAlias" and node.value is not None:
                yield node.value
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr():
            yield node
        case ast.Call() if _name(node.func) == "cast":
            yield node.args[0]
        case ast.Raise():
            yield from _texts(node)
        case ast.Call() if _name(node.func) in SPEAKING_CALLS:
            yield from _texts(node)


def _texts(node: ast.AST) -> Iterator[ast.AST]:
    """The sentences in a node."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.JoinedStr | ast.Constant) or _is_sum_of_texts(inner):
            yield inner


def _is_sum_of_texts(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and any(isinstance(inner, ast.JoinedStr) for inner in ast.walk(node))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _changes(tree: ast.AST, left: set[int]) -> Iterator[tuple[int, str, object]]:
    """(line, what, change) of every fault; change() puts it into the tree."""
    for owner in ast.walk(tree):
        for name, value in ast.iter_fields(owner):
            for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST) and id(node) not in left:
                    for what, other in _faults(node):
                        yield getattr(node, "lineno", 0), what, _put(owner, name, place, other)


def _put(owner: ast.AST, name: str, place: int | None, other: ast.AST) -> object:
    def change() -> None:
        if place is None:
            setattr(owner, name, other)
        else:
            getattr(owner, name)[place] = other

    return change


def _faults(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(what, the node instead) of every fault of one node."""
    before = ast.unparse(node)[:60] if isinstance(node, ast.expr | ast.stmt) else ""
    for other in _other_nodes(node):
        after = ast.unparse(ast.fix_missing_locations(other))[:60]
        yield f"{before} -> {after}".replace("\n", " "), other


def _other_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may stand instead of one."""
    match node:
        case ast.Compare():
            for place, comparison in enumerate(node.ops):
                if type(comparison) in COMPARISONS:
                    other = copy.deepcopy(node)
                    other.ops[place] = COMPARISONS[type(comparison)]()
                    yield ast.copy_location(other, node)
        case ast.Constant(value=value):
            yield from (ast.copy_location(ast.Constant(other), node) for other in _other_values(value))
        case ast.expr():
            yield from (ast.copy_location(other, node) for other in _other_expressions(node))
        case ast.stmt():
            yield from (ast.copy_location(other, node) for other in _other_statements(node))


def _other_expressions(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp() if type(node.op) in OPERATORS:
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield node.operand
        case ast.IfExp():
            yield ast.IfExp(node.test, node.orelse, node.body)


def _other_statements(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.AugAssign():
            yield ast.Assign([node.target], node.value)
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _other_values(value: object) -> Iterator[bool | int | float | str]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, float):
        yield value + 1.0
    elif isinstance(value, str) and value:
        yield f"{value}XX"
