# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw pictures with time stamps as a Matroska stream: the way to tell ffmpeg, through a pipe, when each picture is.

Only what a reader needs (https://www.rfc-editor.org/rfc/rfc9559, https://www.rfc-editor.org/rfc/rfc8794): one track of
uncompressed RGB, one cluster for each picture, sizes of the open-ended elements unknown, times in nanoseconds.
"""

_EBML, _SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_TRACK_ENTRY, _VIDEO, _SIMPLE_BLOCK = 0xAE, 0xE0, 0xA3
_DOC_TYPE, _DOC_TYPE_VERSION, _DOC_TYPE_READ_VERSION = 0x4282, 0x4287, 0x4285
_TIMESTAMP_SCALE, _MUXING_APP, _WRITING_APP = 0x2AD7B1, 0x4D80, 0x5741
_TRACK_NUMBER, _TRACK_UID, _TRACK_TYPE, _CODEC_ID = 0xD7, 0x73C5, 0x83, 0x86
_PIXEL_WIDTH, _PIXEL_HEIGHT, _FOURCC, _TIMESTAMP = 0xB0, 0xBA, 0x2EB524, 0xE7
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_KEYFRAME = b"\x81\x00\x00\x80"  # track 1, no offset from the cluster's time, shown on its own
_NANOSECONDS = 1_000_000_000


def stream_head(width: int, height: int) -> bytes:
    """What comes before the first picture of a stream of (height, width, 3) uint8 RGB pictures."""
    version = _number(_DOC_TYPE_VERSION, 4) + _number(_DOC_TYPE_READ_VERSION, 2)
    name = _element(_MUXING_APP, b"understudy") + _element(_WRITING_APP, b"understudy")
    shape = _number(_PIXEL_WIDTH, width) + _number(_PIXEL_HEIGHT, height) + _element(_FOURCC, b"RGB\x18")
    codec = _element(_CODEC_ID, b"V_UNCOMPRESSED") + _element(_VIDEO, shape)
    track = _number(_TRACK_NUMBER, 1) + _number(_TRACK_UID, 1) + _number(_TRACK_TYPE, 1) + codec
    return (
        _element(_EBML, _element(_DOC_TYPE, b"matroska") + version)
        + _identifier(_SEGMENT)
        + _UNKNOWN_SIZE
        + _element(_INFO, _number(_TIMESTAMP_SCALE, 1) + name)
        + _element(_TRACKS, _element(_TRACK_ENTRY, track))
    )


def picture_head(size_bytes: int, time_s: float) -> bytes:
    """What comes before a picture's own `size_bytes`, shown at `time_s` (not before 0)."""
    time = _number(_TIMESTAMP, round(time_s * _NANOSECONDS))
    block = _identifier(_SIMPLE_BLOCK) + _size(size_bytes + len(_KEYFRAME)) + _KEYFRAME
    return _identifier(_CLUSTER) + _size(len(time) + len(block) + size_bytes) + time + block


def _identifier(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _size(value: int) -> bytes:
    return (value | 1 << 56).to_bytes(8, "big")


def _element(identifier: int, content: bytes) -> bytes:
    return _identifier(identifier) + _size(len(content)) + content


def _number(identifier: int, value: int) -> bytes:
    return _element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))
