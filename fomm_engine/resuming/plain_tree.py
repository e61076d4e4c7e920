# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of plain values and arrays, written whole and read back exactly: how a follower's memory is kept."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.archive import read_arrays
from fomm_engine.wire.strict_json import parse_json
from fomm_engine.wire.whole_file import whole_file

Array = npt.NDArray[Any]
_TREE, _ARRAY = "tree", "$array"


def write_tree(tree: Any, path: Path) -> None:
    """Nothing; `tree` (dicts, lists, tuples, numbers, text, None and arrays) stands whole in `path`. Raises OSError."""
    arrays: dict[str, Array] = {}
    text = json.dumps(_packed(tree, arrays), ensure_ascii=True, allow_nan=False)
    with whole_file(path) as partial, partial.open("wb") as stream:
        np.savez(stream, **{_TREE: np.array(text)}, **arrays)  # pyright: ignore[reportArgumentType]


def read_tree(path: Path) -> Any:
    """The tree in `path`, tuples as lists. Raises OSError, and ValueError for a file that is damaged or something else.

    Numbers come back to the last bit: JSON writes a double with as many digits as tell it from its neighbours.
    """
    arrays = read_arrays(path)
    if _TREE not in arrays:
        raise ValueError(f"{path.name} holds no tree")
    return _unpacked(parse_json(str(arrays[_TREE])), arrays)


def _packed(value: Any, arrays: dict[str, Array]) -> Any:
    match value:
        case np.ndarray():
            name = f"a{len(arrays)}"
            arrays[name] = value
            return {_ARRAY: name}
        case dict():
            return {str(key): _packed(each, arrays) for key, each in cast(dict[Any, Any], value).items()}
        case list() | tuple():
            return [_packed(each, arrays) for each in cast(list[Any], value)]
        case np.generic():
            return value.item()
        case _:
            return value


def _unpacked(value: Any, arrays: dict[str, Array]) -> Any:
    match value:
        case {"$array": str(name)}:
            if name not in arrays:
                raise ValueError(f"array {name} is missing")
            return arrays[name]
        case dict():
            return {key: _unpacked(each, arrays) for key, each in cast(dict[str, Any], value).items()}
        case list():
            return [_unpacked(each, arrays) for each in cast(list[Any], value)]
        case _:
            return value
