# SPDX-License-Identifier: GPL-3.0-or-later
"""What a movie's header says: exact rates, variable ones, sound and rotation, from headers made by hand."""

import io
import struct
from fractions import Fraction

import pytest

from blender_addon.core.movie_header import exact_rate, read_movie_header


def box(kind, *content):
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def track(kind, steps=((60, 1001),), timescale=30000, matrix=(65536, 0, 0, 65536)):
    a, b, c, d = matrix
    tkhd = box(b"tkhd", bytes(40), struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30), bytes(8))
    mdhd = box(b"mdhd", bytes(12), struct.pack(">II", timescale, 0), bytes(4))
    hdlr = box(b"hdlr", bytes(8), kind, bytes(13))
    table = struct.pack(">I", len(steps)) + b"".join(struct.pack(">II", *step) for step in steps)
    minf = box(b"minf", box(b"stbl", box(b"stts", bytes(4), table)))
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf))


def movie(*tracks, before=b""):
    return io.BytesIO(box(b"ftyp", b"isom", bytes(4)) + before + box(b"moov", *tracks))


@pytest.mark.parametrize(
    ("steps", "timescale", "rate"),
    [
        (((60, 1001),), 30000, Fraction(30000, 1001)),
        (((60, 1001),), 24000, Fraction(24000, 1001)),
        (((100, 20),), 600, Fraction(30)),
        (((1000, 1), (1, 2)), 25, Fraction(25)),  # the last picture may stand longer
    ],
)
def test_an_even_rate_is_exact(steps, timescale, rate):
    header = read_movie_header(movie(track(b"vide", steps, timescale)))
    assert header.is_variable is False
    assert header.frames == sum(count for count, _ in steps)
    assert header.frame_rate == rate


def test_a_rate_that_varies_is_told_with_its_average():
    header = read_movie_header(movie(track(b"vide", ((30, 1000), (30, 2000)), 30000)))
    assert header.is_variable
    assert float(header.frame_rate) == pytest.approx(20.17, abs=0.2)


def test_a_clock_that_rounds_is_not_variable():
    steps = tuple((1, 33 if index % 3 else 34) for index in range(300))  # 30 fps in milliseconds
    header = read_movie_header(movie(track(b"vide", steps, 1000)))
    assert (header.is_variable, header.frame_rate) == (False, Fraction(30))


def test_sound_is_seen():
    assert read_movie_header(movie(track(b"vide"))).has_sound is False
    assert read_movie_header(movie(track(b"soun"), track(b"vide"))).has_sound is True
    assert read_movie_header(movie(track(b"soun"))) is None


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((65536, 0, 0, 65536), 0),
        ((0, 65536, -65536, 0), 90),
        ((-65536, 0, 0, -65536), 180),
        ((0, -65536, 65536, 0), 270),
    ],
)
def test_the_turn_that_phones_write_is_read(matrix, turn):
    assert read_movie_header(movie(track(b"vide", matrix=matrix))).rotation_deg == turn


def test_the_pictures_are_skipped_whatever_their_size():
    small, large = box(b"mdat", bytes(1000)), struct.pack(">I4sQ", 1, b"mdat", 1016) + bytes(1000)
    for data in (small, large):
        assert read_movie_header(movie(track(b"vide"), before=data)).frames == 60


def test_matroska_tells_its_sound():
    def element(identifier, body):
        return identifier + bytes([0x40 | len(body) >> 8, len(body) & 255]) + body

    def tracks(*kinds):
        entries = b"".join(element(b"\xae", element(b"\x83", bytes([kind]))) for kind in kinds)
        return io.BytesIO(
            element(b"\x1a\x45\xdf\xa3", b"") + element(b"\x18\x53\x80\x67", element(b"\x16\x54\xae\x6b", entries))
        )

    assert read_movie_header(tracks(1)).has_sound is False
    assert read_movie_header(tracks(1, 2)).has_sound is True


def test_avi_tells_rate_and_sound():
    def stream(kind, scale, ticks):
        return b"strh" + struct.pack("<I", 56) + kind + bytes(16) + struct.pack("<II", scale, ticks) + bytes(28)

    data = b"RIFF" + bytes(4) + b"AVI " + stream(b"vids", 1001, 30000)
    assert read_movie_header(io.BytesIO(data)).frame_rate == Fraction(30000, 1001)
    assert read_movie_header(io.BytesIO(data)).has_sound is False
    assert read_movie_header(io.BytesIO(data + stream(b"auds", 1, 44100))).has_sound is True


def test_what_is_cut_off_or_no_movie_gives_nothing_and_ends():
    whole = movie(track(b"soun"), track(b"vide")).getvalue()
    for length in range(0, len(whole), 7):
        read_movie_header(io.BytesIO(whole[:length]))
    for data in (b"", b"this is a letter", bytes(64), b"\x1a\x45\xdf\xa3" * 9, b"RIFF" + bytes(4) + b"AVI "):
        assert read_movie_header(io.BytesIO(data)) is None


def test_rates_of_coarse_clocks_are_what_is_meant():
    assert exact_rate(Fraction(2997, 100)) == Fraction(30000, 1001)
    assert exact_rate(Fraction(30)) == 30
    assert exact_rate(Fraction(17)) == 17
