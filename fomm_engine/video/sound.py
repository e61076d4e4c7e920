# SPDX-License-Identifier: GPL-3.0-or-later
"""Another file's sound in a film: which containers hold it as it is, and ffmpeg's arguments that bring it along."""

from dataclasses import dataclass
from pathlib import Path

from fomm_engine.video.ffmpeg import input_arguments, messages
from fomm_engine.video.probe import audio_codec, audio_start_s, probe
from fomm_engine.wire.errors import UserError

# Which kinds of sound stand unchanged in which container; Matroska takes them all, but counts time in milliseconds.
_HELD = {
    ".mp4": ("aac", "mp3", "mp2", "ac3", "eac3", "alac", "opus", "flac", "vorbis", "dts"),
    ".mov": ("aac", "mp3", "ac3", "eac3", "alac", "amr_nb", "amr_wb", "pcm_mulaw", "pcm_alaw", "adpcm_ima_qt"),
}
_PCM = tuple(f"pcm_{kind}" for kind in ("s8", "u8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le"))
FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
_EDGE_S = 0.0005  # packets this much before the cut are in it: time stamps are rounded


@dataclass(frozen=True)
class Sound:
    """The first sound of `path`, for a film.

    offset_s: how long after the film's first picture the whole sound begins, negative for before; None as in the file.
    length_s: what begins before the film's start or after so many seconds is left out (None: all of it comes along).
    encoded: whether sound that the container cannot hold is made AAC; without it, that is an error.
    """

    path: Path
    offset_s: float | None = None
    length_s: float | None = None
    encoded: bool = True


def holds(suffix: str, codec: str) -> bool:
    """Whether a film of this suffix can hold sound of this kind (ffmpeg's name) unchanged; "" stands for none."""
    pcm = suffix == ".mov" and codec in _PCM
    return codec == "" or suffix == ".mkv" or pcm or codec in _HELD.get(suffix, ())


def container_for(suffix: str, codec: str) -> str:
    """The suffix of a film that holds sound of kind `codec` as it is: `suffix` itself, else .mov, else .mkv."""
    return next(kind for kind in (suffix, ".mov", ".mkv") if holds(kind, codec))


def sound_arguments(sound: Sound | None, suffix: str) -> tuple[list[str], list[str]]:
    """ffmpeg's arguments (for the input, for the output) that bring `sound` into a film of this suffix.

    Raises UserError("sound-unfit") for sound that the container cannot hold and that may not be encoded.
    """
    codec = audio_codec(sound.path) if sound is not None else ""
    start_s = audio_start_s(sound.path) if sound is not None and codec else None
    if sound is None or start_s is None:
        return [], ["-an"]
    wanted_s = sound.offset_s if sound.offset_s is not None else _own_offset_s(sound.path)
    shift = ["-copyts", "-itsoffset", f"{wanted_s - start_s:.6f}", *input_arguments(sound.path)]
    return shift, ["-map", "1:a:0", *_coded(sound, codec, suffix), *_cut(sound)]


def copy_sound(sound: Sound, path: Path) -> bool:
    """Whether `sound` has been copied into `path` (Matroska audio), its packets as they are; False: there is none."""
    shift, coded = sound_arguments(sound, ".mkv")
    if not shift:
        return False
    chosen = ["-map", "0:a:0", *coded[2:]]
    messages(["-y", *shift, *chosen, "-f", "matroska", f"file:{path.absolute()}"])
    return path.is_file()


def _coded(sound: Sound, codec: str, suffix: str) -> list[str]:
    if holds(suffix, codec):
        return ["-c:a", "copy"]
    if not sound.encoded:
        raise UserError("sound-unfit", f"A {suffix[1:]} film cannot hold {codec} sound as it is.", "Use .mov or .mkv.")
    return ["-c:a", "aac", "-b:a", "192k"]


def _cut(sound: Sound) -> list[str]:
    """Packets outside the film are dropped, the others stay as they are: nothing is decoded."""
    if sound.length_s is None:
        return []
    early, late = f"lt(pts*tb,{-_EDGE_S})", f"gte(pts*tb,{sound.length_s - _EDGE_S:.6f})"
    return ["-bsf:a", f"noise=drop='{early}+{late}'"]


def _own_offset_s(path: Path) -> float:
    try:
        return probe(path).audio_offset_s
    except UserError:  # a sound file without pictures
        return 0.0
