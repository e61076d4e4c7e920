# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of arrays (npz) from anywhere, read without trust: no pickle, no bombs, no sizes that the file only claims.

An npz file is a zip of npy files. Each npy header is read and checked before anything of its size is allocated.
"""

import ast
import contextlib
import math
import zipfile
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.whole_file import whole_file

Array = npt.NDArray[Any]
NUMBER_KINDS = "biufU"  # bool, integers, floats, text; never objects, which only pickle can hold
LONGEST_HEADER = 10_000  # characters; numpy's own limit
MOST_AXES = 32
_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4}  # by the format's version
_SUFFIX = ".npy"


@dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may hold before it is taken for a bomb.

    Float tracks shrink to a half or so when packed, frames without a face to almost nothing.
    """

    members: int = 256
    bytes: int = 4_000_000_000  # about 1.5 million frames of a take
    always_bytes: int = 64_000_000
    bytes_per_packed_byte: int = 200


def read_arrays(path: Path, limits: ArchiveLimits | None = None) -> dict[str, Array]:
    """The arrays of the archive at `path` by name, in memory of their own.

    Raises ValueError with what is wrong, OSError where the file cannot be read.
    """
    limits = limits or ArchiveLimits()
    packed = Path(path).stat().st_size
    with _as_value_errors(), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_sizes(members, packed, limits)
        return {_name(member): _read_member(archive, member) for member in members}


def write_arrays(arrays: dict[str, Array], path: Path) -> None:
    """Nothing; the arrays stand whole in `path`, or what stood there is untouched. Raises OSError."""
    with whole_file(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # pyright: ignore[reportArgumentType]


@contextlib.contextmanager
def _as_value_errors() -> Generator[None]:
    # What zipfile, zlib and numpy raise over damaged or made-up bytes; none of it is of use to a caller.
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError("its bytes are damaged") from error
    except (KeyError, NotImplementedError, RuntimeError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    except (TypeError, OverflowError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("an array's header makes no sense") from error


def _check_sizes(members: list[zipfile.ZipInfo], packed: int, limits: ArchiveLimits) -> None:
    if len(members) > limits.members:
        raise ValueError(f"it holds {len(members)} arrays, more than {limits.members}")
    unpacked = sum(member.file_size for member in members)
    if unpacked > min(limits.bytes, max(limits.always_bytes, packed * limits.bytes_per_packed_byte)):
        raise ValueError(f"it would unpack to {unpacked / 1e6:.0f} MB, more than a file of its size can mean")
    if len({member.filename for member in members}) != len(members):
        raise ValueError("it holds one name twice")


def _name(member: zipfile.ZipInfo) -> str:
    if not member.filename.endswith(_SUFFIX):
        raise ValueError(f"it holds {member.filename[:40]!r}, which is no array")
    return member.filename.removesuffix(_SUFFIX)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as stream:
        shape, fortran_order, kind = _header(stream)
        if kind.hasobject or kind.kind not in NUMBER_KINDS:
            raise ValueError(f"{member.filename[:40]!r} holds {kind}, not numbers or text")
        size = math.prod(shape) * kind.itemsize
        if any(side < 0 for side in shape) or size > member.file_size:
            raise ValueError(f"{member.filename[:40]!r} claims more than it holds")
        content = bytearray(stream.read(size))
    if len(content) != size:
        raise ValueError(f"{member.filename[:40]!r} is cut off")
    if size == 0:
        return np.zeros(shape, kind)
    return np.frombuffer(content, kind).reshape(shape, order="F" if fortran_order else "C")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and kind as an npy header says them; parsed here, since numpy's own reader takes more than npy.

    The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
    """
    version = np.lib.format.read_magic(stream)
    if version not in _LENGTH_BYTES:
        raise ValueError(f"array format {version} is not known")
    length = int.from_bytes(stream.read(_LENGTH_BYTES[version]), "little")
    if length > LONGEST_HEADER:
        raise ValueError("an array's header is too long")
    fields = ast.literal_eval(stream.read(length).decode("latin-1").strip())
    if not isinstance(fields, dict) or set(cast(dict[Any, Any], fields)) != {"descr", "fortran_order", "shape"}:
        raise ValueError("an array's header makes no sense")
    kind, shape = cast(Any, fields["descr"]), cast(Any, fields["shape"])
    if not isinstance(kind, str) or not isinstance(shape, tuple):
        raise ValueError(f"it holds {str(kind)[:40]}, not numbers or text")
    sides = cast(tuple[Any, ...], shape)
    if len(sides) > MOST_AXES or not all(isinstance(side, int) and not isinstance(side, bool) for side in sides):
        raise ValueError("an array's shape makes no sense")
    return sides, fields["fortran_order"] is True, np.dtype(kind)
