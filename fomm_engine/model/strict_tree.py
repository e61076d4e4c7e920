# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings (frozen dataclasses) from decoded YAML or JSON, strictly: nothing unknown, nothing of the wrong kind."""

import math
import reprlib
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

from fomm_engine.wire.errors import UserError

Settings = TypeVar("Settings")
LARGEST = 1e12  # of any number; beyond it is a mistake, or worse
LEAST = "least"  # key of a field's metadata: the smallest value allowed; without it numbers must be above 0


def built(kind: type[Settings], tree: object, origin: str, place: str = "") -> Settings:
    """The settings of class `kind` that `tree` describes; `origin` names the file in errors, `place` the part of it.

    Numbers must be above 0, or at least what the field's metadata says. Raises UserError("config-invalid") for a key
    that does not exist, a value of the wrong kind, or a missing one, with the key's full name and what is allowed.
    """
    if not isinstance(tree, Mapping):
        raise invalid(origin, f"'{place or 'the file'}' must hold named settings, got {shortened(tree)}")
    known = {entry.name: entry for entry in fields(cast(Any, kind))}
    values: dict[str, Any] = {}
    for key, value in cast(Mapping[object, object], tree).items():
        full = f"{place}.{key}" if place else str(key)
        if key not in known:
            raise invalid(origin, f"there is no setting '{full:.60}'; known here: {', '.join(known)}")
        values[str(key)] = _value(known[str(key)], value, origin, full)
    required = [entry.name for entry in known.values() if entry.default is MISSING and entry.default_factory is MISSING]
    missing = [name for name in required if name not in values]
    if missing:
        raise invalid(origin, f"'{place + '.' if place else ''}{missing[0]}' is missing")
    return kind(**values)


def tree_of(settings: object) -> dict[str, Any]:
    """Plain dictionaries, lists and values, which `built` turns into the same settings again."""
    assert is_dataclass(settings) and not isinstance(settings, type)
    return asdict(settings, dict_factory=lambda pairs: {k: list(v) if isinstance(v, tuple) else v for k, v in pairs})


def invalid(origin: str, reason: str) -> UserError:
    """The error that says why `origin` cannot be used."""
    return UserError("config-invalid", f"The model config {origin} is not valid: {reason}.")


def shortened(value: object) -> str:
    """The value as it would be written, cut where it is long or deep: a file may hold anything."""
    return reprlib.repr(value)


def _value(entry: Field[Any], value: object, origin: str, full: str) -> Any:
    kind: Any = entry.type
    if is_dataclass(kind):
        return built(cast(type[Any], kind), value, origin, full)
    if get_origin(kind) is Literal:
        return _choice(get_args(kind), value, origin, full)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise invalid(origin, f"'{full}' must be a list, got {shortened(value)}")
        item = get_args(kind)[0]
        items = cast(list[object], value)
        return tuple(_single(item, each, entry, origin, f"{full}[{i}]") for i, each in enumerate(items))
    return _single(kind, value, entry, origin, full)


def _choice(allowed: tuple[Any, ...], value: object, origin: str, full: str) -> Any:
    if value not in allowed:
        raise invalid(origin, f"'{full}' must be one of {', '.join(map(str, allowed))}, got {shortened(value)}")
    return value


def _single(kind: Any, value: Any, entry: Field[Any], origin: str, full: str) -> Any:
    least = entry.metadata.get(LEAST)
    if kind in (str, bool) and isinstance(value, kind):
        return value
    is_number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    is_number = is_number and abs(value) <= LARGEST and math.isfinite(value)
    if kind in (int, float) and is_number and (value > 0 or (least is not None and value >= least)):
        return kind(value)
    bound = "above 0" if least is None else f"of at least {least:g}"
    wanted = {float: f"a number {bound}", int: f"a whole number {bound}", str: "text", bool: "true or false"}[kind]
    raise invalid(origin, f"'{full}' must be {wanted}, got {shortened(value)}")
