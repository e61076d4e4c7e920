# SPDX-License-Identifier: GPL-3.0-or-later
"""What a movie file's own header says that Blender does not tell: the exact rate, whether it varies, sound, rotation.

Read: MP4 and QuickTime (ISO/IEC 14496-12), Matroska and WebM (RFC 9559), AVI. Other containers give None. Nothing is
decoded; a header of any length is read in milliseconds, since the pictures are skipped.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from .array_types import IntArray

LARGEST_HEADER = 256_000_000  # bytes; an hour at 240 fps has a few millions
MOST_FRAMES = 20_000_000
_NTSC = tuple(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120))
_WHOLE = tuple(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 100, 120, 240))
_NEAR = Fraction(1, 5000)  # 30 and 30000/1001 differ by 1/1000
_TRACKS, _TRACK, _TRACK_TYPE, _SEGMENT, _CLUSTER = 0x1654AE6B, 0xAE, 0x83, 0x18538067, 0x1F43B675
_SOUND_TRACK = 2


@dataclass(frozen=True)
class MovieHeader:
    """What the header states; None where it says nothing.

    frame_rate: exact, frames per second; the average where it varies. is_variable: whether pictures stand where an
    even rate does not put them. frames: pictures in the file. rotation_deg: clockwise, a multiple of 90.
    """

    has_sound: bool
    frame_rate: Fraction | None = None
    is_variable: bool | None = None
    frames: int | None = None
    rotation_deg: int = 0


def read_movie_header(stream: BinaryIO) -> MovieHeader | None:
    """Give what the header of an open file says, None for a container that is not known or a header that is broken."""
    start = stream.read(12)
    stream.seek(0)
    try:
        if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _quicktime(stream)
        if start[:4] == b"\x1a\x45\xdf\xa3":
            return _matroska(stream)
        if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
            return _avi(stream)
    except (ValueError, OverflowError, OSError, struct.error, ZeroDivisionError):
        return None
    return None


def exact_rate(rate: Fraction) -> Fraction:
    """Give the broadcast rate that is meant, or `rate` itself: containers with coarse clocks round."""
    for meant in (*_WHOLE, *_NTSC):
        if abs(rate - meant) <= meant * _NEAR:
            return meant
    return rate.limit_denominator(1001)


def _quicktime(stream: BinaryIO) -> MovieHeader | None:
    moov = _top_box(stream, b"moov")
    if moov is None:
        return None
    tracks = [dict(_boxes(body)) for kind, body in _boxes(moov) if kind == b"trak"]
    kinds = [_handler(track) for track in tracks]
    videos = [track for track, kind in zip(tracks, kinds, strict=True) if kind == b"vide"]
    if not videos:
        return None
    media = dict(_boxes(videos[0][b"mdia"])) if b"mdia" in videos[0] else {}
    rotation = _rotation(videos[0].get(b"tkhd", b""))
    runs = _steps(media)
    sound = b"soun" in kinds
    if runs is None:
        return MovieHeader(sound, rotation_deg=rotation)
    rate, variable = _rate_of(runs, _timescale(media.get(b"mdhd", b"")))
    return MovieHeader(sound, rate, variable, int(runs[:, 0].sum()), rotation)


def _top_box(stream: BinaryIO, wanted: bytes) -> bytes | None:
    while len(head := stream.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        used = 8
        if size == 1:
            size, used = struct.unpack(">Q", stream.read(8))[0], 16
        if kind == wanted:
            if not used <= size <= LARGEST_HEADER:
                return None
            return stream.read(size - used)
        if size < used:  # 0: to the end of the file
            return None
        stream.seek(size - used, 1)
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            return
        yield kind, data[at + 8 : at + size]
        at += size


def _handler(track: dict[bytes, bytes]) -> bytes:
    handler = dict(_boxes(track.get(b"mdia", b""))).get(b"hdlr", b"")
    return handler[8:12]


def _timescale(mdhd: bytes) -> int:
    return struct.unpack_from(">I", mdhd, 20 if mdhd[:1] == b"\x01" else 12)[0]


def _rotation(tkhd: bytes) -> int:
    """Give the clockwise turn of the track header's matrix, which is written row by row as 16.16."""
    at = 52 if tkhd[:1] == b"\x01" else 40
    if len(tkhd) < at + 8:
        return 0
    a, b = struct.unpack_from(">ii", tkhd, at)
    return round(math.degrees(math.atan2(b, a)) / 90) % 4 * 90


