# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance of any length with a sound that marks where each repeat begins: what endurance is measured on."""

import subprocess
import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

from fomm_engine.video.reader import probe

SOUND_RATE = 48_000
TONE_HZ, TONE_S = 1000.0, 0.05
LOUD = 0.2  # of full scale: what counts as the tone, and no echo of the sound's compression


@dataclass(frozen=True)
class LongPerformance:
    """A clip repeated: the film, its exact frame rate, the frames of one repeat, and how often it was repeated."""

    film: Path
    frame_rate: Fraction
    frames_each: int
    repeats: int

    @property
    def frames(self) -> int:
        """Frames of the whole film."""
        return self.frames_each * self.repeats

    @property
    def repeat_s(self) -> Fraction:
        """Seconds from one repeat's first frame to the next one's."""
        return self.frames_each / self.frame_rate


def make_long_performance(clip: Path, film: Path, minutes: float) -> LongPerformance:
    """`clip` repeated for at least `minutes`, without encoding it again; a tone sounds where each repeat begins."""
    info = probe(clip)
    rate = Fraction(*info.frame_rate)
    frames_each = count_frames(clip)
    repeats = int(np.ceil(minutes * 60 * rate / frames_each))
    made = LongPerformance(film, rate, frames_each, repeats)
    sound = film.with_suffix(".wav")
    write_tones(sound, [float(made.repeat_s * index) for index in range(repeats)], float(made.repeat_s * repeats))
    repeat = ["-stream_loop", str(repeats - 1), "-i", str(clip), "-i", str(sound)]
    streams = ["-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "64k"]
    subprocess.run([*_ffmpeg(), "-y", *repeat, *streams, str(film)], check=True)
    sound.unlink()
    return made


def write_tones(path: Path, starts_s: list[float], length_s: float) -> None:
    """A mono WAV file of `length_s`, silent but for a short tone at each of `starts_s`."""
    tone = np.sin(2 * np.pi * TONE_HZ * np.arange(round(TONE_S * SOUND_RATE)) / SOUND_RATE)
    samples = np.zeros(round(length_s * SOUND_RATE) + len(tone), np.int16)
    for start_s in starts_s:
        first = round(start_s * SOUND_RATE)
        samples[first : first + len(tone)] = (tone * 0.8 * 32767).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_RATE)
        file.writeframes(samples.tobytes())


def tone_starts_s(film: Path) -> npt.NDArray[np.float64]:
    """(N,) media times at which a tone begins in the film's sound, as its container places it."""
    command = [*_ffmpeg(), "-i", str(film), "-vn", "-ac", "1", "-ar", str(SOUND_RATE), "-f", "s16le", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    loud = np.abs(np.frombuffer(raw, np.int16)) > LOUD * 32767
    places = np.flatnonzero(loud)
    first = np.concatenate([[True], np.diff(places) > SOUND_RATE // 2]) if len(places) else np.zeros(0, bool)
    return places[first] / SOUND_RATE


def count_frames(clip: Path) -> int:
    """Frames that decode, counted rather than taken from a header."""
    frames, _seconds = imageio_ffmpeg.count_frames_and_secs(str(clip))
    return int(frames)


def _ffmpeg() -> list[str]:
    return [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin"]
