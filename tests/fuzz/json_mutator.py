# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to JSON that leave it JSON: a fuzzer that only flips bits seldom gets past the parser."""

import copy
import json
import random
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 52, 70, 2**53, -(2**53), 2**63, 10**400, 0.0, -0.0, 0.5, 1e-320, 1e308),
    *(
        "",
        "a",
        "\x00",
        "\ud800",
        "../../x",
        "/",
        "con",
        "é" * 40,
        "[1, 0]",
        [],
        {},
        [1, 0],
        [2, 0],
        [1, 99],
        [[]],
        [{}],
    ),
)
DEEPEST = 400


def mutated(text: str, chance: random.Random) -> str:
    """`text`, one or a few of whose values are changed: one line of it, where it has several, or all of it.

    What is no JSON comes back as it is.
    """
    lines = [text]
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        lines = text.splitlines(keepends=True)
    place = chance.randrange(len(lines)) if lines else 0
    try:
        tree = json.loads(lines[place])
    except (ValueError, RecursionError, IndexError):
        return text
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        tree = _changed(tree, chance)
    lines[place] = json.dumps(tree) + ("\n" if lines[place].endswith("\n") else "")
    if chance.random() < 0.1:
        lines.insert(chance.randrange(len(lines) + 1), lines[place])
    return "".join(lines)


def _changed(tree: Any, chance: random.Random) -> Any:
    """The tree with one of its values changed."""
    places = list(_places(tree))
    if not places or chance.random() < 0.05:
        return copy.deepcopy(chance.choice(ODD_VALUES))
    owner, key = chance.choice(places)
    _, other = chance.choice(places), chance.choice(places)
    match chance.randrange(6):
        case 0:
            del owner[key]
        case 1 if isinstance(owner, dict):
            owner[chance.choice((str(other[1]), f"{key}2", ""))] = owner.pop(key)
        case 1 | 2:
            owner[key] = copy.deepcopy(other[0][other[1]])
        case 3:
            owner[key] = [copy.deepcopy(owner[key]) for _ in range(chance.choice((1, 2, 3, 100)))]
        case 4 if chance.random() < 0.02:
            for _ in range(DEEPEST):
                owner[key] = [owner[key]]
        case _:
            owner[key] = copy.deepcopy(chance.choice(ODD_VALUES))
    return tree


def _places(tree: Any) -> Any:
    """(owner, key) of every value within the tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(pairs):
        yield tree, key
        yield from _places(value)