def _steps(media: dict[bytes, bytes]) -> IntArray | None:
    """Give (K, 2) runs of pictures: how many, and the ticks from each of them to the next."""
    table = dict(_boxes(dict(_boxes(media.get(b"minf", b""))).get(b"stbl", b""))).get(b"stts", b"")
    if len(table) < 16:  # none: a film in fragments tells its times elsewhere
        return None
    entries = min(struct.unpack_from(">I", table, 4)[0], (len(table) - 8) // 8)
    runs = np.frombuffer(table, ">u4", entries * 2, 8).reshape(-1, 2).astype(np.int64)
    runs = runs[runs[:, 0] > 0]
    return runs if 0 < int(runs[:, 0].sum()) <= MOST_FRAMES else None


def _rate_of(runs: IntArray, timescale: int) -> tuple[Fraction | None, bool | None]:
    """Give the rate and whether it varies; the last picture's length says nothing, since nothing follows it.

    The runs are never written out picture by picture: a few bytes can claim millions.
    """
    counts, ticks = runs[:, 0].copy(), runs[:, 1]
    counts[-1] -= 1
    pictures, passed = np.cumsum(counts), np.cumsum(counts * ticks)
    if pictures[-1] < 1 or timescale <= 0:
        return None, None
    rate = exact_rate(Fraction(timescale * int(pictures[-1]), max(1, int(passed[-1]))))
    step = timescale / float(rate)
    # Within a run a picture is later than its place by a straight line: it is latest, or earliest, at an end.
    at_ends = passed - pictures * step
    at_starts = at_ends - np.maximum(counts - 1, 0) * (ticks - step)
    late = np.abs(np.concatenate([at_ends, at_starts]))
    return rate, bool((late > max(1.5, step / 4)).any())


def _matroska(stream: BinaryIO) -> MovieHeader | None:
    identifier, size = _element(stream)  # the EBML header
    stream.seek(size, 1)
    identifier, size = _element(stream)
    if identifier != _SEGMENT:
        return None
    while True:
        identifier, size = _element(stream)
        if identifier == _TRACKS and size <= LARGEST_HEADER:
            return MovieHeader(_has_sound_track(stream, stream.tell() + size))
        if identifier in (0, _CLUSTER):
            return None
        stream.seek(size, 1)


def _has_sound_track(stream: BinaryIO, end: int) -> bool:
    while stream.tell() < end:
        identifier, size = _element(stream)
        if identifier == _TRACK:
            continue  # go inside
        content = stream.read(size) if identifier == _TRACK_TYPE else b""
        if content == bytes([_SOUND_TRACK]):
            return True
        stream.seek(size - len(content), 1)
    return False


def _element(stream: BinaryIO) -> tuple[int, int]:
    return _number(stream, keep_marker=True), _number(stream, keep_marker=False)


def _number(stream: BinaryIO, *, keep_marker: bool) -> int:
    """Give a number whose first byte tells how many follow (RFC 8794, 4)."""
    first = stream.read(1)
    if not first or first[0] == 0:
        raise ValueError("the file ends within its header")
    length = 9 - first[0].bit_length()
    value = first[0] if keep_marker else first[0] ^ (1 << (8 - length))
    return int.from_bytes(bytes([value]) + stream.read(length - 1), "big")


def _avi(stream: BinaryIO) -> MovieHeader | None:
    data = stream.read(65536)
    kinds, rate, at = set[bytes](), None, data.find(b"strh")
    while at >= 0 and len(data) >= at + 40:
        kind = data[at + 8 : at + 12]
        scale, ticks = struct.unpack_from("<II", data, at + 28)
        if kind == b"vids" and rate is None and scale > 0 and ticks > 0:
            rate = exact_rate(Fraction(ticks, scale))
        kinds.add(kind)
        at = data.find(b"strh", at + 4)
    return MovieHeader(b"auds" in kinds, rate, False) if b"vids" in kinds else None
