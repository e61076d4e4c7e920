# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and stopping ffmpeg, and reading what it says about a stream."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from fomm_engine.wire.errors import UserError

# No console window flashes up on Windows, and Ctrl-C reaches us alone: we then stop ffmpeg ourselves.
_CREATION_FLAGS = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
_TIME_BASE = re.compile(r"config in time_base: (\d+)/(\d+), frame_rate: (\d+)/(\d+)")
_FRAME = re.compile(r"n: *\d+ pts: *(-?\d+|NOPTS) pts_time:\S+ .*?fmt:\S+ cl:\S+ sar:(\d+)/(\d+) s:(\d+)x(\d+)")

Process = subprocess.Popen[bytes]


def ffmpeg_path() -> str:
    """The path of the ffmpeg binary.

    Raises UserError("ffmpeg-missing") where imageio-ffmpeg has none for this machine.
    """
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        hint = "Install the imageio-ffmpeg package again, or set IMAGEIO_FFMPEG_EXE to an ffmpeg binary."
        raise UserError("ffmpeg-missing", "No ffmpeg binary was found.", hint) from error


def input_arguments(path: Path) -> list[str]:
    """ffmpeg arguments that open the local file `path` and nothing else: no network, no name taken for an option."""
    return ["-protocol_whitelist", "file", "-i", f"file:{Path(path).absolute()}"]


def start(arguments: Sequence[str], *, feed: bool = False) -> Process:
    """A running ffmpeg with piped output and messages, and a piped input where `feed` is set.

    The engine's own stdin carries the host's cancel line, so ffmpeg must never inherit it.
    """
    command = [ffmpeg_path(), "-hide_banner", "-nostats", *arguments]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if feed else subprocess.PIPE,
        stderr=subprocess.PIPE,
        creationflags=_CREATION_FLAGS,
        start_new_session=True,
    )


def output_lines(arguments: Sequence[str]) -> Iterator[str]:
    """What an ffmpeg run with `arguments` writes to its output, line by line, as it comes."""
    process = start(["-loglevel", "quiet", *arguments])
    assert process.stdout is not None
    assert process.stderr is not None
    process.stderr.close()
    try:
        for raw in process.stdout:
            yield raw.decode("ascii", "replace")
    finally:
        stop(process)


def messages(arguments: Sequence[str]) -> list[str]:
    """What an ffmpeg run with `arguments` printed, line by line, after it ended."""
    with start(arguments) as process:
        _, printed = process.communicate()
    return printed.decode("utf-8", "replace").splitlines()


def stop(process: Process) -> None:
    """Nothing; the process is gone and reaped, its pipes closed, whatever it was doing."""
    if process.poll() is None:
        process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


class StreamTimes:
    """Exact presentation times from the lines of ffmpeg's showinfo filter (its pts_time has six digits only).

    A stream that changes size on the way restarts the filter, which then states its time base anew.
    """

    def __init__(self) -> None:
        self.time_base = Fraction(0)
        self.frame_rate = Fraction(0)
        self.size = (0, 0)
        self.sample_aspect = Fraction(1)

    def times_in(self, line: str) -> list[Fraction | None]:
        """Times in seconds of the frames that `line` announces; None for a frame without a time stamp.

        ffmpeg's threads print into each other's lines, so a line may announce none, one or several frames.
        """
        config = _TIME_BASE.search(line)
        if config:
            self.time_base = _fraction(config[1], config[2])
            self.frame_rate = _fraction(config[3], config[4])
        times: list[Fraction | None] = []
        for stamp, *shape in _FRAME.findall(line):
            self.sample_aspect = _fraction(shape[0], shape[1]) or Fraction(1)
            self.size = (int(shape[2]), int(shape[3]))
            times.append(None if stamp == "NOPTS" else int(stamp) * self.time_base)
        return times


def _fraction(numerator: str, denominator: str) -> Fraction:
    return Fraction(int(numerator), int(denominator)) if int(denominator) else Fraction(0)
